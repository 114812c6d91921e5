// What reports cost: the database for the report of a day, a caller for an answer, the game for a run beside it.
'use strict';

const { calculateObjectSize } = require('bson');
const { cpuMs } = require('./measures/cpu');
const { dayOf, startOf, storeEvents, storePurchases, storeSessions } = require('./reports-data');
const { percentile, median } = require('./statistics');
const { EVENTS, throughput } = require('./rounds');
const { DURABLE } = require('./workload');

/** A day of a large game, its history, and ten times that. */
const DAY = { events: 1_500_000, sessions: 31_000, users: 20_000 };
const HISTORY = { days: 30, sessions: 30_000, users: 20_000, events: 60_000, purchases: 500 };
const LONGER = 10;
const CALLS = 50;
const BATCH = 200;
const BATCHES = 50;
const PAUSE_MS = 100;
const PATIENT = { operationTimeoutMs: 300_000, presence: 'off' };
/** A funnel that is declared, whose days are kept. */
const FUNNELS = { levels: { steps: ['level.1', 'level.2', 'level.3'], windowS: 86_400 } };
const task = { peer: 'addon', measure: 'reports', options: PATIENT };

/** `{ scale, day, getters, track }`; a scale of 0.1 is a tenth of the documents. */
async function playReports(bench, { rounds, scale }) {
  return {
    scale,
    day: await reportDay(bench, scale),
    getters: await askGetters(bench, scale),
    track: await trackBeside(bench, { rounds, scale }),
  };
}

/** So many documents of each kind; days stay days. */
function scaled({ days, ...counts }, scale) {
  const entries = Object.entries(counts).map(([kind, count]) => [kind, Math.ceil(count * scale)]);
  return Object.fromEntries(entries);
}

/** The job of one day beside one `$group` of it, and what a durable batch takes meanwhile. */
function reportDay(bench, scale) {
  return bench.withDatabase(async (database) => {
    const { events, sessions, users } = scaled(DAY, scale);
    await storeSessions(database.db, 1, sessions, users);
    await storeEvents(database.db, 1, events, users);
    // The first reads what is not in memory yet.
    await groupOnce(bench, database.db);
    const groupCpuMs = await groupOnce(bench, database.db);
    const alone = await batches(bench, { until: BATCHES });
    const { job } = await database.measure(task);
    const [report] = await database.db.collection('gsoreports').find({ _id: /^d:/ }).toArray();
    await database.db.collection('gsoreports').deleteMany({});
    let isRunning = true;
    const again = database.measure(task).finally(() => {
      isRunning = false;
    });
    const beside = await batches(bench, { while: () => isRunning });
    await again;
    return {
      ...{ events, sessions, users, groupCpuMs, ...job },
      reportBytes: calculateObjectSize(report),
      batches: { alone, beside },
    };
  });
}

async function groupOnce({ server }, db) {
  const before = cpuMs(server.pid);
  const ts = { $gte: new Date(startOf(1)), $lt: new Date(startOf(0)) };
  const by = { e: '$event', r: '$data.reason', i: '$data.item' };
  const stages = [
    { $match: { ts } },
    { $group: { _id: by, n: { $sum: 1 }, a: { $sum: '$data.amount' } } },
  ];
  await db.collection('gsoevents').aggregate(stages, { allowDiskUse: true }).toArray();
  return cpuMs(server.pid) - before;
}

/** What a durable batch of events takes, one after the other with a pause. */
async function batches({ client, server }, { until = Number.POSITIVE_INFINITY, ...given }) {
  const database = client.db(`gso_test_batches_${server.pid}`);
  const times = [];
  const goesOn = given.while ?? (() => true);
  while (times.length < until && goesOn()) {
    const documents = Array.from({ length: BATCH }, (_, n) => ({
      ...{ userId: `old${n}`, event: 'level.1', data: { amount: n }, day: dayOf(0) },
      ...{ ts: new Date(), __v: 0 },
    }));
    const began = performance.now();
    await database.collection('gsoevents').insertMany(documents, { writeConcern: DURABLE });
    times.push(performance.now() - began);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  await database.dropDatabase();
  return { batches: times.length, p50Ms: median(times), p99Ms: percentile(times, 99) };
}

/** Each method on stored reports, purchases and cohorts, and again when ten times as many days have some. */
function askGetters(bench, scale) {
  return bench.withDatabase(async (database) => {
    const { db } = database;
    const { sessions, users, events, purchases } = scaled(HISTORY, scale);
    for (let ago = 0; ago < HISTORY.days; ago += 1) {
      await storeSessions(db, ago, sessions, users);
      if (ago < 6) await storeEvents(db, ago, events, users);
      await storePurchases(db, ago, purchases, users);
    }
    const options = { ...PATIENT, funnels: FUNNELS };
    const asked = { ...task, options, calls: CALLS, day: dayOf(1) };
    const { job, getters: short } = await database.measure(asked);
    await lengthen(db, { purchases, users });
    const { getters: long } = await database.measure(asked);
    const stored = { sessions: sessions * HISTORY.days, purchases: purchases * HISTORY.days };
    return { days: HISTORY.days, ...stored, users, job, short, long };
  });
}

/** The same reports, under the days before those; a user was there on each of them, and as many paid. */
async function lengthen(db, { purchases, users }) {
  const reports = db.collection('gsoreports');
  const stored = await reports.find({ _id: /^d:/ }).toArray();
  const days = HISTORY.days * LONGER;
  const older = Array.from({ length: days - HISTORY.days }, (_, n) => HISTORY.days + n);
  await reports.insertMany(
    older.map((ago) => ({ ...stored[ago % stored.length], _id: `d:${dayOf(ago)}` })),
  );
  for (const ago of older) {
    await storeSessions(db, ago, 1, 1);
    await storePurchases(db, ago, purchases, users);
  }
}

/** `{ on, off }`: as fast as it goes, with reports and without, in turns. */
async function trackBeside(bench, { rounds, scale }) {
  const results = { on: [], off: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const [how, all] of Object.entries(results)) {
      const side = { peer: 'addon', bytes: 0, options: how === 'off' ? { reports: 'off' } : {} };
      all.push(await throughput(bench, side, Math.ceil(EVENTS * scale)));
    }
  }
  return results;
}

module.exports = { playReports };
