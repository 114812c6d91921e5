// Hosts that never call `mongoose.connect()` but make connections of their own: with one that is connected,
// records wait hardly, and otherwise as long as a mongoose gets to connect.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { VERSIONS, linesOf } = require('./setup');

const mongo = useMongod();

/** Nothing is decided about mongoose before. */
const GRACE_MS = 10_000;
/** What a first record takes where nothing has to be waited for, on a busy machine. */
const SOON_MS = GRACE_MS - 2_000;
/** Where nothing is to come after it. */
const IN_VAIN_MS = GRACE_MS + 3_000;

/** Runs in the host's process: one connection per URI, and a flush that takes its time. */
async function createConnections(given, report) {
  const mongoose = require(given.mongoose);
  const AnalyticsSystem = require('.');
  // One that has begun to connect, and cannot: nothing else will do.
  if (given.connectsLate) await mongoose.connect(given.nowhere).catch(() => {});
  const connections = given.created.map((uri) => mongoose.createConnection(uri));
  await Promise.all(connections.map((connection) => connection.asPromise()));
  const analytics = new AnalyticsSystem({
    operationTimeoutMs: given.patienceMs,
    shutdownTimeoutMs: 1_000,
  });
  analytics.start();
  if (given.idleMs) await new Promise((resolve) => setTimeout(resolve, given.idleMs));
  const started = performance.now();
  analytics.track('dungeon.complete', 'player');
  if (given.connect) await mongoose.connect(given.connect);
  const flush = () =>
    analytics.flush().then(
      () => true,
      () => false,
    );
  let flushed = !given.stopsAtOnce && (await flush());
  if (given.connectsLate && !flushed) {
    await mongoose.connect(given.connectsLate);
    flushed = await flush();
  }
  const metrics = flushed ? await analytics.getMetrics() : undefined;
  const elapsedMs = performance.now() - started;
  const { ObjectId } = mongoose.Types;
  await analytics.stop();
  report({ flushed, elapsedMs, hasHostId: metrics?.today._id instanceof ObjectId });
  await Promise.all(connections.map((connection) => connection.close()));
  await mongoose.disconnect();
}

function play(created, { version = 'mongoose', env, patienceMs = 25_000, ...given } = {}) {
  const all = { mongoose: version, created, patienceMs, ...given };
  return runProgram(createConnections, { given: all, env, timeoutMs: 120_000 });
}

describe('connections of createConnection() only', { concurrency: true }, () => {
  for (const version of VERSIONS) {
    it(`${version}: a single one is adopted for the first record, which one line says`, async () => {
      const database = mongo.database();
      const end = await play([database.uri], { version });
      const { flushed, elapsedMs, hasHostId } = end.result;
      assert.deepStrictEqual([flushed, hasHostId], [true, true]);
      assert.ok(elapsedMs < SOON_MS, `${elapsedMs} ms`);
      const [begun, line, ...more] = linesOf(end);
      assert.strictEqual(begun, '[ANALYTICS] System started');
      assert.match(line, /createConnection/);
      assert.deepStrictEqual(more, []);
      const [day] = await database.days();
      assert.deepStrictEqual([await database.count('gsoevents'), day.dungeonsRun], [1, 1]);
    });
  }

  it('a single one gets the first record at once, if the host has been up for a while', async () => {
    const database = mongo.database();
    const { result } = await play([database.uri], { idleMs: 2_000 });
    assert.ok(result.flushed && result.elapsedMs < SOON_MS, JSON.stringify(result));
    assert.strictEqual(await database.count('gsoevents'), 1);
  });

  it('a single one is left for what mongoose.connect() gives later', async () => {
    const [created, connected] = [mongo.database(), mongo.database()];
    const { result } = await play([created.uri], { idleMs: 2_000, connect: connected.uri });
    assert.ok(result.flushed);
    assert.strictEqual(await connected.count('gsoevents'), 1);
    // While no record waited, nothing was made there.
    assert.deepStrictEqual(await created.db.listCollections().toArray(), []);
  });

  it('several are not guessed between: one line names options.mongoose', async () => {
    const databases = [mongo.database(), mongo.database()];
    const end = await play(
      databases.map(({ uri }) => uri),
      { patienceMs: IN_VAIN_MS },
    );
    assert.strictEqual(end.result.flushed, false);
    const named = linesOf(end).filter((line) => /options\.mongoose/.test(line));
    assert.strictEqual(named.length, 1, linesOf(end).join('\n'));
    for (const database of databases) assert.strictEqual(await database.count('gsoevents'), 0);
  });

  it('come after MONGODB_URI', async () => {
    const [created, fallback] = [mongo.database(), mongo.database()];
    const end = await play([created.uri], { env: { MONGODB_URI: fallback.uri } });
    assert.strictEqual(end.result.flushed, true);
    assert.match(linesOf(end).join('\n'), /MONGODB_URI/);
    assert.deepStrictEqual(
      [await created.count('gsoevents'), await fallback.count('gsoevents')],
      [0, 1],
    );
  });

  it('are not used by a host whose mongoose.connect() goes on trying', async () => {
    const [created, connected] = [mongo.database(), mongo.database()];
    const nowhere = 'mongodb+srv://cluster.nobody.invalid/';
    const end = await play([created.uri], {
      nowhere,
      connectsLate: connected.uri,
      patienceMs: IN_VAIN_MS,
    });
    assert.strictEqual(end.result.flushed, true);
    assert.doesNotMatch(linesOf(end).join('\n'), /using the connection/);
    assert.deepStrictEqual(
      [await created.count('gsoevents'), await connected.count('gsoevents')],
      [0, 1],
    );
  });

  it('come after mongoose.connect(), of which nothing is said', async () => {
    const [created, connected] = [mongo.database(), mongo.database()];
    const end = await play([created.uri], { connect: connected.uri });
    assert.ok(end.result.elapsedMs < GRACE_MS - 1_000, `${end.result.elapsedMs} ms`);
    assert.deepStrictEqual(linesOf(end), ['[ANALYTICS] System started']);
    assert.deepStrictEqual(
      [await created.count('gsoevents'), await connected.count('gsoevents')],
      [0, 1],
    );
  });

  it('a single one will do at once for a host that stops before', async () => {
    const database = mongo.database();
    await play([database.uri], { stopsAtOnce: true });
    assert.strictEqual(await database.count('gsoevents'), 1);
  });
});
