// A sharded cluster, as far as it can be tested without one: behind a proxy that greets as a router
// everything is stored and exact, every command fits collections that are sharded by `_id`, and errors of a
// router while shards change are retried.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { insertOldData, makePlan } = require('../../support/old-data');
const { fates, startProxy } = require('../../support/proxy');
const { actAsRouter } = require('../../support/router');
const { assertFitsShards } = require('../../support/sharding');
const { create, useMongod } = require('../../support/setup');
const { Tally, kindOf } = require('./writes');

/** A router takes the sessions and repeated writes that a single server does not. */
const mongo = useMongod({ replSet: 1 });

const KINDS = [
  ...['insert events', 'insert sessions', 'close sessions'],
  ...['insert markers', 'ensure day', 'add to day'],
];
/** Errors of a router while chunks and shards move. */
const ROUTER_ERRORS = [
  { code: 13388, codeName: 'StaleConfig' },
  { code: 150, codeName: 'StaleEpoch' },
  { code: 249, codeName: 'StaleDbVersion' },
  { code: 70, codeName: 'ShardNotFound' },
  { code: 272, codeName: 'MigrationConflict' },
  { code: 82, codeName: 'NoProgressMade' },
];

/** Events of some users are delivered twice. */
const keyOf = (user) => (user.endsWith('5') ? { dedupeKey: user } : undefined);

async function play(analytics) {
  analytics.start();
  const users = Array.from({ length: 20 }, (_, i) => `user${i}`);
  for (const user of [...users, ...users.filter(keyOf)]) {
    analytics.track('credits.earn', user, { amount: 2 }, keyOf(user));
  }
  await Promise.all(users.map((user) => analytics.onLogin(user, user)));
  await Promise.all(users.slice(10).map((user) => analytics.onLogout(user)));
  await analytics.flush();
  await analytics.getLast30Days();
  await analytics.getConcurrency();
  await analytics.getConcurrency({ day: '2026-01-01' });
  await analytics.getFunnel({ steps: ['credits.earn', 'credits.spend'], windowS: 60 });
  return analytics.getMetrics();
}

describe('behind a router', () => {
  it('everything is stored, and every command fits', async (t) => {
    const database = mongo.database();
    const today = new Date().toISOString().slice(0, 10);
    const plan = makePlan({ seed: 3, days: [today], logins: 10, users: 10, events: 0 });
    await insertOldData(database.db, plan);
    const [{ dau: before, creditsEarned }] = await database.days();
    const tally = new Tally();
    const proxy = await startProxy(mongo.server.port, tally);
    const greetings = actAsRouter(proxy);
    const refused = ROUTER_ERRORS.map((error, i) =>
      proxy.rule({
        when: (request) => kindOf(request) === KINDS[i],
        fate: fates.refuse({ ...error, errmsg: `shards change: ${error.codeName}` }),
        times: 1,
      }),
    );
    const indexes = proxy.rule({
      when: ({ command }) => command === 'createIndexes',
      fate: fates.forward,
    });
    const uri = `mongodb://127.0.0.1:${proxy.port}/${database.name}`;
    const { analytics } = create({ uri, flushIntervalMs: 20 });
    const { today: day, dau } = await play(analytics);
    assert.strictEqual(day.creditsEarned, creditsEarned + 40);
    assert.strictEqual(dau, before + 20);
    assert.strictEqual(await database.count('gsoevents'), 20);
    assert.strictEqual(await database.count('gsosessions', { userId: /^user/ }), 20);
    assert.deepStrictEqual(
      refused.map(({ taken }) => taken.length),
      ROUTER_ERRORS.map(() => 1),
    );
    const { dropped, refusedCollections, retried } = analytics.getHealth();
    assert.deepStrictEqual([dropped, refusedCollections], [{}, []]);
    assert.ok(retried > 0);
    assert.ok(greetings.taken.length > 0);
    // A router takes the quorum.
    assert.strictEqual(indexes.taken[0].request.body.commitQuorum, 'majority');
    t.diagnostic(tally.lines().join('; '));
    let count = 0;
    for await (const { document } of analytics.exportUser('user15')) if (document._id) count++;
    assert.strictEqual(count, 4);
    await analytics.deleteUser('user15', { keepCounts: true });
    await analytics.deleteUser('user16');
    await analytics.stop();
    await proxy.close();
  });
});

describe('a command that does not fit a sharded cluster is found', () => {
  const BAD = {
    'an insert without an _id': { insert: 'gsoevents', documents: [{ userId: 'u' }] },
    'an update by another field': {
      update: 'gsosessions',
      updates: [{ q: { userId: 'u' }, u: {} }],
    },
    'an update of some _ids': {
      update: 'gsouniques',
      updates: [{ q: { _id: { $in: [1] } }, u: {} }],
    },
    'an update of many': {
      update: 'gsosessions',
      updates: [{ q: { _id: 1 }, u: {}, multi: true }],
    },
    'an upsert by a part of an _id': {
      update: 'gsoreports',
      updates: [{ q: { _id: { $gte: 'now:' } }, u: {}, upsert: true }],
    },
    'one bounded read of two': { find: 'gsoreports', filter: { $or: [{ _id: 1 }, { n: 1 }] } },
    'a read of everything': { find: 'gsosessions', filter: {} },
    'a read by a field without an index': { find: 'gsosessions', filter: { username: 'u' } },
    'an open range': { aggregate: 'gsouniques', pipeline: [{ $match: { _id: { $gte: 1 } } }] },
    'a unique index': { createIndexes: 'gsouniques', indexes: [{ key: { u: 1 }, unique: true }] },
    'a delete by another field': { delete: 'gsoevents', deletes: [{ q: { userId: 'u' } }] },
    'a command that is not known': { count: 'gsoevents' },
  };
  for (const [name, body] of Object.entries(BAD)) {
    it(name, () => {
      assert.throws(
        () => assertFitsShards({ command: Object.keys(body)[0], body }),
        /fit a sharded/,
      );
    });
  }
});
