// The cost of one more process to the daily document: at most fifty bytes, and one small update per flush
// interval for each of its queues (events, logins, logouts), however much it tracks.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { calculateObjectSize } = require('bson');
const { useMongod } = require('../../support/setup');
const { startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { audit } = require('./audit');
const { DailyUpdates } = require('./daily-updates');
const { freshMetrics, users, withServers } = require('./servers');

const mongo = useMongod({ own: true });

const SERVERS = 16;
const DAY = '2036-05-17';
const FLUSH_MS = 500;
const MOST_BYTES_PER_WRITER = 50;
const QUEUES = 3;
/** An update that adds to all totals at once. */
const LARGEST_UPDATE = 16_384;
/** A timer that is late is followed by one that is early: a few intervals of a busy machine hold two. */
const LATE_TIMERS = 1.15;
/** Twenty rounds per flush interval, for four of them. */
const ROUNDS = 80;
const PAUSE_MS = 25;
/** A pass that is to be repeated has begun by then. */
const AT_REST_MS = 2_000;
const LOAD = { events: 20, logins: 1, logouts: 1 };
/** Enough events that each total is added to. */
const FIRST = { events: 300, logins: 10, logouts: 10 };

const times = [0, 1].map((hour) => Date.parse(`${DAY}T08:00:00.000Z`) + hour * 3_600_000);

async function documentSize(db) {
  return calculateObjectSize(await db.collection('gsodailies').findOne({ day: DAY }));
}

/** Every kind of record occurs, so that the document has all of its fields afterwards. */
async function playFirst(server) {
  for (const time of times) await server.tell('play', { rounds: 1, round: FIRST, times: [time] });
  await server.tell('flush');
}

/** Commands of the servers under load: `{ updates, others, ms }`. */
async function load(watch, servers) {
  watch.begin();
  const begun = performance.now();
  await Promise.all(
    servers.map((server) =>
      server.tell('play', {
        rounds: ROUNDS,
        round: LOAD,
        times: times.slice(1),
        pauseMs: PAUSE_MS,
      }),
    ),
  );
  await Promise.all(servers.map((server) => server.tell('flush')));
  const ms = performance.now() - begun;
  return { updates: watch.updates, others: watch.others, ms };
}

/** One update per interval, and one or two for the flush. A timer that is late may add another at times. */
function assertCheap(t, { updates, others, ms }, count) {
  const most = (LATE_TIMERS * ms) / FLUSH_MS + 2;
  const all = updates.flat();
  const perWriter = all.length / updates.length;
  const largest = Math.max(...all.map(({ bytes }) => bytes));
  const answer = Math.max(...all.map((one) => one.answer));
  const shown = `${all.length} updates by ${updates.length} writers in ${Math.round(ms)} ms`;
  t.diagnostic(`${shown}, the largest ${largest} bytes and ${answer} to answer it`);
  assert.strictEqual(updates.length, count * QUEUES);
  assert.ok(perWriter <= most, `${perWriter} updates each, ${most} at most`);
  assert.ok(largest <= LARGEST_UPDATE, `an update of ${largest} bytes`);
  assert.deepStrictEqual(others, []);
}

/** A process makes the indexes again where collections have appeared meanwhile, as those of the other processes do. */
async function indexesMade(watch) {
  let [seen, since] = [-1, 0];
  const isAtRest = () => {
    const [now, count] = [performance.now(), watch.others.length];
    if (count !== seen) [seen, since] = [count, now];
    return now - since >= AT_REST_MS;
  };
  await waitFor(isAtRest, { what: 'all indexes' });
}

async function playAll(t, { db, watch, servers }) {
  const [first, ...rest] = servers;
  await Promise.all(servers.map((server) => server.tell('start')));
  await Promise.all(servers.map((server) => server.tell('getMetrics')));
  await playFirst(first);
  await indexesMade(watch);
  const alone = await documentSize(db);
  assertCheap(t, await load(watch, [first]), 1);
  // Only sums may have become wider.
  assert.strictEqual(await documentSize(db), alone);
  for (const server of rest) await playFirst(server);
  const together = await documentSize(db);
  const perWriter = (together - alone) / rest.length;
  t.diagnostic(`${alone} bytes with 1 writer, ${together} with ${SERVERS}: ${perWriter} each`);
  assert.ok(perWriter > 0 && perWriter <= MOST_BYTES_PER_WRITER, `${perWriter} bytes per writer`);
  assertCheap(t, await load(watch, servers), SERVERS);
  assert.strictEqual(await documentSize(db), together);
  return Promise.all(servers.map((server) => server.leave()));
}

describe('one more process', () => {
  it('costs the daily document a few bytes, and an update per queue and flush interval', async (t) => {
    const database = mongo.database();
    // The first purchase would make it, and every process look at all indexes again.
    await database.db.createCollection('gsopurchases');
    const watch = new DailyUpdates();
    const proxy = await startProxy(mongo.server.port, watch);
    const settings = Array.from({ length: SERVERS }, (_, i) => ({
      ...{ uri: proxy.uri(database.name), seed: i, users: users(i * 5, 40) },
      ...{ clock: new Date(times[0]).toISOString(), flushIntervalMs: FLUSH_MS },
    }));
    const accounts = await withServers(settings, (servers) =>
      playAll(t, { db: database.db, watch, servers }),
    );
    await proxy.close();
    await audit(database.db, accounts, { metrics: await freshMetrics(database.uri, [DAY]) });
  });
});
