// What the adoption tests share: one host program that connects mongoose with given settings, makes an
// `AnalyticsSystem` without arguments and plays a short day, and what must have come of it.
'use strict';

const assert = require('node:assert');
const { runProgram } = require('../../support/setup');

/** Mongoose, by the name under which it is installed here. */
const VERSIONS = ['mongoose', 'mongoose8'];

/**
 * Runs in the host's process. `given.files` are options whose values are read from files: as Buffers,
 * or as text when `given.encoding` is set.
 */
async function playDay(given, report) {
  const fs = require('node:fs');
  const mongoose = require(given.mongoose);
  const AnalyticsSystem = require('.');
  const read = (file) => fs.readFileSync(file, given.encoding);
  const readAll = ([name, file]) => [name, Array.isArray(file) ? file.map(read) : read(file)];
  const options = {
    ...given.options,
    ...Object.fromEntries(Object.entries(given.files ?? {}).map(readAll)),
  };
  const connected = given.uri && mongoose.connect(given.uri, options);
  const analytics = given.settings ? new AnalyticsSystem(given.settings) : new AnalyticsSystem();
  analytics.start();
  await connected;
  await analytics.onLogin('player', 'name');
  analytics.track('dungeon.complete', 'player', { floor: 3 });
  const online = await analytics.getMetrics();
  await analytics.onLogout('player');
  const metrics = await analytics.getMetrics();
  const days = await analytics.getLast30Days();
  const further = [];
  for (let i = 0; i < (given.reads ?? 0); i++) further.push(await analytics.getMetrics());
  await analytics.stop();
  report({
    further,
    online,
    metrics,
    days,
    health: analytics.getHealth(),
    areHostIds: [metrics.today, ...days].every(({ _id }) => _id instanceof mongoose.Types.ObjectId),
  });
  await mongoose.disconnect();
}

/**
 * Runs in the host's process, whose settings the server or the host's own driver refuses: what the
 * promises do, and what is left.
 */
async function playInVain(given, report) {
  const fs = require('node:fs');
  const mongoose = require(given.mongoose);
  const AnalyticsSystem = require('.');
  const read = ([name, file]) => [name, fs.readFileSync(file)];
  const options = {
    serverSelectionTimeoutMS: 4000,
    ...given.options,
    ...Object.fromEntries(Object.entries(given.files ?? {}).map(read)),
  };
  const connected = given.uri
    ? mongoose.connect(given.uri, options).then(
        () => undefined,
        (error) => error.name,
      )
    : undefined;
  const shown = (promise) =>
    promise.then(
      (value) => ({ value: value ?? null }),
      (error) => ({ code: error.code, message: error.message }),
    );
  const analytics = new AnalyticsSystem({
    ...given.settings,
    ackTimeoutMs: 1000,
    // One attempt to find a server takes 5 s; after it there is something to say.
    operationTimeoutMs: 9000,
    shutdownTimeoutMs: 200,
  });
  analytics.start();
  analytics.track('dungeon.complete', 'player');
  const [login, flush, metrics, days] = await Promise.all(
    [
      analytics.onLogin('player', 'name'),
      analytics.flush(),
      analytics.getMetrics(),
      analytics.getLast30Days(),
    ].map(shown),
  );
  const logout = await shown(analytics.onLogout('player'));
  const stop = await shown(analytics.stop());
  const health = analytics.getHealth();
  report({ login, flush, metrics, days, logout, stop, health, refusal: await connected });
  await mongoose.disconnect();
}

/**
 * Plays the day in a process of its own and checks all that came of it; answers with its end. `played` is
 * called in between.
 */
async function assertAdopted(database, { env, nodeArgs, played, ...given }) {
  const end = await runProgram(playDay, {
    given: { mongoose: 'mongoose', ...given },
    env,
    nodeArgs,
  });
  await played?.();
  assert.deepStrictEqual(linesOf(end), ['[ANALYTICS] System started']);
  assertResults(end.result);
  await assertStored(database);
  return end;
}

/** What the process printed, without what it reported. */
function linesOf({ stdout, stderr }) {
  const lines = `${stdout}\n${stderr}`.split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('@@result'));
}

function assertResults({ online, metrics, further, days, health, areHostIds }) {
  assert.deepStrictEqual([online.activeSessions, metrics.activeSessions], [1, 0]);
  for (const { dau, mau, today } of [online, metrics, ...further]) {
    assert.deepStrictEqual([dau, mau, today.dungeonsRun], [1, 1, 1]);
  }
  assert.strictEqual(days.length, 1);
  assert.deepStrictEqual(days[0], metrics.today);
  assert.ok(areHostIds);
  assert.deepStrictEqual([health.accepted, health.queued, health.lastError], [3, 0, undefined]);
}

async function assertStored(database) {
  const [events, sessions, days] = await Promise.all([
    database.events(),
    database.sessions(),
    database.days(),
  ]);
  assert.deepStrictEqual([events.length, sessions.length, days.length], [1, 1, 1]);
  assert.deepStrictEqual(events[0].data, { floor: 3 });
  assert.ok(sessions[0].logoutAt instanceof Date);
  assert.deepStrictEqual([days[0].dau, days[0].dungeonsRun], [1, 1]);
}

/**
 * Plays a day that cannot be stored: promises end as documented, everything is kept, and nothing that
 * is printed or told holds one of `secrets`. Answers with the end of the process and its lines.
 */
async function assertRefused({
  secrets = [],
  code = /^ANALYTICS_(TIMEOUT|DATABASE)$/,
  env,
  ...given
}) {
  const end = await runProgram(playInVain, { given: { mongoose: 'mongoose', ...given }, env });
  const { login, logout, stop, flush, metrics, days, health } = end.result;
  assert.deepStrictEqual([login, logout, stop], Array(3).fill({ value: null }));
  for (const rejected of [flush, metrics, days]) assert.match(rejected.code, code);
  assert.strictEqual(health.accepted, 3);
  for (const secret of secrets) {
    assert.ok(!`${end.stdout}${end.stderr}`.includes(secret), `${secret} in\n${linesOf(end)}`);
  }
  return { ...end, lines: linesOf(end) };
}

/** Runs in the host's process: tracks all the time, until a message tells it to end. */
async function trackUntilTold(given, report) {
  const mongoose = require(given.mongoose);
  const AnalyticsSystem = require('.');
  await mongoose.connect(given.uri);
  const analytics = new AnalyticsSystem({ operationTimeoutMs: 30_000, shutdownTimeoutMs: 20_000 });
  analytics.start();
  let tracked = 0;
  const timer = setInterval(() => {
    const user = `u${tracked % 50}`;
    analytics.track('dungeon.complete', user, { number: tracked });
    if (tracked < 50) analytics.onLogin(user, 'name');
    tracked += 1;
  }, 10);
  process.once('message', async () => {
    clearInterval(timer);
    await analytics.flush();
    const metrics = await analytics.getMetrics();
    await analytics.stop();
    await mongoose.disconnect();
    report({ tracked, metrics, health: analytics.getHealth() });
    process.disconnect();
  });
}

/** Fails unless everything that such a host has tracked is stored exactly once. */
async function assertTracked(end, database) {
  assert.strictEqual(end.code, 0, `${end.stdout}\n${end.stderr}`);
  const { tracked, metrics, health } = end.result;
  const users = Math.min(tracked, 50);
  const events = await database.events();
  const numbers = events.map(({ data }) => data.number).sort((a, b) => a - b);
  assert.deepStrictEqual(numbers, [...Array(tracked).keys()]);
  assert.strictEqual(await database.count('gsosessions'), users);
  const [day] = await database.days();
  assert.deepStrictEqual([day.dungeonsRun, day.dau], [tracked, users]);
  assert.deepStrictEqual([metrics.today.dungeonsRun, metrics.dau], [tracked, users]);
  assert.deepStrictEqual([health.queued, health.dropped], [0, {}]);
}

module.exports = {
  VERSIONS,
  assertAdopted,
  assertRefused,
  assertStored,
  assertTracked,
  linesOf,
  trackUntilTold,
};
