// Memory under load: the bound holds, nothing below it is lost, what is above it is counted, and
// nothing grows with time.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../support/setup');

const MIB = 2 ** 20;
/** Ten minutes by `GSO_ANALYTICS_SOAK_SECONDS=600`. */
const SOAK_SECONDS = Number(process.env.GSO_ANALYTICS_SOAK_SECONDS ?? 20);
const ROOMY = { setParameter: 1, wiredTigerEngineRuntimeConfig: 'cache_size=4G' };

const mongo = useMongod({ own: true });

/** Runs in the host's process: a burst of events, in turns of a thousand, and what became of it. */
async function playBurst(given, report) {
  const { setImmediate: nextTurn } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ logger: false, operationTimeoutMs: 120_000, ...given });
  await analytics.flush();
  const idle = process.memoryUsage.rss();
  const most = { queuedBytes: 0, rss: idle };
  if (given.frozenPid) process.kill(given.frozenPid, 'SIGSTOP');
  for (let i = 0; i < given.events; i++) {
    analytics.track('credits.earn', `user${i % 5000}`, { amount: 5, reason: 'quest' });
    if (i % 1000 !== 0) continue;
    await nextTurn();
    most.queuedBytes = Math.max(most.queuedBytes, analytics.getHealth().queuedBytes);
    most.rss = Math.max(most.rss, process.memoryUsage.rss());
  }
  if (given.frozenPid) process.kill(given.frozenPid, 'SIGCONT');
  await analytics.flush();
  report({ most, idle, health: analytics.getHealth() });
  await analytics.stop();
}

async function burst(options) {
  const database = mongo.database();
  const { frozen, ...given } = options;
  const frozenPid = frozen ? mongo.server.pid : undefined;
  const { result } = await runProgram(playBurst, {
    given: { uri: database.uri, frozenPid, ...given },
    timeoutMs: 170_000,
  });
  const stored = await database.count('gsoevents');
  const [day] = await database.days();
  return { ...result, stored, credits: day.creditsEarned };
}

describe('a burst', () => {
  it('of a million events stays below the bound, and all are stored', async (t) => {
    const [events, maxQueueBytes] = [1_000_000, 384 * MIB];
    const { most, idle, health, stored, credits } = await burst({ events, maxQueueBytes });
    const aboveIdle = most.rss - idle;
    t.diagnostic(`${Math.round(aboveIdle / MIB)} MiB above idle`);
    assert.deepStrictEqual([health.accepted, health.rejected], [events, {}]);
    assert.deepStrictEqual([stored, credits], [events, 5 * events]);
    assert.ok(most.queuedBytes <= maxQueueBytes, `${most.queuedBytes} bytes queued`);
    assert.ok(aboveIdle < maxQueueBytes, `${aboveIdle} bytes above idle`);
  });

  it('beyond the bound is refused to the last event, and counted', async (t) => {
    const [events, maxQueueBytes] = [200_000, 16 * MIB];
    const { most, health, stored, credits } = await burst({ events, maxQueueBytes, frozen: true });
    const refused = health.rejected.queue_full;
    t.diagnostic(`${stored} stored, ${refused} refused`);
    assert.ok(refused > 0 && stored > 0);
    assert.strictEqual(health.accepted + refused, events);
    assert.deepStrictEqual([stored, credits], [health.accepted, 5 * health.accepted]);
    assert.ok(most.queuedBytes <= maxQueueBytes, `${most.queuedBytes} bytes queued`);
  });
});

/** Runs in the host's process: a steady rate, and the memory that it takes at each second. */
async function soak(given, report) {
  const { setTimeout: delay } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const options = { uri: given.uri, logger: false, shutdownTimeoutMs: 60_000 };
  const analytics = new AnalyticsSystem(options);
  await analytics.flush();
  const began = performance.now();
  const rss = [];
  let mostQueuedBytes = 0;
  let tracked = 0;
  for (let elapsed = 0; elapsed < given.seconds; ) {
    elapsed = (performance.now() - began) / 1000;
    for (; tracked < elapsed * given.rate; tracked++) {
      analytics.track('credits.earn', `user${tracked % 5000}`, { amount: 5, n: tracked });
    }
    if (rss.length < Math.floor(elapsed)) {
      global.gc();
      rss.push(process.memoryUsage.rss());
      mostQueuedBytes = Math.max(mostQueuedBytes, analytics.getHealth().queuedBytes);
    }
    await delay(5);
  }
  await analytics.stop();
  report({ rss, mostQueuedBytes, tracked, health: analytics.getHealth() });
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

describe('a steady load', () => {
  it(`for ${SOAK_SECONDS} s takes no more memory in the end than before`, async (t) => {
    const database = mongo.database();
    // Else a long soak measures how mongod pages its indexes.
    await mongo.client.db('admin').command(ROOMY);
    const { result } = await runProgram(soak, {
      given: { uri: database.uri, seconds: SOAK_SECONDS, rate: 20_000 },
      nodeArgs: ['--expose-gc'],
      timeoutMs: (SOAK_SECONDS + 120) * 1000,
    });
    const quarter = Math.floor(result.rss.length / 4);
    // What a busy machine makes wait for a moment is no leak.
    const before = median(result.rss.slice(quarter, 2 * quarter));
    const after = median(result.rss.slice(-quarter));
    t.diagnostic(`${Math.round(before / MIB)} MiB, then ${Math.round(after / MIB)} MiB`);
    t.diagnostic(`${Math.round(result.mostQueuedBytes / MIB)} MiB queued at most`);
    const { rejected, dropped, queued } = result.health;
    assert.deepStrictEqual({ rejected, dropped, queued }, { rejected: {}, dropped: {}, queued: 0 });
    assert.strictEqual(await database.count('gsoevents'), result.tracked);
    assert.strictEqual(result.health.written, result.tracked);
    assert.ok(after < before + 16 * MIB, `${before} bytes, then ${after}`);
  });
});

/** Runs in the host's process: instances that come and go, and the memory after each dozen. */
async function comeAndGo(given, report) {
  const { setImmediate: nextTurn } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const seen = [];
  for (let round = 0; round < given.rounds; round++) {
    for (let n = 0; n < 12; n++) {
      const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
      analytics.start();
      for (let i = 0; i < 200; i++) analytics.track('dungeon.complete', `u${i}`, { i });
      await analytics.onLogin(`u${n}`, 'name');
      await analytics.getMetrics();
      await analytics.onLogout(`u${n}`);
      await analytics.stop();
    }
    for (let i = 0; i < 3; i++) {
      global.gc();
      await nextTurn();
    }
    seen.push({ heap: process.memoryUsage().heapUsed, rss: process.memoryUsage.rss() });
  }
  report(seen);
}

describe('instances that come and go', () => {
  it('leave no memory behind', async (t) => {
    const database = mongo.database();
    const { result } = await runProgram(comeAndGo, {
      given: { uri: database.uri, rounds: 8 },
      nodeArgs: ['--expose-gc'],
      timeoutMs: 120_000,
    });
    const [, , third] = result;
    const last = result.at(-1);
    t.diagnostic(result.map(({ rss }) => `${Math.round(rss / MIB)} MiB`).join(', '));
    assert.ok(last.heap < third.heap + MIB, `heap: ${third.heap} bytes, then ${last.heap}`);
    assert.ok(last.rss < third.rss + 16 * MIB, `rss: ${third.rss} bytes, then ${last.rss}`);
  });
});
