// Many different dedupe keys: memory holds only what waits, every event is stored and counted once, and each key is
// recognised later, by a process that has never seen it.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../support/setup');

const MIB = 2 ** 20;
/** A million by `GSO_ANALYTICS_KEYS=1000000`. */
const KEYS = Number(process.env.GSO_ANALYTICS_KEYS ?? 50_000);
/** Of so many keys one is delivered again. */
const AGAIN_EACH = 50;
const MAX_QUEUE_BYTES = 32 * MIB;
/** What a process takes besides its queue, whatever the number of keys is; and what a queue more or less takes. */
const MORE = 96 * MIB;
const NOISE = 32 * MIB;
/** How often the memory is looked at. */
const LOOKS = 20;
const AMOUNT = 3;
const TIMEOUT_MS = 60_000 + KEYS / 2;

const mongo = useMongod({ own: true });

/** Runs in the host's process: an event under each key, tracked as fast as they are written. */
async function deliver({ uri, keys, each, amount, looks, maxQueueBytes, timeoutMs }, report) {
  const { setTimeout: delay } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const limits = { operationTimeoutMs: timeoutMs, shutdownTimeoutMs: timeoutMs };
  const analytics = new AnalyticsSystem({ uri, logger: false, maxQueueBytes, ...limits });
  analytics.start();
  await analytics.flush();
  const idle = process.memoryUsage.rss();
  const rss = [];
  let queuedBytes = 0;
  for (let i = 0, sent = 0; i < keys; i += each, sent++) {
    const dedupeKey = `delivery-${i}-${'x'.repeat(40)}`;
    analytics.track('credits.earn', `user${i % 5000}`, { amount }, { dedupeKey });
    if (sent % 500 !== 0) continue;
    do {
      await delay(0);
      queuedBytes = Math.max(queuedBytes, analytics.getHealth().queuedBytes);
    } while (analytics.getHealth().queuedBytes > maxQueueBytes / 2);
    if (i < (rss.length * keys) / looks) continue;
    global.gc();
    rss.push(process.memoryUsage.rss() - idle);
  }
  await analytics.flush();
  report({ rss, queuedBytes, health: analytics.getHealth() });
  await analytics.stop();
}

async function delivered(database, each) {
  const begun = performance.now();
  const given = { uri: database.uri, keys: KEYS, each, amount: AMOUNT, looks: LOOKS };
  const limits = { maxQueueBytes: MAX_QUEUE_BYTES, timeoutMs: TIMEOUT_MS };
  const { result } = await runProgram(deliver, {
    given: { ...given, ...limits },
    nodeArgs: ['--expose-gc'],
    timeoutMs: TIMEOUT_MS,
  });
  return { ...result, seconds: Math.round((performance.now() - begun) / 1000) };
}

const most = (values) => Math.max(...values);

async function assertOnce(database) {
  const days = await database.days();
  const earned = days.reduce((sum, day) => sum + day.creditsEarned, 0);
  const events = await database.count('gsoevents');
  const markers = await database.count('gsouniques', { '_id.p': 'k:credits.earn' });
  assert.deepStrictEqual(
    { earned, events, markers },
    { earned: AMOUNT * KEYS, events: KEYS, markers: KEYS },
  );
}

describe('events under different keys', () => {
  it(`are ${KEYS}, stored and counted once each, in memory that does not grow with them`, async (t) => {
    const database = mongo.database();
    const first = await delivered(database, 1);
    const { accepted, written, redelivered, rejected, dropped } = first.health;
    const shown = first.rss.map((bytes) => Math.round(bytes / MIB)).join(' ');
    t.diagnostic(`${first.seconds} s, MiB above idle: ${shown}`);
    t.diagnostic(`${Math.round(first.queuedBytes / MIB)} MiB queued at most`);
    assert.deepStrictEqual([accepted, written, redelivered], [KEYS, KEYS, 0]);
    assert.deepStrictEqual([rejected, dropped], [{}, {}]);
    const half = first.rss.length / 2;
    const [before, after] = [first.rss.slice(0, half), first.rss.slice(half)].map(most);
    assert.ok(after < MAX_QUEUE_BYTES + MORE, `${after} bytes above idle`);
    assert.ok(after < before + NOISE, `${before} bytes above idle, then ${after}`);
    await assertOnce(database);

    const again = await delivered(database, AGAIN_EACH);
    t.diagnostic(`${again.health.redelivered} recognised in ${again.seconds} s`);
    assert.strictEqual(again.health.redelivered, KEYS / AGAIN_EACH);
    await assertOnce(database);
  });
});
