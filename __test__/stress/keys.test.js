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
/** What a process takes besides its queue, whatever the number of keys is. */
const MORE = 48 * MIB;
const AMOUNT = 3;
const TIMEOUT_MS = 60_000 + KEYS / 2;

const mongo = useMongod({ own: true });

/** Runs in the host's process: an event under each key, tracked as fast as they are written. */
async function deliver({ uri, keys, each, amount, maxQueueBytes, timeoutMs }, report) {
  const { setTimeout: delay } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const limits = { operationTimeoutMs: timeoutMs, shutdownTimeoutMs: timeoutMs };
  const analytics = new AnalyticsSystem({ uri, logger: false, maxQueueBytes, ...limits });
  analytics.start();
  await analytics.flush();
  const idle = process.memoryUsage.rss();
  let most = idle;
  let queuedBytes = 0;
  for (let i = 0, sent = 0; i < keys; i += each, sent++) {
    const dedupeKey = `delivery-${i}-${'x'.repeat(40)}`;
    analytics.track('credits.earn', `user${i % 5000}`, { amount }, { dedupeKey });
    if (sent % 500 !== 0) continue;
    do {
      await delay(0);
      queuedBytes = Math.max(queuedBytes, analytics.getHealth().queuedBytes);
      most = Math.max(most, process.memoryUsage.rss());
    } while (analytics.getHealth().queuedBytes > maxQueueBytes / 2);
  }
  await analytics.flush();
  most = Math.max(most, process.memoryUsage.rss());
  report({ aboveIdle: most - idle, queuedBytes, health: analytics.getHealth() });
  await analytics.stop();
}

async function delivered(database, each) {
  const begun = performance.now();
  const given = { uri: database.uri, keys: KEYS, each, amount: AMOUNT };
  const limits = { maxQueueBytes: MAX_QUEUE_BYTES, timeoutMs: TIMEOUT_MS };
  const program = { given: { ...given, ...limits }, timeoutMs: TIMEOUT_MS };
  const { result } = await runProgram(deliver, program);
  return { ...result, seconds: Math.round((performance.now() - begun) / 1000) };
}

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
    t.diagnostic(`${first.seconds} s, ${Math.round(first.aboveIdle / MIB)} MiB above idle`);
    t.diagnostic(`${Math.round(first.queuedBytes / MIB)} MiB queued at most`);
    assert.deepStrictEqual([accepted, written, redelivered], [KEYS, KEYS, 0]);
    assert.deepStrictEqual([rejected, dropped], [{}, {}]);
    assert.ok(first.aboveIdle < MAX_QUEUE_BYTES + MORE, `${first.aboveIdle} bytes above idle`);
    await assertOnce(database);

    const again = await delivered(database, AGAIN_EACH);
    t.diagnostic(`${again.health.redelivered} recognised in ${again.seconds} s`);
    assert.strictEqual(again.health.redelivered, KEYS / AGAIN_EACH);
    await assertOnce(database);
  });
});
