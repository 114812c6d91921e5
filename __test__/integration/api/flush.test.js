// The promises of flush(), getMetrics(), onLogin() and stop(), and their time limits.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { within } = require('../../support/wait');
const { NOBODY, create, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** How long the promise of `call` took, in ms, and how it ended. */
async function timed(call) {
  const started = performance.now();
  const [end] = await Promise.allSettled([call()]);
  return { ...end, ms: performance.now() - started };
}

describe('flush()', { concurrency: true }, () => {
  it('resolves when every earlier event, session and total is in MongoDB', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, flushIntervalMs: 60_000 });
    for (let i = 0; i < 5_000; i++) {
      analytics.track(i % 2 ? 'credits.earn' : 'unknown', `u${i % 50}`, { amount: 2, i });
    }
    for (let i = 0; i < 200; i++) analytics.onLogin(`u${i % 50}`, 'name');
    for (let i = 0; i < 50; i++) analytics.onLogout(`u${i}`);
    assert.strictEqual(await analytics.flush(), undefined);
    assert.strictEqual(await database.count('gsoevents'), 5_000);
    assert.strictEqual(await database.count('gsosessions'), 200);
    assert.strictEqual(await database.count('gsosessions', { logoutAt: { $ne: null } }), 50);
    const [day] = await database.days();
    assert.deepStrictEqual([day.creditsEarned, day.sessionCount, day.dau], [5_000, 200, 50]);
  });

  it('answers each of several callers when its own records are there', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, flushIntervalMs: 60_000 });
    const counted = [];
    const flushes = Array.from({ length: 20 }, async (_, i) => {
      analytics.track('dungeon.complete', 'u', { i });
      await analytics.flush();
      const [day] = await database.days();
      counted.push(day.dungeonsRun >= i + 1);
    });
    await Promise.all(flushes);
    assert.deepStrictEqual(counted, Array(20).fill(true));
  });

  it('does not wait for what is tracked after the call', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    let tracking = true;
    const flood = (async () => {
      while (tracking) {
        for (let i = 0; i < 20; i++) analytics.track('flood', 'u', { i });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await within(analytics.flush(), { timeoutMs: 5_000, what: 'flush() under load' });
    tracking = false;
    await flood;
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), analytics.getHealth().accepted);
  });

  it('with nothing to write resolves soon and leaves no document', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await within(analytics.flush(), { timeoutMs: 5_000 });
    await Promise.all([analytics.flush(), analytics.flush()]);
    for (const collection of ['gsoevents', 'gsosessions', 'gsodailies']) {
      assert.strictEqual(await database.count(collection), 0);
    }
  });

  it('with nothing to write resolves although there is no server', async () => {
    const { analytics } = create({ uri: NOBODY });
    await within(analytics.flush(), { timeoutMs: 5_000 });
  });
});

describe('awaited logins', { concurrency: true }, () => {
  it('and logouts are in the database when their promises resolve', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, flushIntervalMs: 60_000 });
    await analytics.onLogin('u', 'name');
    const [session] = await database.sessions();
    assert.deepStrictEqual(
      [session.userId, session.username, session.logoutAt],
      ['u', 'name', null],
    );
    await analytics.onLogout('u');
    assert.ok((await database.sessions())[0].logoutAt instanceof Date);
  });

  it('do not wait behind a flood of events', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, flushIntervalMs: 60_000 });
    await analytics.onLogin('first', 'name');
    for (let i = 0; i < 40_000; i++) analytics.track('flood', 'u', { i, text: 'x'.repeat(200) });
    await analytics.onLogin('second', 'name');
    const { queued } = analytics.getHealth();
    assert.strictEqual(await database.count('gsosessions'), 2);
    assert.ok(queued > 10_000, `${queued} events were still waiting`);
  });
});

describe('without a server', { concurrency: true }, () => {
  for (const method of ['flush', 'getMetrics', 'getLast30Days', 'getConcurrency']) {
    it(`${method}() rejects with ANALYTICS_TIMEOUT after operationTimeoutMs`, async () => {
      const { analytics } = create({ uri: NOBODY, operationTimeoutMs: 400 });
      analytics.track('event', 'u');
      const { status, reason, ms } = await timed(() => analytics[method]());
      assert.strictEqual(status, 'rejected');
      assert.strictEqual(reason.code, 'ANALYTICS_TIMEOUT');
      assert.ok(reason instanceof Error && reason.message.includes(`${method}()`), reason.message);
      assert.ok(ms >= 390 && ms < 5_000, `${ms} ms`);
    });
  }

  for (const [method, args] of [
    ['onLogin', ['u', 'name']],
    ['onLogout', ['u']],
  ]) {
    it(`${method}() resolves at ackTimeoutMs, and the record stays`, async () => {
      const { analytics } = create({ uri: NOBODY, ackTimeoutMs: 300 });
      analytics.onLogin('u', 'name');
      const { status, value, ms } = await timed(() => analytics[method](...args));
      assert.deepStrictEqual([status, value], ['fulfilled', undefined]);
      assert.ok(ms >= 290 && ms < 4_000, `${ms} ms`);
      assert.strictEqual(analytics.getHealth().queued, 2);
    });
  }

  it('stop() resolves at shutdownTimeoutMs and says how many records were not written', async () => {
    const { analytics, lines } = create({ uri: NOBODY, shutdownTimeoutMs: 300 });
    analytics.start();
    for (let i = 0; i < 7; i++) analytics.track('event', 'u');
    const { status, value, ms } = await timed(() => analytics.stop());
    assert.deepStrictEqual([status, value], ['fulfilled', undefined]);
    assert.ok(ms >= 290 && ms < 5_000, `${ms} ms`);
    assert.strictEqual(
      lines.filter((line) => /^warn.*not written yet: 7\b/.test(line)).length,
      1,
      lines.join(),
    );
    assert.strictEqual(analytics.getHealth().queued, 7);
  });

  it('stop() resolves at once with shutdownTimeoutMs: 0', async () => {
    const { analytics } = create({ uri: NOBODY, shutdownTimeoutMs: 0 });
    analytics.track('event', 'u');
    assert.ok((await timed(() => analytics.stop())).ms < 3_000);
  });

  it('a logout of somebody who is not logged in resolves at once', async () => {
    const { analytics } = create({ uri: NOBODY });
    assert.ok((await timed(() => analytics.onLogout('nobody'))).ms < 3_000);
  });

  it('track() and getHealth() return at once', () => {
    const { analytics } = create({ uri: NOBODY });
    const started = performance.now();
    for (let i = 0; i < 1_000; i++) analytics.track('event', 'u', { i });
    assert.strictEqual(analytics.getHealth().queued, 1_000);
    assert.ok(performance.now() - started < 3_000);
  });
});
