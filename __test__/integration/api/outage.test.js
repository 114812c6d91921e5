// An outage without a spool: pauses between attempts grow and differ, waiting records are bounded and written
// later, rejected ones are counted, and no promise takes longer than the options say.
'use strict';

const assert = require('node:assert');
const { after, describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { kindOf } = require('../exactness/writes');
const { preparedDatabase } = require('../threads/prepared');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Errors of the server that do not mean that the connection is broken. */
const ERRORS = [
  { code: 13, codeName: 'Unauthorized', errmsg: 'by the test' },
  { code: 262, codeName: 'ExceededTimeLimit', errmsg: 'by the test' },
  { code: 14_031, codeName: 'OutOfDiskSpace', errmsg: 'by the test' },
];
/** Bounds of a pause; the attempt itself comes on top. */
const [SHORTEST_MS, LONGEST_MS] = [10, 3_000];
const ATTEMPTS = 9;

const proxies = [];
// After the instances behind them have stopped.
after(() => Promise.all(proxies.map((proxy) => proxy.close())));

/** An instance that has written once, behind a proxy. */
async function behindProxy(options) {
  const database = await preparedDatabase(mongo);
  const proxy = await startProxy(mongo.server.port);
  proxies.push(proxy);
  const { analytics, lines } = create({
    ...{ uri: proxy.uri(database.name), operationTimeoutMs: 30_000 },
    ...options,
  });
  await analytics.flush();
  const away = () => {
    proxy.isRefusing = true;
    proxy.cut();
  };
  const back = () => {
    proxy.isRefusing = false;
  };
  return { database, proxy, analytics, lines, away, back };
}

/** A stop() may end at its time limit with records left; the next one goes on with them. */
function stopped(analytics) {
  const isDone = async () => {
    await analytics.stop();
    return analytics.getHealth().queued === 0;
  };
  return waitFor(isDone, { what: 'stop() to write the rest' });
}

const isWrite = (request) => kindOf(request) !== undefined;

describe('a server that answers every write with an error', { concurrency: 2 }, () => {
  for (const error of ERRORS) {
    it(`is asked at growing and different intervals: ${error.codeName}`, async (t) => {
      const { database, proxy, analytics, lines } = await behindProxy();
      const times = [];
      const refuse = fates.refuse(error);
      const fate = (exchange) => {
        times.push(performance.now());
        refuse(exchange);
      };
      const rule = proxy.rule({ when: isWrite, fate });
      const before = proxy.attempts;
      for (let i = 0; i < 100; i++) analytics.track('dungeon.complete', 'u', { i });
      await waitFor(() => times.length >= ATTEMPTS, { timeoutMs: 40_000, what: 'attempts' });
      const connections = proxy.attempts - before;
      rule.remove();
      await analytics.flush();

      const gaps = times.slice(1).map((time, n) => time - times[n]);
      t.diagnostic(`${gaps.map(Math.round)} ms; ${connections} connections`);
      assert.ok(Math.min(...gaps) >= SHORTEST_MS, `${gaps}`);
      // Eight random pauses of up to 50, 100, … 3 000 ms are hardly ever shorter in sum.
      assert.ok(times.at(-1) - times[0] > 500, `${gaps}`);
      const shares = gaps.map((gap, n) => gap / Math.min(50 * 2 ** n, LONGEST_MS));
      assert.ok(Math.max(...shares) - Math.min(...shares) > 0.05, 'no jitter');
      assert.ok(connections <= 2 * ATTEMPTS, `${connections} connections`);
      const told = lines.filter((line) => /cannot be written|refuses writes/.test(line));
      assert.strictEqual(told.length, 1);
      const { retried, written, dropped } = analytics.getHealth();
      assert.deepStrictEqual([written, dropped], [100, {}]);
      assert.strictEqual(retried, 100 * times.length);
      assert.strictEqual((await database.days())[0].dungeonsRun, 100);
    });
  }
});

describe('a server that is gone', { concurrency: 3 }, () => {
  it('is not asked in a hot loop, and what was tracked meanwhile is written', async (t) => {
    const { database, proxy, analytics, away, back } = await behindProxy();
    away();
    const [before, began] = [proxy.attempts, performance.now()];
    for (let i = 0; i < 1_000; i++) analytics.track('dungeon.complete', 'u', { i });
    const waited = () => performance.now() - began > 4_000 && analytics.getHealth().retried > 0;
    await waitFor(waited, { timeoutMs: 20_000, what: 'four seconds of outage' });
    const perSecond = (proxy.attempts - before) / ((performance.now() - began) / 1000);
    t.diagnostic(`${perSecond.toFixed(1)} connections per second`);
    assert.ok(perSecond < 20, `${perSecond} connections per second`);
    assert.ok(!analytics.getHealth().connected);
    back();
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 1_000);
    assert.strictEqual((await database.days())[0].dungeonsRun, 1_000);
  });

  it('lets nobody wait longer than the options say', async () => {
    const limits = { operationTimeoutMs: 400, ackTimeoutMs: 300, shutdownTimeoutMs: 500 };
    const { database, analytics, away, back } = await behindProxy(limits);
    away();
    analytics.track('dungeon.complete', 'u');
    const timed = async (call) => {
      const began = performance.now();
      const [{ status, reason }] = await Promise.allSettled([call()]);
      return { status, code: reason?.code, ms: performance.now() - began };
    };
    const calls = await Promise.all(
      [
        () => analytics.flush(),
        () => analytics.getMetrics(),
        () => analytics.getLast30Days(),
        () => analytics.onLogin('u', 'name'),
        () => analytics.onLogout('u'),
      ].map(timed),
    );
    const rejected = { status: 'rejected', code: 'ANALYTICS_TIMEOUT', limit: 400 };
    const resolved = { status: 'fulfilled', code: undefined, limit: 300 };
    calls.forEach(({ status, code, ms }, n) => {
      const { limit, ...expected } = n < 3 ? rejected : resolved;
      assert.deepStrictEqual({ status, code }, expected);
      assert.ok(ms >= limit - 10 && ms < limit + 3_000, `${ms} ms of ${limit}`);
    });
    back();
    await stopped(analytics);
    const [session] = await database.sessions();
    assert.ok(session.logoutAt instanceof Date);
  });

  it('lets stop() come to its end beside getMetrics(), and again later', async () => {
    const limits = { operationTimeoutMs: 400, shutdownTimeoutMs: 300 };
    const { database, analytics, lines, away, back } = await behindProxy(limits);
    analytics.start();
    away();
    for (let i = 0; i < 7; i++) analytics.track('dungeon.complete', 'u');
    const began = performance.now();
    const [asked, ...stops] = await Promise.allSettled([
      analytics.getMetrics(),
      analytics.stop(),
      analytics.stop(),
    ]);
    assert.ok(performance.now() - began < 3_500);
    assert.strictEqual(asked.reason?.code, 'ANALYTICS_TIMEOUT');
    assert.deepStrictEqual(
      stops.map(({ status, value }) => [status, value]),
      Array(2).fill(['fulfilled', undefined]),
    );
    analytics.track('too late', 'u');
    const { queued, rejected } = analytics.getHealth();
    assert.deepStrictEqual([queued, rejected], [7, { stopped: 1 }]);
    assert.ok(lines.some((line) => /^warn .*not written yet: 7\b/.test(line)));

    // The rest is not forgotten: a second stop() waits for it, and so does a start().
    back();
    await stopped(analytics);
    assert.strictEqual(await database.count('gsoevents'), 7);
    analytics.start();
    analytics.track('dungeon.complete', 'u');
    await stopped(analytics);
    assert.strictEqual((await database.days())[0].dungeonsRun, 8);
  });

  it('costs a refusal for each record beyond the bound, and one warning', async () => {
    const { database, analytics, lines, away, back } = await behindProxy({ maxQueueBytes: 65_536 });
    away();
    for (let i = 0; i < 5_000; i++) analytics.track('dungeon.complete', 'u', { i });
    const { accepted, queued, queuedBytes, rejected } = analytics.getHealth();
    assert.deepStrictEqual(rejected, { queue_full: 5_000 - accepted });
    assert.strictEqual(queued, accepted);
    assert.ok(queuedBytes <= 65_536 && accepted > 100, `${accepted} in ${queuedBytes} bytes`);
    back();
    await analytics.flush();
    const stored = (await database.events()).map(({ data }) => data.i);
    assert.deepStrictEqual(
      stored,
      Array.from({ length: accepted }, (_, i) => i),
    );
    assert.strictEqual((await database.days())[0].dungeonsRun, accepted);
    assert.strictEqual(lines.filter((line) => line.includes('maxQueueBytes')).length, 1);
  });
});
