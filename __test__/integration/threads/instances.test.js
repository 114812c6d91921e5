// Several instances in one process: what they write adds up, and what they hold stays bounded.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, runProgram, useMongod } = require('../../support/setup');
const { UNCOUNTED } = require('../../support/inside');
const { preparedDatabase } = require('./prepared');

const mongo = useMongod();

/** Longest time in which a process that has nothing left to do ends. */
const END_MS = 3_000;
/** Threads on which all instances of a process work, and some that Node starts when it likes. */
const MORE_THREADS = 2 + 4;
/** Connections of an instance to one server: two that watch it, the others carry batches. */
const MORE_DESCRIPTORS = 10;

describe('instances on one database', () => {
  it('add up to one day, and count a user of all of them once', async () => {
    const database = mongo.database();
    const many = [1, 2, 3, 4].map(() => create({ uri: database.uri }).analytics);
    for (const [number, analytics] of many.entries()) {
      analytics.start();
      for (let i = 0; i < 250; i++) analytics.track('dungeon.complete', 'u');
      analytics.track('credits.earn', 'u', { amount: number + 0.5 });
      for (const user of ['everywhere', `only ${number}`]) analytics.onLogin(user);
    }
    await Promise.all(many.map((analytics) => analytics.flush()));
    for (const analytics of many) {
      const { today, dau, mau } = await analytics.getMetrics();
      const { dungeonsRun, creditsEarned, sessionCount } = today;
      assert.deepStrictEqual([dungeonsRun, creditsEarned, sessionCount], [1_000, 8, 8]);
      assert.deepStrictEqual([dau, today.dau, mau], [5, 5, 5]);
    }
    assert.strictEqual(await database.count('gsoevents'), 1_004);
  });

  it('each know their own sessions only', async () => {
    const database = mongo.database();
    const [one, other] = [1, 2].map(() => create({ uri: database.uri }).analytics);
    await Promise.all([one.onLogin('u'), other.onLogin('u'), other.onLogin('v')]);
    await one.onLogout('v');
    assert.strictEqual((await one.getMetrics()).activeSessions, 1);
    assert.strictEqual((await other.getMetrics()).activeSessions, 2);
    await one.onLogout('u');
    await one.stop();
    const open = await database.sessions({ logoutAt: null });
    assert.deepStrictEqual(open.map(({ userId }) => userId).sort(), ['u', 'v']);
    assert.strictEqual(await database.count('gsosessions', { logoutAt: { $ne: null } }), 1);
  });

  it('go on when one of them stops', async () => {
    const database = mongo.database();
    const [one, other] = [1, 2].map(() => create({ uri: database.uri }).analytics);
    for (const analytics of [one, other]) analytics.track('dungeon.complete', 'u');
    await one.stop();
    other.track('dungeon.complete', 'u');
    assert.strictEqual((await other.getMetrics()).today.dungeonsRun, 3);
    assert.deepStrictEqual(other.getHealth().rejected, {});
  });
});

describe('instances on databases of their own', () => {
  it('do not mix', async () => {
    const pairs = [1, 2, 3].map((number) => {
      const database = mongo.database();
      return { number, database, analytics: create({ uri: database.uri }).analytics };
    });
    for (let round = 0; round < 100; round++) {
      for (const { number, analytics } of pairs) {
        for (let i = 0; i < number; i++) analytics.track('raid.complete', `u${number}`);
      }
    }
    await Promise.all(pairs.map(({ analytics }) => analytics.onLogin('u')));
    for (const { number, database, analytics } of pairs) {
      const { today, dau } = await analytics.getMetrics();
      assert.deepStrictEqual([today.raidBattles, dau], [100 * number, 1]);
      assert.strictEqual(await database.count('gsoevents', { userId: `u${number}` }), 100 * number);
      assert.strictEqual(await database.count('gsoevents'), 100 * number);
    }
  });
});

describe('fifty instances', () => {
  const COUNT = 50;
  const WARNINGS = { nodeArgs: ['--trace-warnings'], timeoutMs: 90_000 };

  const SHARE = 'share their threads, warn of nothing, and leave the process nothing to wait for';

  it(SHARE, { skip: UNCOUNTED }, async (t) => {
    const { uri } = await preparedDatabase(mongo);
    const { result, stderr, endedAtMs } = await timed(
      async (given, report) => {
        const { descriptors, megabytes, threads } = require('./__test__/support/inside');
        const { waitFor } = require('./__test__/support/wait');
        const vitals = () => ({ threads: threads(), descriptors: descriptors(), mb: megabytes() });
        const before = vitals();
        const AnalyticsSystem = require('.');
        const options = { uri: given.uri, logger: false, operationTimeoutMs: 60_000 };
        const make = () => new AnalyticsSystem(options);
        const many = Array.from({ length: given.count }, make);
        const made = vitals();
        for (const [number, analytics] of many.entries()) {
          analytics.start();
          analytics.onLogin(`u${number}`);
          for (let i = 0; i < 20; i++) analytics.track('craft.complete', 'u', { i });
        }
        await Promise.all(many.map((analytics) => analytics.flush()));
        const busy = vitals();
        const healths = many.map((analytics) => analytics.getHealth());
        await Promise.all(many.map((analytics) => analytics.stop()));
        const closed = () => descriptors() - before.descriptors < given.count;
        await waitFor(closed, { what: 'closed connections' });
        const resources = process.getActiveResourcesInfo();
        const written = healths.reduce((sum, health) => sum + health.written, 0);
        report({ before, made, busy, resources, written, atMs: Date.now() });
      },
      { given: { uri, count: COUNT }, ...WARNINGS },
    );
    t.diagnostic(JSON.stringify(result));
    assert.strictEqual(stderr, '');
    assert.strictEqual(result.written, COUNT * 21);
    const { before, made, busy } = result;
    assert.ok(made.descriptors - before.descriptors < COUNT, 'nothing is connected yet');
    assert.ok(busy.threads - before.threads <= MORE_THREADS, `${busy.threads} threads`);
    // Beside those that the process has for all of them.
    const descriptors = (busy.descriptors - made.descriptors) / COUNT;
    assert.ok(descriptors <= MORE_DESCRIPTORS, `${descriptors} descriptors per instance`);
    assert.deepStrictEqual(result.resources, []);
    assert.ok(endedAtMs - result.atMs < END_MS, `${endedAtMs - result.atMs} ms to the end`);
  });

  for (const [how, isUsed] of [
    ['never used', false],
    ['used, but neither started nor stopped', true],
  ]) {
    it(`that were ${how} let the process end by itself`, async () => {
      const database = await preparedDatabase(mongo);
      const { result, stderr, endedAtMs } = await timed(
        async (given, report) => {
          const AnalyticsSystem = require('.');
          const options = { uri: given.uri, operationTimeoutMs: 60_000 };
          const make = () => new AnalyticsSystem(options);
          globalThis.many = Array.from({ length: given.count }, make);
          if (given.isUsed) {
            for (const analytics of globalThis.many) analytics.track('dungeon.complete', 'u');
            await Promise.all(globalThis.many.map((analytics) => analytics.flush()));
          }
          report({ resources: process.getActiveResourcesInfo(), atMs: Date.now() });
        },
        { given: { uri: database.uri, count: COUNT, isUsed }, ...WARNINGS },
      );
      assert.strictEqual(stderr, '');
      assert.deepStrictEqual(result.resources, []);
      assert.ok(endedAtMs - result.atMs < END_MS, `${endedAtMs - result.atMs} ms to the end`);
      assert.strictEqual(await database.count('gsoevents'), isUsed ? COUNT : 0);
    });
  }
});

/** Runs a program and says when it had ended, by the clock that it can read too. */
async function timed(program, options) {
  const end = await runProgram(program, options);
  return { ...end, endedAtMs: Date.now() };
}
