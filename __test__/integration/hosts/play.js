// What every host of these tests plays, whichever way its modules are loaded, and what must come of
// it: documents in the host's own database, results of the host's own classes, no warning.
'use strict';

const assert = require('node:assert');
const { runHost } = require('../../support/host');

const RESULT = '@@result ';

/**
 * Source of `play(mongoose, AnalyticsSystem, options)`, which connects when it is told to by
 * HOST_CONNECTS and prints what the host sees as its last line.
 */
const PLAY = `
async function play(mongoose, AnalyticsSystem, options) {
  const connect = () => mongoose.connect(process.env.HOST_URI);
  const when = process.env.HOST_CONNECTS || 'first';
  if (when === 'first') await connect();
  const analytics = new AnalyticsSystem(...(options ? [options] : []));
  analytics.start();
  if (when === 'after new') await connect();
  analytics.track('dungeon.complete', 'u', { _id: new mongoose.Types.ObjectId(), n: 1 });
  if (when === '3 s after track') await new Promise((resolve) => setTimeout(resolve, 3000));
  if (when === '3 s after track') await connect();
  await analytics.onLogin('u', 'name');
  await analytics.onLogout('u');
  const { today, dau, mau } = await analytics.getMetrics();
  const days = await analytics.getLast30Days();
  await analytics.stop();
  const { ObjectId } = mongoose.Types;
  // The host's driver refuses objects of another major version of bson.
  await mongoose.connection.collection('references').insertOne({ day: today._id });
  const daily = await mongoose.model('GSODaily').findById(days[0]._id);
  const seen = {
    version: mongoose.version,
    ids: [today._id, days[0]._id].map((id) => id instanceof ObjectId),
    models: mongoose.modelNames(),
    counted: [today.dungeonsRun, daily && daily.dungeonsRun, dau, mau],
  };
  console.log(${JSON.stringify(RESULT)} + JSON.stringify(seen));
  await mongoose.disconnect();
}`;

const MODELS = ['GSOSession', 'GSODaily', 'GSOEvent'];

/** Runs a host program that plays; answers with how it ended. */
function runPlaying(script, { database, cwd, env = {}, nodeArgs, connects = 'first' }) {
  const own = { HOST_URI: database.uri, HOST_CONNECTS: connects };
  return runHost(script, { cwd, nodeArgs, env: { ...own, ...env } });
}

/** Fails unless the host has seen, printed and stored what it should. */
async function assertPlayed({ stdout, stderr }, database, major) {
  assert.strictEqual(stderr, '');
  const [started, line, ...more] = stdout.trim().split('\n');
  assert.deepStrictEqual([started, more], ['[ANALYTICS] System started', []]);
  assert.ok(line.startsWith(RESULT), line);
  const { version, ...seen } = JSON.parse(line.slice(RESULT.length));
  assert.ok(version.startsWith(`${major}.`), version);
  assert.deepStrictEqual(seen, { ids: [true, true], models: MODELS, counted: [1, 1, 1, 1] });
  await assertStored(database);
}

async function assertStored(database) {
  const [event, ...events] = await database.events();
  assert.strictEqual(events.length, 0);
  assert.deepStrictEqual(
    [event.event, event.data.n, event.data._id._bsontype],
    ['dungeon.complete', 1, 'ObjectId'],
  );
  const sessions = await database.sessions();
  assert.deepStrictEqual(
    sessions.map(({ userId, logoutAt }) => [userId, logoutAt instanceof Date]),
    [['u', true]],
  );
  const days = await database.days();
  assert.deepStrictEqual(
    days.map(({ _id, dungeonsRun, dau }) => [dungeonsRun, dau]),
    [[1, 1]],
  );
  assert.strictEqual(await database.count('references', { day: days[0]._id }), 1);
}

/** Runs and checks a host. */
async function assertPlays(script, { major, ...options }) {
  const end = await runPlaying(script, options);
  await assertPlayed(end, options.database, major);
}

module.exports = { MODELS, PLAY, RESULT, assertPlays, assertStored };
