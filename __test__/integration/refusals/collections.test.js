// A collection that refuses writes holds up only what belongs to it: everything else is stored and counted,
// the health report and one line name the collection, and nothing is missing once the cause is removed.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { afterIndexBuilds } = require('../../support/index-builds');
const { waitFor } = require('../../support/wait');
const { fates, startProxy } = require('../../support/proxy');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const EVENTS = 100;
const SHORT = { ackTimeoutMs: 300, operationTimeoutMs: 2_000, shutdownTimeoutMs: 300 };

const view = (name) => ({
  async make(db) {
    await db.createCollection('source');
    await db.createCollection(name, { viewOn: 'source', pipeline: [] });
  },
  mend: (db) => db.collection(name).drop(),
  code: 166,
});

const daily = (validator) => ({
  make: (db) => db.createCollection('gsodailies', { validator }),
  mend: (db) => afterIndexBuilds(() => db.command({ collMod: 'gsodailies', validator: {} })),
  code: 121,
});

/** Defects of a collection, and what must be stored and counted nevertheless. */
const CAUSES = {
  'events is a view': { ...view('gsoevents'), refuses: 'events', goesOn: ['logins', 'dau'] },
  'sessions is a view': {
    ...view('gsosessions'),
    refuses: 'sessions',
    goesOn: ['events', 'credits'],
  },
  'a validator takes no total': {
    ...daily({ creditsEarned: { $lt: 1 } }),
    refuses: 'daily',
    goesOn: ['events', 'logins'],
  },
  'a validator takes no book-keeping': {
    ...daily({ _a: { $exists: false } }),
    refuses: 'daily',
    goesOn: ['events', 'logins'],
  },
  'daily is a view': { ...view('gsodailies'), refuses: 'daily', goesOn: ['events', 'logins'] },
  'uniques is a view': { ...view('gsouniques'), refuses: 'uniques', goesOn: ['events', 'credits'] },
};

/** The number of documents of each kind. */
async function found(database) {
  const [day] = await database.days().catch(() => []);
  const count = (name) => database.count(name).catch(() => 0);
  return {
    events: await count('gsoevents'),
    logins: await count('gsosessions'),
    credits: day?.creditsEarned ?? 0,
    dau: day?.dau ?? 0,
  };
}

const WHOLE = { events: EVENTS, logins: 3, credits: EVENTS, dau: 3 };

async function track(analytics) {
  for (let i = 0; i < EVENTS; i++) analytics.track('credits.earn', 'u', { amount: 1 });
  await Promise.all(['ann', 'bob', 'cid'].map((user) => analytics.onLogin(user, user)));
}

describe('a collection that refuses writes', { concurrency: 2 }, () => {
  for (const [name, cause] of Object.entries(CAUSES)) {
    it(`${name}: holds up only what belongs to it, until it is repaired`, async () => {
      const database = mongo.database();
      await cause.make(database.db);
      const { analytics, lines } = create({ uri: database.uri, ...SHORT });
      await track(analytics);
      const goesOn = async () => {
        const now = await found(database);
        return cause.goesOn.every((what) => now[what] === WHOLE[what]);
      };
      await waitFor(goesOn, { what: cause.goesOn.join(' and ') });
      const refused = () => analytics.getHealth().refusedCollections;
      await waitFor(() => refused().length > 0, { what: 'the report' });
      const [{ collection, code, sinceMs }] = refused();
      assert.deepStrictEqual([refused().length, collection, code], [1, cause.refuses, cause.code]);
      assert.ok(Math.abs(Date.now() - sinceMs) < 60_000);
      const health = analytics.getHealth();
      assert.strictEqual(health.connected, true);
      const isTotals = ['daily', 'uniques'].includes(cause.refuses);
      assert.strictEqual(health.totals, isTotals ? 'blocked' : 'ok');
      assert.deepStrictEqual(health.dropped, {});
      // Totals that wait are sums: only their users take memory.
      if (cause.refuses === 'daily') assert.ok(health.queuedBytes < 1_000, `${health.queuedBytes}`);
      // A line comes a turn of the event loop after the report that it belongs to.
      const told = () => lines.filter((line) => line.includes('MongoDB refuses writes to'));
      await waitFor(() => told().length > 0, { what: 'the line' });
      assert.strictEqual(told().length, 1, lines.join('\n'));

      await cause.mend(database.db);
      const isWhole = async () => analytics.getHealth().queued === 0;
      await waitFor(isWhole, { timeoutMs: 30_000, what: 'what had waited' });
      assert.deepStrictEqual(await found(database), WHOLE);
      assert.deepStrictEqual(refused(), []);
      assert.strictEqual(analytics.getHealth().totals, 'ok');
      assert.ok(lines.some((line) => line.includes('takes writes again')));
    });
  }

  it('is a time series collection: events are stored, and one line says what may be stored twice', async () => {
    const database = mongo.database();
    const timeseries = { timeField: 'ts', metaField: 'event' };
    await database.db.createCollection('gsoevents', { timeseries });
    const { analytics, lines } = create({ uri: database.uri, ...SHORT });
    await track(analytics);
    await analytics.flush();
    assert.deepStrictEqual(await found(database), WHOLE);
    const told = () => lines.filter((line) => line.includes('is a time series collection'));
    await waitFor(() => told().length > 0, { what: 'the line' });
    assert.strictEqual(told().length, 1);
    assert.deepStrictEqual(analytics.getHealth().refusedCollections, []);
  });

  it('has an index that refuses markers: logins wait, everything else goes on', async () => {
    const database = mongo.database();
    const uniques = database.db.collection('gsouniques');
    await uniques.createIndex({ w: 1, s: 1 }, { unique: true });
    await uniques.insertOne({ note: 'without w and s' });
    const { analytics } = create({ uri: database.uri, ...SHORT });
    await track(analytics);
    const goesOn = async () => (await found(database)).credits === EVENTS;
    await waitFor(goesOn, { what: 'the credits' });
    const isTold = () => analytics.getHealth().refusedCollections[0]?.collection === 'uniques';
    await waitFor(isTold, { what: 'the report' });
    await uniques.dropIndexes();
    await waitFor(() => analytics.getHealth().queued === 0, {
      timeoutMs: 30_000,
      what: 'the rest',
    });
    assert.deepStrictEqual(await found(database), WHOLE);
  });

  it('is that of events, which fill the memory: logins go on', async () => {
    const database = mongo.database();
    await CAUSES['events is a view'].make(database.db);
    const { analytics } = create({ uri: database.uri, maxQueueBytes: 65_536, ...SHORT });
    analytics.start();
    for (let i = 0; i < 2_000; i++) analytics.track('chat', 'u', { i });
    await waitFor(() => analytics.getHealth().rejected.queue_full > 0, { what: 'a full queue' });
    const users = Array.from({ length: 8 }, (_, i) => `u${i}`);
    await Promise.all(users.map((user) => analytics.onLogin(user, user)));
    const areStored = async () => (await database.count('gsosessions')) === users.length;
    await waitFor(areStored, { what: 'the logins' });
    const isCounted = async () => (await database.days())[0]?.dau === users.length;
    await waitFor(isCounted, { what: 'the users' });
  });

  it('is repaired while events with a key wait for another: only that is reported', async () => {
    const database = mongo.database();
    const [events, uniques] = [view('gsoevents'), view('gsouniques')];
    await database.db.createCollection('source');
    for (const name of ['gsoevents', 'gsouniques']) {
      await database.db.createCollection(name, { viewOn: 'source', pipeline: [] });
    }
    const { analytics } = create({ uri: database.uri });
    analytics.track('credits.earn', 'u', { amount: 1 });
    analytics.track('credits.earn', 'u', { amount: 1 }, { dedupeKey: 'run_1' });
    const refused = () => analytics.getHealth().refusedCollections.map((one) => one.collection);
    await waitFor(() => refused().includes('events'), { what: 'the report' });
    await events.mend(database.db);
    const isOther = () => {
      analytics.track('chat', 'u');
      return refused().join() === 'uniques';
    };
    await waitFor(isOther, { what: 'the report of the other' });
    await uniques.mend(database.db);
    await analytics.flush();
    assert.deepStrictEqual([(await found(database)).credits, refused()], [2, []]);
  });

  it('answers with a code of the moment: the server is connected, and the rest goes on', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const rule = proxy.rule({
      when: ({ command, body }) => command === 'insert' && body.insert === 'gsoevents',
      fate: fates.refuse({ code: 112, codeName: 'WriteConflict', errmsg: 'by the test' }),
    });
    const { analytics } = create({ uri: proxy.uri(database.name) });
    analytics.track('credits.earn', 'u', { amount: 1 });
    await analytics.onLogin('ann', 'Ann');
    const seen = new Set();
    const isRefused = () => seen.add(analytics.getHealth().connected) && rule.taken.length > 5;
    await waitFor(isRefused, { what: 'refusals' });
    const { refusedCollections, dropped } = analytics.getHealth();
    assert.deepStrictEqual([[...seen], refusedCollections, dropped], [[true], [], {}]);
    rule.remove();
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 1);
    await proxy.close();
  });

  it('has a collation that makes two user ids equal: both are stored, one is counted', async () => {
    const database = mongo.database();
    const collation = { locale: 'en', strength: 1 };
    await database.db.createCollection('gsouniques', { collation });
    const { analytics } = create({ uri: database.uri, ...SHORT });
    await Promise.all(['Ann', 'ann', 'ANN', 'bob'].map((user) => analytics.onLogin(user, user)));
    await analytics.flush();
    const [day] = await database.days();
    assert.deepStrictEqual([day.dau, day.sessionCount], [2, 4]);
    assert.deepStrictEqual(analytics.getHealth().dropped, { refused_by_server: 2 });
    assert.strictEqual(await database.count('gsosessions'), 4);
  });
});

describe('a user without a privilege', () => {
  const guarded = useMongod({ own: true, auth: true });
  const COLLECTIONS = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques', 'gsoreports'];
  const ALL = ['insert', 'update', 'find', 'createIndex', 'listIndexes', 'remove'];
  const CASES = {
    'to insert events': ['gsoevents', ['insert'], 'events', 'insert', ['logins', 'dau']],
    'to insert sessions': ['gsosessions', ['insert'], 'sessions', 'insert', ['events', 'credits']],
    'to find sessions': ['gsosessions', ['find'], 'sessions', 'find', ['events', 'credits']],
    'to update days': ['gsodailies', ['update'], 'daily', 'update', ['events', 'logins']],
    'to change markers': ['gsouniques', ['update'], 'uniques', 'update', ['events', 'credits']],
  };

  async function grant(database, user, { without: [collection, actions] = [] }) {
    const privileges = COLLECTIONS.map((name) => ({
      resource: { db: database.name, collection: name },
      actions: ALL.filter((action) => name !== collection || !actions.includes(action)),
    }));
    const role = { privileges, roles: [] };
    const known = await database.db.command({ rolesInfo: user });
    const verb = known.roles.length > 0 ? 'updateRole' : 'createRole';
    await database.db.command({ [verb]: user, ...role });
  }

  for (const [name, [collection, actions, refuses, privilege, goesOn]] of Object.entries(CASES)) {
    it(`${name}: a line names it, and everything else goes on`, async () => {
      const database = guarded.database();
      const user = `game${refuses}`;
      await grant(database, user, { without: [collection, actions] });
      const roles = [{ role: user, db: database.name }];
      await database.db.command({ createUser: user, pwd: 'secret', roles });
      const { analytics, lines } = create({
        uri: `mongodb://${user}:secret@127.0.0.1:${guarded.server.port}/${database.name}`,
        ...SHORT,
      });
      await track(analytics);
      const isGoingOn = async () => {
        const now = await found(database);
        return goesOn.every((what) => now[what] === WHOLE[what]);
      };
      await waitFor(isGoingOn, { what: goesOn.join(' and ') });
      const refused = () => analytics.getHealth().refusedCollections;
      await waitFor(() => refused().length > 0, { what: 'the report' });
      const [report] = refused();
      assert.deepStrictEqual(
        [report.collection, report.code, report.missingPrivilege],
        [refuses, 13, privilege],
      );
      const line = lines.find((one) => one.includes('MongoDB refuses writes to'));
      assert.match(line, new RegExp(`grant the privilege for ${privilege}`));
      assert.ok(!lines.join().includes('secret'));
      await grant(database, user, {});
      await waitFor(() => analytics.getHealth().queued === 0, {
        timeoutMs: 30_000,
        what: 'the rest',
      });
      assert.deepStrictEqual(await found(database), WHOLE);
      assert.deepStrictEqual(refused(), []);
    });
  }

  it('to close sessions: logins, events and their totals go on', async () => {
    const database = guarded.database();
    const user = 'gamelogouts';
    await grant(database, user, { without: ['gsosessions', ['update']] });
    const roles = [{ role: user, db: database.name }];
    await database.db.command({ createUser: user, pwd: 'secret', roles });
    const { analytics } = create({
      uri: `mongodb://${user}:secret@127.0.0.1:${guarded.server.port}/${database.name}`,
      ...SHORT,
    });
    await analytics.onLogin('early', 'Early');
    await analytics.onLogout('early');
    await track(analytics);
    const isCounted = async () => {
      const { dau, credits } = await found(database);
      return dau === 4 && credits === EVENTS;
    };
    await waitFor(isCounted, { what: 'users and credits' });
    assert.deepStrictEqual(await found(database), { ...WHOLE, logins: 4, dau: 4 });
    assert.strictEqual(analytics.getHealth().refusedCollections[0].missingPrivilege, 'update');
    await grant(database, user, {});
    await analytics.flush();
    assert.strictEqual(await database.count('gsosessions', { logoutAt: { $ne: null } }), 1);
  });
});
