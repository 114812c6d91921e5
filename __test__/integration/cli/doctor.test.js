// `doctor` finds each fault that is put into a database, says what to do, and writes nothing.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { session } = require('../reports/days');
const { cli, watchedCli } = require('./command');

const mongo = useMongod();

/** A database in which a game runs, as it is meant to be. */
async function healthy(options = {}) {
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri, instanceName: 'eu-1', ...options });
  analytics.start();
  await analytics.onLogin('ann', 'Ann');
  analytics.track('stripe.payment', 'ann', { amountCents: 499 });
  await analytics.flush();
  await waitFor(() => database.count('gsoreports', { _id: /^now:/ }));
  const indexes = (name) => database.db.collection(name).indexes();
  await waitFor(async () => (await indexes('gsopurchases')).length === 3);
  await waitFor(async () => (await indexes('gsosessions')).length === 5);
  return { database, analytics };
}

async function examine(database, options) {
  const { code, stdout, problems, writes } = await watchedCli(['doctor', '--json'], {
    ...{ server: mongo.server, database },
    ...options,
  });
  assert.deepStrictEqual([problems, writes], [[], []]);
  const { ok, findings } = JSON.parse(stdout);
  assert.strictEqual(code, ok ? 0 : 1);
  const wrong = findings.filter(({ state }) => state === 'wrong');
  for (const { means, todo } of wrong) assert.ok(means && todo);
  return { findings, wrong };
}

const setSample = (database, set) =>
  database.db.collection('gsoreports').updateOne({ _id: /^now:/ }, { $set: set });

describe('doctor', () => {
  it('finds nothing wrong with a game that runs', async () => {
    const { database, analytics } = await healthy();
    const { findings, wrong } = await examine(database);
    assert.deepStrictEqual(wrong, []);
    const found = new Map(findings.map((one) => [one.check, one]));
    assert.match(found.get('server').found, /^MongoDB \d/);
    assert.strictEqual(found.get('indexes').state, 'ok');
    assert.match(found.get('processes').found, /^1 process here, 1 players online$/);
    assert.match(found.get('size').found, /gsoevents .* \(1\)/);
    const { code, stdout } = await cli(['doctor'], { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.match(stdout, /^ok {4}indexes {7}every index is there$/m);
    await analytics.stop();
  });

  it('takes the sample of a process as it is', async () => {
    const { database, analytics } = await healthy({ reports: 'off' });
    const looked = async () => {
      await setSample(database, { t: 'no date' });
      const { findings, wrong } = await examine(database);
      const [{ t }] = await database.all('gsoreports', { _id: /^now:/ });
      return t === 'no date' && { findings, wrong };
    };
    const { findings, wrong } = await waitFor(looked);
    assert.deepStrictEqual(wrong, []);
    assert.ok(findings.some(({ found }) => /^1 process here/.test(found)));
    await analytics.stop();
  });

  it('finds a database without a game', async () => {
    const { wrong } = await examine(mongo.database());
    assert.deepStrictEqual(
      wrong.map(({ check }) => check),
      ['collections'],
    );
  });
});

describe('doctor finds', () => {
  const faults = [
    {
      name: 'a missing index',
      seed: ({ db }) => db.collection('gsosessions').dropIndex('userId_1'),
      check: 'indexes',
      says: /gsosessions has no index on userId/,
      todo: /db\.gsosessions\.createIndex\(\{ userId: 1 \}\)/,
    },
    {
      name: 'a missing unique index, and several documents of a day',
      async seed({ db }) {
        await db.collection('gsodailies').dropIndex('day_1');
        await db.collection('gsodailies').insertOne({ day: '2026-01-01' });
        await db.collection('gsodailies').insertOne({ day: '2026-01-01' });
      },
      check: 'days',
      says: /gsodailies has several documents for 2026-01-01$/,
      todo: /delete the others/,
    },
    {
      name: 'events that are kept for ever',
      async seed({ db }) {
        await db.collection('gsoevents').dropIndex('ts_1');
        await db.collection('gsoevents').createIndex({ ts: 1 });
      },
      check: 'expiry',
      says: /on ts deletes nothing/,
      todo: /Drop that index/,
    },
    {
      name: 'days without a report',
      seed: ({ db }) => db.collection('gsosessions').insertOne(session('bob', 3)),
      check: 'reports',
      says: /[23] days without a report/,
      todo: /gso-analytics rollup/,
    },
    {
      name: 'blocked totals of a process',
      seed: (one) => setSample(one, { 'h.totals': 'blocked' }),
      check: 'totals',
      says: /the totals of process eu-1 are blocked/,
      todo: /troubleshooting/,
    },
    {
      name: 'records that were lost',
      seed: (one) => setSample(one, { 'h.dropped': 3 }),
      check: 'records',
      says: /process eu-1 has dropped 3 records/,
      todo: /getHealth\(\)\.dropped/,
    },
    {
      name: 'a destination that fails',
      seed: (one) =>
        setSample(one, {
          'h.destinations': [
            { name: 'posthog', circuit: 'open', queued: 7, lastError: 'no route' },
          ],
        }),
      check: 'destinations',
      says: /the destination posthog of process eu-1 is open, 7 events waiting/,
      todo: /no route/,
    },
    {
      name: 'the clock of a process',
      seed: (one) => setSample(one, { t: new Date(Date.now() - 600_000) }),
      check: 'clock',
      says: /the clock of process eu-1 is [56]\d\d s behind/,
      todo: /NTP/,
    },
  ];
  for (const { name, seed, check, says, todo } of faults) {
    it(name, async () => {
      // A game that ends leaves its last sample as it is; this one does not.
      const { database, analytics } = await healthy({ reports: 'off' });
      const looked = async () => {
        await seed(database);
        const { wrong } = await examine(database);
        return wrong.find((one) => one.check === check && says.test(one.found));
      };
      // The game writes its sample every 20 s, perhaps just now.
      const found = await waitFor(looked, { what: name });
      assert.match(found.todo, todo);
      await analytics.stop();
    });
  }
});
