// Collections are dropped, renamed, emptied or replaced under running instances: indexes, markers, baselines
// and counts become as after a restart, without one.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { insertOldData, makePlan } = require('../../support/old-data');
const { afterIndexBuilds } = require('../../support/index-builds');
const { fates, startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const NAMES = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques'];
/** Indexes of all four collections together. */
const INDEXES = 14;
/** The collections are looked at every two seconds, beside writes. */
const SOON = { timeoutMs: 15_000 };

const each = (db, change) => Promise.all(NAMES.map((name) => change(db.collection(name))));

async function indexesOf(db) {
  const namesOf = async (name) => {
    const indexes = await db
      .collection(name)
      .indexes()
      .catch(() => []);
    return [name, indexes.map((index) => index.name).sort()];
  };
  return Object.fromEntries(await Promise.all(NAMES.map(namesOf)));
}

async function write(analytics, user) {
  analytics.track('credits.earn', user, { amount: 1 });
  await analytics.onLogin(user, user);
  await analytics.flush();
}

/** What `change` does to the database of a running instance. */
const CHANGES = {
  'events are dropped': (db) => db.collection('gsoevents').drop(),
  'sessions are renamed': (db) => db.collection('gsosessions').rename('earlier'),
  'days are dropped': (db) => db.collection('gsodailies').drop(),
  'markers are renamed': (db) => db.collection('gsouniques').rename('earlier'),
  'two collections are dropped': async (db) => {
    await db.collection('gsoevents').drop();
    await db.collection('gsodailies').drop();
  },
  'events are swapped for a copy': async (db) => {
    await db
      .collection('gsoevents')
      .aggregate([{ $out: 'copy' }])
      .toArray();
    await db.collection('copy').rename('gsoevents', { dropTarget: true });
  },
  'all are dropped': (db) => each(db, (collection) => collection.drop()),
  'the database is dropped': (db) => db.dropDatabase(),
};

describe('the indexes', () => {
  it('are made again of no collection but the one that changed', async (t) => {
    const database = mongo.database();
    const first = create({ uri: database.uri }).analytics;
    await write(first, 'first');
    await first.stop();
    const proxy = await startProxy(mongo.server.port);
    t.after(() => proxy.close());
    const made = proxy.rule({
      when: ({ command, body }) => command === 'createIndexes' && body[command] !== 'gsoreports',
      fate: fates.forward,
    });
    const passed = () => made.taken.map(({ request }) => request.body);
    const { analytics } = create({ uri: proxy.uri(database.name), flushIntervalMs: 20 });
    await write(analytics, 'second');
    const isMade = (name, field) =>
      passed().some(({ createIndexes, indexes }) => {
        return createIndexes === name && indexes.some(({ key }) => field in key);
      });
    const all = [
      ['gsosessions', 'userId'],
      ['gsoevents', 'ts'],
      ['gsodailies', 'month'],
    ];
    const areMade = () => [...all, ['gsouniques', 'x']].every((one) => isMade(...one));
    await waitFor(areMade, { what: 'the first pass' });
    // A drop would end what is still being built with an error, and the pass would be made again.
    const isBuilt = async () => {
      const building = { currentOp: 1, 'command.createIndexes': { $exists: true } };
      const { inprog } = await mongo.client.db('admin').command(building);
      return inprog.every(({ command }) => command.$db !== database.name);
    };
    await waitFor(isBuilt, { what: 'the end of the first pass' });
    const before = passed().length;
    analytics.track('stripe.payment', 'payer', { amountCents: 1 });
    await analytics.flush();
    await waitFor(() => isMade('gsopurchases', 'day'), { ...SOON, what: 'those of purchases' });
    await database.db.collection('gsosessions').drop();
    await write(analytics, 'third');
    const isAgain = async () =>
      (await indexesOf(database.db)).gsosessions.includes('day_1_userId_1');
    await waitFor(isAgain, { ...SOON, what: 'those of sessions' });
    const again = passed().slice(before);
    const names = new Set(again.map(({ createIndexes }) => createIndexes));
    assert.deepStrictEqual([...names].sort(), ['gsopurchases', 'gsosessions']);
  });
});

describe('the indexes are there again when', () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    it(name, async () => {
      const database = mongo.database();
      const { analytics, lines } = create({ uri: database.uri, flushIntervalMs: 20 });
      analytics.start();
      await write(analytics, 'first');
      const isIndexed = async () =>
        Object.values(await indexesOf(database.db)).flat().length === INDEXES;
      await waitFor(isIndexed, { what: 'the first indexes' });
      const before = await indexesOf(database.db);
      assert.ok(before.gsodailies.includes('day_1') && before.gsoevents.includes('ts_1'));
      await afterIndexBuilds(() => change(database.db));
      // One write only: it must suffice to notice the change.
      await write(analytics, 'second');
      await waitFor(isIndexed, { what: 'the indexes', ...SOON });
      assert.deepStrictEqual(await indexesOf(database.db), before);
      assert.deepStrictEqual(analytics.getHealth().dropped, {});
      assert.ok(!lines.some((line) => /cannot/.test(line)), lines.join('\n'));
    });
  }
});

describe('test suites that empty the database between their tests get exact counts', () => {
  const EMPTYINGS = {
    'deleteMany on each collection': (db) => each(db, (collection) => collection.deleteMany({})),
    'drop of each collection': (db) => each(db, (collection) => collection.drop().catch(() => {})),
    'drop of one after the other': async (db) => {
      for (const name of NAMES) await db.collection(name).drop();
    },
    dropDatabase: (db) => db.dropDatabase(),
  };
  for (const [name, empty] of Object.entries(EMPTYINGS)) {
    for (const instances of [1, 3]) {
      it(`by ${name}, with ${instances} instances`, async () => {
        const database = mongo.database();
        const made = Array.from({ length: instances }, () => create({ uri: database.uri }));
        const all = made.map(({ analytics }) => analytics);
        for (const analytics of all) analytics.start();
        for (let test = 0; test < 4; test++) {
          await Promise.all(
            all.map(async (analytics, i) => {
              analytics.track('credits.earn', 'both', { amount: 2 });
              // A player of this instance, and one that all instances share.
              await Promise.all(['both', `player${i}`].map((user) => analytics.onLogin(user)));
              await analytics.onLogout('both');
            }),
          );
          await Promise.all(all.map((analytics) => analytics.flush()));
          const { dau, mau, today } = await all[0].getMetrics();
          const counted = [dau, mau, today.sessionCount, today.creditsEarned];
          const users = instances + 1;
          assert.deepStrictEqual(counted, [users, users, 2 * instances, 2 * instances]);
          assert.strictEqual(await database.count('gsodailies'), 1);
          assert.strictEqual(await database.count('gsosessions'), 2 * instances);
          // A game server that starts now reads the same.
          if (test === 2) {
            const { analytics } = create({ uri: database.uri });
            const fresh = await analytics.getMetrics();
            assert.deepStrictEqual([fresh.dau, fresh.mau], [users, users]);
            await analytics.stop();
          }
          await empty(database.db);
        }
      });
    }
  }

  it('and sessions of the replaced class that were there before are forgotten', async () => {
    const database = mongo.database();
    const today = new Date().toISOString().slice(0, 10);
    const plan = makePlan({ seed: 5, days: [today], logins: 20, users: 10 });
    await insertOldData(database.db, plan);
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('new', 'New');
    const before = await analytics.getMetrics();
    assert.ok(before.mau > 5, `${before.mau}`);
    await each(database.db, (collection) => collection.deleteMany({}));
    await analytics.onLogin('new', 'New');
    const { dau, mau } = await analytics.getMetrics();
    assert.deepStrictEqual([dau, mau], [1, 1]);
  });
});

describe('markers that were dropped alone', () => {
  for (const [name, change] of [
    ['by drop', (db) => db.collection('gsouniques').drop()],
    ['by rename', (db) => db.collection('gsouniques').rename('earlier')],
  ]) {
    it(`${name}: they are there again, and nobody is counted twice`, async () => {
      const database = mongo.database();
      const { analytics } = create({ uri: database.uri, flushIntervalMs: 20 });
      analytics.start();
      await write(analytics, 'u');
      // What is dropped while the first indexes of all collections are made is another test.
      const isIndexed = async () =>
        Object.values(await indexesOf(database.db)).flat().length === INDEXES;
      await waitFor(isIndexed, { what: 'the first indexes' });
      await write(analytics, 'v');
      await afterIndexBuilds(() => change(database.db));
      analytics.track('chat', 'u', {});
      await analytics.flush();
      const areBack = async () =>
        (await database.count('gsouniques', { '_id.u': { $in: ['u', 'v'] } })) === 4;
      await waitFor(areBack, { what: 'the markers', ...SOON });
      const { analytics: other } = create({ uri: database.uri });
      for (const user of ['u', 'v', 'w']) await other.onLogin(user, user);
      for (const user of ['u', 'x']) await analytics.onLogin(user, user);
      await Promise.all([analytics.flush(), other.flush()]);
      const { analytics: third } = create({ uri: database.uri });
      for (const one of [analytics, other, third]) {
        const { dau, mau, today } = await one.getMetrics();
        assert.deepStrictEqual([dau, mau, today.sessionCount], [4, 4, 7]);
      }
    });
  }
});

describe('markers that were dropped while the first indexes were made', () => {
  it('are there again, although that pass failed', async (t) => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    t.after(() => proxy.close());
    const building = proxy.rule({
      when: ({ command, body }) => command === 'createIndexes' && body[command] === 'gsosessions',
      fate: fates.hold,
      times: 1,
    });
    const { analytics } = create({ uri: proxy.uri(database.name), flushIntervalMs: 20 });
    await write(analytics, 'u');
    await waitFor(() => building.taken.length === 1, { what: 'the making of indexes' });
    await waitFor(async () => (await indexesOf(database.db)).gsouniques.length === 2, {
      what: 'the index of markers',
    });
    await afterIndexBuilds(() => database.db.collection('gsouniques').drop());
    building.taken[0].refuse({ code: 276, codeName: 'IndexBuildAborted', errmsg: 'aborted' });
    const areBack = async () => (await database.count('gsouniques', { '_id.u': 'u' })) === 2;
    await waitFor(areBack, { what: 'the markers', ...SOON });
  });
});

describe('a day gets one document', () => {
  it('while its collection is dropped again and again under six instances', async () => {
    const database = mongo.database();
    const made = Array.from({ length: 6 }, () =>
      create({ uri: database.uri, flushIntervalMs: 10 }),
    );
    const all = made.map(({ analytics }) => analytics);
    for (const analytics of all) analytics.start();
    for (let round = 0; round < 40; round++) {
      for (const analytics of all) analytics.track('credits.earn', 'u', { amount: 1 });
      const flushed = Promise.all(all.map((analytics) => analytics.flush()));
      await database.db
        .collection('gsodailies')
        .drop()
        .catch(() => {});
      await flushed;
      assert.ok((await database.count('gsodailies')) <= 1, `round ${round}`);
    }
    for (const analytics of all) analytics.track('credits.earn', 'u', { amount: 1 });
    await Promise.all(all.map((analytics) => analytics.flush()));
    assert.strictEqual(await database.count('gsodailies'), 1);
    assert.deepStrictEqual([...new Set(all.map((one) => one.getHealth().totals))], ['ok']);
  });
});

describe('a user who may not list collections', () => {
  const guarded = useMongod({ own: true, auth: true });

  it('gets neither errors nor lines, and exact counts in a database that is emptied', async () => {
    const database = guarded.database();
    const actions = ['insert', 'update', 'find', 'createIndex', 'listIndexes'];
    const privileges = [...NAMES, 'gsoreports'].map((collection) => ({
      resource: { db: database.name, collection },
      actions,
    }));
    await database.db.command({ createRole: 'game', privileges, roles: [] });
    const roles = [{ role: 'game', db: database.name }];
    await database.db.command({ createUser: 'game', pwd: 'secret', roles });
    const host = `127.0.0.1:${guarded.server.port}`;
    const uri = `mongodb://game:secret@${host}/${database.name}`;
    const { analytics, lines } = create({ uri, flushIntervalMs: 20 });
    analytics.start();
    const isIndexed = async () =>
      Object.values(await indexesOf(database.db)).flat().length === INDEXES;
    for (let test = 0; test < 3; test++) {
      await write(analytics, 'u');
      const { dau, mau, today } = await analytics.getMetrics();
      assert.deepStrictEqual([dau, mau, today.sessionCount], [1, 1, 1]);
      await waitFor(isIndexed, { what: 'the indexes', ...SOON });
      await each(database.db, (collection) => collection.drop());
    }
    const { lastError, retried } = analytics.getHealth();
    // A drop may interrupt the making of an index.
    assert.doesNotMatch(lastError?.message ?? '', /not authorized|code 13\b/);
    assert.strictEqual(retried, 0);
    const others = lines.filter((line) => !/started|are older than/.test(line));
    assert.deepStrictEqual(others, []);
  });
});
