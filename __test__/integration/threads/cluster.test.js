// `cluster`: several processes that write one day of one database, some of which are killed.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runHost } = require('../../support/host');
const { AnalyticsSystem, useMongod } = require('../../support/setup');

const mongo = useMongod();

const HOST = path.join(__dirname, 'cluster-host.js');
const WORKERS = 4;
const SETTINGS = { workers: WORKERS, users: 25, rounds: 500, kills: 0, victimEvents: 600 };
/** A logout every 50 rounds, always of the same user: the first ends a session, the others none. */
const LOGOUTS = 1;

async function play(database, settings) {
  const args = [JSON.stringify({ ...SETTINGS, uri: database.uri, ...settings })];
  const { stdout, stderr } = await runHost(HOST, { args, timeoutMs: 60_000 });
  assert.strictEqual(stderr, '');
  return JSON.parse(stdout);
}

/** Everything that workers tracked which ended in order is stored and counted, once. */
async function assertExact(database) {
  const { users, rounds } = SETTINGS;
  const [day] = await database.days();
  assert.strictEqual(await database.count('gsodailies'), 1);
  assert.strictEqual(day.dungeonsRun, WORKERS * rounds);
  assert.strictEqual(day.creditsEarned, 3 * WORKERS * rounds);
  assert.strictEqual(day.dau, users);
  for (const event of ['dungeon.complete', 'credits.earn']) {
    assert.strictEqual(await database.count('gsoevents', { event }), WORKERS * rounds);
  }
  return day;
}

describe(`a cluster of ${WORKERS}`, () => {
  it('counts every event and every login once, and each user once', async (t) => {
    const database = mongo.database();
    const { codes, disconnectMs } = await play(database);
    t.diagnostic(`cluster.disconnect() to the end of all: ${disconnectMs} ms`);
    assert.deepStrictEqual(codes, Array(WORKERS).fill(0));
    const day = await assertExact(database);
    const sessions = WORKERS * SETTINGS.users;
    assert.deepStrictEqual(
      [day.sessionCount, await database.count('gsosessions')],
      [...[sessions, sessions]],
    );
    const ended = { logoutAt: { $ne: null } };
    assert.strictEqual(await database.count('gsosessions', ended), WORKERS * LOGOUTS);
    await assertReads(database);
  });

  it('of which some are killed and replaced: totals never lead, others stay exact', async (t) => {
    const database = mongo.database();
    const { codes, killed } = await play(database, { kills: 3 });
    assert.deepStrictEqual(codes, Array(WORKERS).fill(0));
    assert.deepStrictEqual(
      killed.map(({ signal }) => signal),
      Array(3).fill('SIGKILL'),
    );
    const { craftsCompleted, sessionCount } = await assertExact(database);
    const sent = killed.reduce((sum, one) => sum + one.sent, 0);
    const stored = await database.count('gsoevents', { event: 'craft.complete' });
    t.diagnostic(`of the killed: ${sent} sent, ${stored} stored, ${craftsCompleted} counted`);
    assert.ok(craftsCompleted <= stored, `${craftsCompleted} counted, ${stored} stored`);
    // What a killed worker had flushed is both stored and counted.
    assert.ok(craftsCompleted >= 3 * 500, `${craftsCompleted} counted`);
    assert.ok(sessionCount <= (await database.count('gsosessions')));
    await assertReads(database);
  });
});

/** Another process reads the same figures. */
async function assertReads(database) {
  const analytics = new AnalyticsSystem({ uri: database.uri, logger: false });
  const { dau, mau, today } = await analytics.getMetrics();
  await analytics.stop();
  const { users, rounds } = SETTINGS;
  assert.deepStrictEqual([dau, mau, today.dungeonsRun], [users, users, WORKERS * rounds]);
}
