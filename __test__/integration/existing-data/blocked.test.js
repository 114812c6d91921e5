// Where a day has two documents, or could get them, totals wait until the operator has mended that:
// nothing is lost, nothing is counted twice, and nothing needs a restart.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Double } = require('../../support/driver');
const { insertOldData, makePlan } = require('../../support/old-data');
const { waitFor } = require('../../support/wait');
const { create } = require('../../support/setup');
const { useMongod } = require('./setup');

const mongo = useMongod();
const secured = useMongod({ auth: true });

const EVENTS = 50;
const RECORDS = EVENTS + 2;
const FLOWS_AGAIN_MS = 15_000;
const today = () => new Date().toISOString().slice(0, 10);

/** Old data of today and the day before yesterday, whose documents both are there twice. */
async function doubled(database) {
  const now = Date.parse(`${today()}T00:00:00Z`);
  const before = new Date(now - 2 * 86_400_000).toISOString().slice(0, 10);
  const plan = makePlan({ seed: 1, days: [before, today()] });
  const daily = database.db.collection('gsodailies');
  await insertOldData(database.db, plan);
  await daily.dropIndex('day_1');
  const copies = (await database.days()).map(({ _id, ...day }) => ({ ...day, dungeonsRun: 1_000 }));
  await daily.insertMany(copies);
  return { daily, days: [before, today()], copies };
}

/** Sessions and events are there, totals are not. */
async function trackBlocked(database, analytics) {
  for (let i = 0; i < EVENTS; i++) analytics.track('gems.earn', 'somebody', { amount: 3 });
  await analytics.onLogin('somebody', 'name');
  await analytics.onLogin('another', 'name');
  const isBlocked = () => analytics.getHealth().totals === 'blocked';
  await waitFor(isBlocked, { what: 'the totals to be blocked' });
  const stored = async () =>
    (await database.count('gsoevents', { event: 'gems.earn', userId: 'somebody' })) === EVENTS;
  await waitFor(stored, { what: 'the events' });
  assert.strictEqual(await database.count('gsosessions', { userId: 'another' }), 1);
  assert.strictEqual(await database.count('gsodailies', { _a: { $exists: true } }), 0);
  const { queued, queuedBytes, written, dropped, connected } = analytics.getHealth();
  assert.deepStrictEqual([queued, written, dropped, connected], [RECORDS, 0, {}, true]);
  assert.ok(queuedBytes > 0);
}

async function assertFlows(database, analytics, expected) {
  const flows = () => analytics.getHealth().totals === 'ok';
  await waitFor(flows, { timeoutMs: FLOWS_AGAIN_MS, what: 'the totals to go on' });
  await analytics.flush();
  const { queued, written, rejected } = analytics.getHealth();
  assert.deepStrictEqual([queued, written, rejected], [0, RECORDS, {}]);
  const days = await database.days({ day: today() });
  assert.strictEqual(days.length, 1);
  const { gemsEarned, sessionCount, dau } = days[0];
  assert.deepStrictEqual({ gemsEarned, sessionCount, dau }, expected(days[0]));
}

const added = (before) => () => ({
  gemsEarned: before.gemsEarned + EVENTS * 3,
  sessionCount: before.sessionCount + 2,
  dau: before.dau + 2,
});

describe('a day with two documents', { concurrency: true }, () => {
  it('blocks the totals, says which days and how to repair them, and resumes after the repair', async () => {
    const database = mongo.database();
    const { daily, days, copies } = await doubled(database);
    const [before] = await database.days({ day: today(), dungeonsRun: { $lt: 1_000 } });
    const { analytics, lines } = create({ uri: database.uri, operationTimeoutMs: 3_000 });
    await trackBlocked(database, analytics);
    const said = lines.filter((line) => line.startsWith('warn'));
    assert.strictEqual(said.length, 1, lines.join('\n'));
    for (const part of [
      `gsodailies has several documents for ${days.join(', ')}.`,
      'delete the others',
    ]) {
      assert.ok(said[0].includes(part), said[0]);
    }
    assert.match(analytics.getHealth().lastError.message, /several documents/);
    for (const ask of ['flush', 'getMetrics']) {
      const refusal = { code: 'ANALYTICS_TIMEOUT', message: /several documents/ };
      await assert.rejects(analytics[ask](), refusal, ask);
    }
    assert.strictEqual((await analytics.getLast30Days()).length, 4);
    // One of the two days: still blocked.
    await daily.deleteOne({ _id: copies[0]._id });
    const namesOne = () => /for [\d-]+\./.test(analytics.getHealth().lastError.message);
    await waitFor(namesOne, { timeoutMs: FLOWS_AGAIN_MS, what: 'the other day to be named' });
    assert.strictEqual(analytics.getHealth().totals, 'blocked');
    await daily.deleteOne({ _id: copies[1]._id });
    await assertFlows(database, analytics, added(before));
    assert.ok(lines.some((line) => /^info .*totals are added again/.test(line)));
    assert.strictEqual(lines.filter((line) => line.startsWith('warn')).length, 1);
    const index = (await daily.indexes()).find(({ name }) => name === 'day_1');
    assert.strictEqual(index.unique, true);
  });

  it('sums totals up while they wait, so that their number is not bounded by the queue', async () => {
    const database = mongo.database();
    const { daily } = await doubled(database);
    const [before] = await database.days({ day: today(), dungeonsRun: { $lt: 1_000 } });
    // Without sums, the totals of some hundred events fill it.
    const bound = 65_536;
    const { analytics } = create({ uri: database.uri, maxQueueBytes: bound });
    const isBlocked = () => analytics.getHealth().totals === 'blocked';
    analytics.start();
    await waitFor(isBlocked, { what: 'the totals to be blocked' });
    let most = 0;
    const isTracked = () => {
      for (let i = 0; i < 50; i++) analytics.track('gems.earn', 'somebody', { amount: 1 });
      const { accepted, queuedBytes } = analytics.getHealth();
      most = Math.max(most, queuedBytes);
      return accepted >= 5_000;
    };
    await waitFor(isTracked, { what: '5 000 events to be accepted' });
    const { accepted } = analytics.getHealth();
    const isStored = async () =>
      (await database.count('gsoevents', { userId: 'somebody' })) === accepted;
    await waitFor(isStored, { what: 'the events to be stored' });
    const isSmall = () => analytics.getHealth().queuedBytes < bound / 2;
    await waitFor(isSmall, { what: 'the totals to be summed up' });
    assert.ok(most <= bound, `${most} bytes were queued`);
    assert.deepStrictEqual([analytics.getHealth().queued, isBlocked()], [accepted, true]);
    await daily.deleteMany({ dungeonsRun: 1_000 });
    await waitFor(() => !isBlocked(), { timeoutMs: FLOWS_AGAIN_MS, what: 'the totals to go on' });
    await analytics.flush();
    const [{ gemsEarned }] = await database.days({ day: today() });
    assert.strictEqual(gemsEarned - before.gemsEarned, accepted);
  });

  it('is reported by stop() while it lasts', async () => {
    const database = mongo.database();
    await doubled(database);
    const { analytics, lines } = create({ uri: database.uri, shutdownTimeoutMs: 500 });
    await trackBlocked(database, analytics);
    await analytics.stop();
    assert.match(lines.at(-1), new RegExp(`records not written yet: ${RECORDS}`));
  });
});

describe('a list where the book-keeping should be', { concurrency: true }, () => {
  for (const book of [[], { w: [1] }]) {
    it(`holds the totals up until it is removed: ${JSON.stringify(book)}`, async () => {
      const database = mongo.database();
      const daily = database.db.collection('gsodailies');
      await daily.insertOne({ day: today(), month: today().slice(0, 7), _a: book });
      const { analytics } = create({ uri: database.uri });
      analytics.track('gems.earn', 'somebody', { amount: 3 });
      const told = () => /is a list: remove it/.test(analytics.getHealth().lastError?.message);
      await waitFor(told, { what: 'the error' });
      const health = analytics.getHealth();
      assert.ok(health.lastError.message.includes(today()));
      const [{ collection }] = health.refusedCollections;
      assert.deepStrictEqual(
        [health.connected, health.totals, collection],
        [true, 'blocked', 'daily'],
      );
      await daily.updateOne({ day: today() }, { $unset: { _a: '' } });
      await analytics.flush();
      const [{ gemsEarned }] = await database.days();
      assert.strictEqual(gemsEarned, 3);
    });
  }
});

describe('an index of days that is not unique', { concurrency: true }, () => {
  it('blocks the totals until it is dropped', async () => {
    const database = mongo.database();
    const daily = database.db.collection('gsodailies');
    await insertOldData(database.db, makePlan({ seed: 2, days: [today()] }));
    const [before] = await database.days({ day: today() });
    await daily.dropIndex('day_1');
    await daily.createIndex({ day: 1 });
    const { analytics, lines } = create({ uri: database.uri });
    await trackBlocked(database, analytics);
    const said = lines.filter((line) => line.startsWith('warn'));
    assert.match(said[0], /no unique index on day.* Drop the index that is in its way/);
    await daily.dropIndex('day_1');
    await assertFlows(database, analytics, added(before));
  });

  it('does not matter when another one is', async () => {
    const database = mongo.database();
    const daily = database.db.collection('gsodailies');
    await daily.createIndex({ day: 1 }, { unique: true, name: 'of the operator' });
    const { analytics } = create({ uri: database.uri });
    analytics.track('gems.earn', 'somebody', { amount: 3 });
    await analytics.flush();
    assert.strictEqual(analytics.getHealth().totals, 'ok');
  });
});

describe('a user who may not create indexes', { concurrency: true }, () => {
  const may = async (actions) => {
    const database = secured.database();
    const privileges = [{ resource: { db: database.name, collection: '' }, actions }];
    await database.db.command({ createRole: 'less', privileges, roles: [] });
    await database.db.command({ createUser: 'host', pwd: 'host', roles: ['less'] });
    const { hosts } = secured.server;
    return { database, uri: `mongodb://host:host@${hosts}/${database.name}` };
  };
  const track = async (uri) => {
    const { analytics, lines } = create({ uri });
    analytics.track('gems.earn', 'somebody', { amount: 3 });
    await analytics.onLogin('somebody', 'name');
    return { analytics, lines };
  };

  it('is not blocked, and not warned, where the indexes exist', async () => {
    const { database, uri } = await may(['find', 'insert', 'update', 'listIndexes']);
    await insertOldData(database.db, makePlan({ seed: 3, days: ['2031-05-01'] }));
    for (const name of ['gsouniques', 'gsoreports']) {
      await database.db.collection(name).createIndex({ x: 1 }, { expireAfterSeconds: 0 });
    }
    // As the old shell made it.
    await database.db.collection('gsodailies').dropIndex('day_1');
    const keys = { day: new Double(1) };
    await database.db.collection('gsodailies').createIndex(keys, { unique: true });
    const { analytics, lines } = await track(uri);
    await analytics.flush();
    assert.strictEqual(analytics.getHealth().totals, 'ok');
    await analytics.stop();
    assert.deepStrictEqual(lines, []);
  });

  it('is not blocked where nobody lets him see whether they exist', async () => {
    const { database, uri } = await may(['find', 'insert', 'update']);
    await insertOldData(database.db, makePlan({ seed: 3, days: ['2031-05-01'] }));
    const { analytics, lines } = await track(uri);
    await analytics.flush();
    assert.strictEqual(analytics.getHealth().totals, 'ok');
    // Beside those for the indexes that nothing waits for, in any order.
    const warning = /day on gsodailies cannot be created: the user lacks/;
    await waitFor(() => lines.some((line) => warning.test(line)), { what: 'the warning' });
  });

  it('is blocked where they do not exist, until somebody creates the unique index', async () => {
    const { database, uri } = await may(['find', 'insert', 'update', 'listIndexes']);
    const { analytics, lines } = await track(uri);
    const isBlocked = () => analytics.getHealth().totals === 'blocked';
    await waitFor(isBlocked, { what: 'the totals to be blocked' });
    const text = 'db.gsodailies.createIndex({ day: 1 }, { unique: true })';
    assert.ok(
      lines.some((line) => line.includes(text)),
      lines.join('\n'),
    );
    await database.db.collection('gsodailies').createIndex({ day: 1 }, { unique: true });
    await waitFor(() => !isBlocked(), { timeoutMs: FLOWS_AGAIN_MS, what: 'the totals to go on' });
    await analytics.flush();
    const [{ gemsEarned, dau }] = await database.days();
    assert.deepStrictEqual([gemsEarned, dau], [3, 1]);
  });
});
