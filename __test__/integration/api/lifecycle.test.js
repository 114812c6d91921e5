// start, stop and everything else in odd orders, and many instances side by side.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { within } = require('../../support/wait');
const { AnalyticsSystem, NOBODY, create, runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

describe('an instance', { concurrency: true }, () => {
  it('works without start()', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    assert.strictEqual(analytics.track('early', 'u'), undefined);
    assert.strictEqual(await analytics.onLogin('u', 'name'), undefined);
    assert.strictEqual(await database.count('gsosessions'), 1);
    assert.strictEqual(await analytics.onLogout('u'), undefined);
    assert.strictEqual((await analytics.getMetrics()).dau, 1);
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 1);
  });

  it('writes everything accepted before stop() resolves', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    assert.strictEqual(analytics.start(), undefined);
    for (let i = 0; i < 100; i++) analytics.track('dungeon.complete', 'u');
    analytics.onLogin('u', 'name');
    analytics.onLogout('u');
    assert.strictEqual(await analytics.stop(), undefined);
    assert.strictEqual(await database.count('gsoevents'), 100);
    const [day] = await database.days();
    assert.deepStrictEqual([day.dungeonsRun, day.sessionCount, day.dau], [100, 1, 1]);
    assert.ok((await database.sessions())[0].logoutAt instanceof Date);
    assert.deepStrictEqual(lines, ['info [ANALYTICS] System started']);
  });

  it('refuses and counts what comes after stop()', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    analytics.start();
    analytics.track('before', 'u');
    const stopped = analytics.stop();
    assert.strictEqual(analytics.track('while stopping', 'u'), undefined);
    await stopped;
    assert.strictEqual(analytics.track('after', 'u'), undefined);
    assert.strictEqual(await within(analytics.onLogin('u', 'n'), { timeoutMs: 4_000 }), undefined);
    assert.strictEqual(await within(analytics.onLogout('u'), { timeoutMs: 4_000 }), undefined);
    await analytics.flush();
    assert.deepStrictEqual(
      (await database.events()).map(({ event }) => event),
      ['before'],
    );
    assert.deepStrictEqual(analytics.getHealth().rejected, { stopped: 4 });
    assert.strictEqual(lines.filter((line) => line.startsWith('warn')).length, 1);
  });

  it('answers reads after stop()', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.track('dungeon.complete', 'u');
    await analytics.stop();
    assert.strictEqual((await analytics.getMetrics()).today.dungeonsRun, 1);
    assert.strictEqual((await analytics.getLast30Days()).length, 1);
    await analytics.flush();
  });

  it('stops twice, also at once', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.start();
    analytics.track('once', 'u');
    assert.deepStrictEqual(await Promise.all([analytics.stop(), analytics.stop()]), [
      undefined,
      undefined,
    ]);
    assert.strictEqual(await analytics.stop(), undefined);
    assert.strictEqual(await database.count('gsoevents'), 1);
  });

  it('stops before it was ever started or used', async () => {
    const { analytics } = create({ uri: NOBODY });
    await within(analytics.stop(), { timeoutMs: 5_000, what: 'stop() of an unused instance' });
  });

  it('starts again after stop()', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    for (let round = 1; round <= 3; round++) {
      analytics.start();
      analytics.track('round', 'u', { round });
      await analytics.onLogin('u', 'name');
      await analytics.stop();
      assert.strictEqual(await database.count('gsoevents'), round);
    }
    analytics.start();
    const { dau, activeSessions, today } = await analytics.getMetrics();
    assert.deepStrictEqual([dau, activeSessions, today.sessionCount], [1, 1, 3]);
    assert.deepStrictEqual(analytics.getHealth().rejected, {});
    assert.strictEqual(lines.filter((line) => line.includes('System started')).length, 4);
    await analytics.stop();
  });

  it('starts again while stop() is still under way, and keeps what both saw', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.start();
    analytics.track('first', 'u');
    const stopped = analytics.stop();
    analytics.start();
    analytics.track('second', 'u');
    await Promise.all([stopped, analytics.flush()]);
    assert.deepStrictEqual(
      (await database.events()).map(({ event }) => event),
      ['first', 'second'],
    );
    await analytics.stop();
  });

  it('started twice is started once', async () => {
    const { analytics, lines } = create({ uri: mongo.database().uri });
    analytics.start();
    analytics.start();
    await analytics.stop();
    assert.deepStrictEqual(lines, ['info [ANALYTICS] System started']);
  });

  it('answers getMetrics(), getLast30Days() and flush() that run beside stop()', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.start();
    for (let i = 0; i < 1_000; i++) analytics.track('craft.complete', 'u');
    const answers = await Promise.all([
      analytics.getMetrics(),
      analytics.stop(),
      analytics.getMetrics(),
      analytics.getLast30Days(),
      analytics.flush(),
    ]);
    assert.strictEqual(answers[0].today.craftsCompleted, 1_000);
    assert.strictEqual(answers[2].today.craftsCompleted, 1_000);
    assert.deepStrictEqual([answers[1], answers[4]], [undefined, undefined]);
  });

  it('can be a subclass, whose own methods are called as before', async () => {
    const database = mongo.database();
    class GameAnalytics extends AnalyticsSystem {
      track(event, ...rest) {
        return super.track(`game.${event}`, ...rest);
      }
    }
    const analytics = new GameAnalytics({ uri: database.uri, logger: false });
    analytics.track('over', 'u');
    await analytics.stop();
    assert.strictEqual((await database.events())[0].event, 'game.over');
  });
});

describe('fifty instances in one process', () => {
  it('write side by side without a warning of Node', async () => {
    const database = mongo.database();
    const end = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        // They share one or two processors.
        const options = { uri: given.uri, logger: false, operationTimeoutMs: 60_000 };
        const many = Array.from({ length: 50 }, () => new AnalyticsSystem(options));
        for (const [number, analytics] of many.entries()) {
          analytics.start();
          analytics.track('dungeon.complete', `u${number}`);
          analytics.onLogin(`u${number % 10}`, 'name');
        }
        await Promise.all(many.map((analytics) => analytics.flush()));
        report({ metrics: await many[0].getMetrics(), listeners: process.listenerCount('exit') });
        await Promise.all(many.map((analytics) => analytics.stop()));
      },
      { given: { uri: database.uri }, timeoutMs: 90_000 },
    );
    assert.strictEqual(end.stderr, '');
    const { today, dau, mau } = end.result.metrics;
    assert.deepStrictEqual([today.dungeonsRun, today.sessionCount, dau, mau], [50, 50, 10, 10]);
    assert.strictEqual(end.result.listeners, 1);
    assert.strictEqual(await database.count('gsoevents'), 50);
  });
});
