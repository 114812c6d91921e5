// Many logouts at once, one of which has no session to close: it was deleted, or closed by another process.
// The others are as fast as without it, also on a server that is far away.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Tally } = require('../exactness/writes');
const { startProxy } = require('../../support/proxy');
const { runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const USERS = 350;
const ODD = 'user123';
const DAY = '2031-05-17';
const NOON = Date.parse(`${DAY}T12:00:00.000Z`);
const LATENCY_MS = 100;
/** Some dozens of round trips; one for each user would take four times as long. */
const SOON_MS = 10_000;
/** Longer than they may take, so that a delay is measured and does not end the test. */
const PATIENT_MS = 20_000;
const SESSION_MS = 90_000;

/** Logs everybody in, lets something happen to one of the sessions, and logs everybody out. */
async function logAllOut({ uri, direct, users, odd, closedAt, now, timeoutMs, lastsMs }, report) {
  const clock = require('./__test__/support/clock').installClock(now);
  const { MongoClient } = require('./__test__/support/driver');
  const AnalyticsSystem = require('.');
  const patient = { operationTimeoutMs: timeoutMs, ackTimeoutMs: timeoutMs };
  const analytics = new AnalyticsSystem({ uri, logger: false, ...patient });
  analytics.start();
  await Promise.all(users.map((user) => analytics.onLogin(user, 'name')));
  await analytics.flush();
  const client = new MongoClient(direct);
  const sessions = client.db().collection('gsosessions');
  const close = { $set: { logoutAt: new Date(closedAt), durationS: 7 } };
  if (closedAt) await sessions.updateOne({ userId: odd }, close);
  else await sessions.deleteOne({ userId: odd });
  await client.close();
  clock.advance(lastsMs);
  const begun = performance.now();
  await Promise.all(users.map((user) => analytics.onLogout(user)));
  const closedMs = performance.now() - begun;
  await analytics.flush();
  report({ closedMs, totalledMs: performance.now() - begun, health: analytics.getHealth() });
  await analytics.stop();
}

/** Plays it through a proxy; answers what the program reported. */
async function play(t, database, closedAt) {
  const users = Array.from({ length: USERS }, (_, i) => `user${i}`);
  const tally = new Tally();
  const proxy = await startProxy(mongo.server.port, tally);
  proxy.latencyMs = LATENCY_MS;
  const places = { uri: proxy.uri(database.name), direct: database.uri };
  const times = { now: new Date(NOON).toISOString(), timeoutMs: PATIENT_MS, lastsMs: SESSION_MS };
  const given = { ...places, ...times, users, odd: ODD, closedAt };
  const { result } = await runProgram(logAllOut, { given, timeoutMs: 3 * PATIENT_MS });
  await proxy.close();
  const [closedMs, totalledMs] = [result.closedMs, result.totalledMs].map(Math.round);
  t.diagnostic(`closed after ${closedMs} ms, totalled after ${totalledMs} ms`);
  t.diagnostic(tally.line('close sessions'));
  return result;
}

async function assertOthersClosed(database, { totalledMs, health }) {
  const end = new Date(NOON + SESSION_MS);
  const closed = { logoutAt: end, durationS: SESSION_MS / 1_000, userId: { $ne: ODD } };
  assert.strictEqual(await database.count('gsosessions', closed), USERS - 1);
  const [{ sessionCount, totalSessionS, dau, _a }] = await database.days({ day: DAY });
  const seconds = ((USERS - 1) * SESSION_MS) / 1_000;
  assert.deepStrictEqual([sessionCount, dau, totalSessionS], [USERS, USERS, seconds]);
  assert.deepStrictEqual([_a.sessionsClosed, _a.sessionSeconds], [USERS - 1, seconds]);
  const { accepted, written, queued, dropped } = health;
  assert.deepStrictEqual([accepted, written, queued, dropped], [2 * USERS, 2 * USERS, 0, {}]);
  assert.ok(totalledMs < SOON_MS, `the totals took ${totalledMs} ms`);
}

describe(`${USERS} logouts at once on a server that is far away`, { concurrency: true }, () => {
  it('are done soon, though one of the sessions was deleted', async (t) => {
    const database = mongo.database();
    const result = await play(t, database);
    await assertOthersClosed(database, result);
    assert.strictEqual(await database.count('gsosessions', { userId: ODD }), 0);
  });

  it('are done soon, though somebody else has closed one of the sessions', async (t) => {
    const database = mongo.database();
    const closedAt = NOON + 7_000;
    const result = await play(t, database, closedAt);
    await assertOthersClosed(database, result);
    const [{ logoutAt, durationS }] = await database.sessions({ userId: ODD });
    assert.deepStrictEqual([logoutAt, durationS], [new Date(closedAt), 7]);
  });
});
