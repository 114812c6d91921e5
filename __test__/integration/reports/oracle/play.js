// One random database: it is filled behind the addon's back, reported by one or several instances, asked,
// and compared with what the oracle makes of the raw documents.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const AnalyticsSystem = require('../../../..');
const { keepingLogger } = require('../../../support/game-server/orders');
const { generator } = require('../../../support/random');
const { waitFor } = require('../../../support/wait');
const { DAY_MS, dayOf, isDay, plus, startOf } = require('./calendar');
const { described, differences } = require('./compare');
const { generate } = require('./generate');
const { Answers } = require('./recompute');
const { WHEN_ANSWERED } = require('./tolerances');

/** Days whose reports settle: another run point comes for them. */
const SETTLING_DAYS = 6;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const BREAK_EVERY_MS = 20;
const FUNNELS = [
  { steps: ['gems.earn', 'gems.spend', 'gems.earn', 'gems.spend'], windowS: 432_000 },
  { steps: ['gems.spend', '__proto__', 'gems.earn'], windowS: 86_400 },
  { steps: ['gems.earn', 'gems.earn'], windowS: 1 },
];
const FIRST_RUN_MS = DAY_MS + 15 * MINUTE_MS;

/** Plays a seed; answers with the differences as text, the smallest first. */
async function play(seed, database) {
  const { batches, options, ttlDays } = generate(seed, await serverMs(database));
  await createIndexes(database, ttlDays);
  const lines = [];
  for (const [index, batch] of batches.entries()) {
    await insert(database, batch);
    await passRunPoint(database);
    if (batch.isAhead) await setClockBack(database);
    // Runs that do not know of each other may go on after the last answer.
    const isLast = index === batches.length - 1;
    const found = await round(database, { options, ttlDays, seed: seed + index, isLast });
    lines.push(...found.map((line) => `run ${index + 1}: ${line}`));
  }
  return lines;
}

async function serverMs({ db }) {
  const { localTime } = await db.command({ hello: 1 });
  return localTime.getTime();
}

/** As this package makes them, but for the time after which events are deleted. */
async function createIndexes({ db }, ttlDays) {
  await db.collection('gsosessions').createIndex({ day: 1 });
  await db.collection('gsosessions').createIndex({ day: 1, userId: 1 });
  const expireAfterSeconds = ttlDays * 86_400;
  await db.collection('gsoevents').createIndex({ ts: 1 }, { expireAfterSeconds });
}

async function insert({ db }, batch) {
  const { sessions, lateSessions = [], lateDays = [], samples = [], purchases = [] } = batch;
  for (const [name, documents] of Object.entries({
    gsosessions: [...sessions, ...lateSessions],
    gsoevents: batch.events,
    gsodailies: batch.days,
    gsopurchases: purchases,
    gsoreports: samples,
  })) {
    if (documents.length > 0) await db.collection(name).insertMany(documents);
  }
  for (const day of lateDays) {
    const late = { $currentDate: { at: true } };
    await db.collection('gsoreports').updateOne({ _id: `late:${day}` }, late, { upsert: true });
  }
}

/** Makes the reports that settle as old as if the next run point had come since. */
async function passRunPoint(database) {
  const nowMs = await serverMs(database);
  for (let ago = 0; ago <= SETTLING_DAYS; ago += 1) {
    const day = plus(dayOf(nowMs), -ago);
    const asOf = new Date(Math.min(startOf(day) + FIRST_RUN_MS, nowMs) - 5 * MINUTE_MS);
    const report = database.db.collection('gsoreports');
    await report.updateOne({ _id: `d:${day}` }, { $set: { asOf, tookMs: 0 } });
  }
}

/** Makes every report one of a server whose clock was an hour ahead, and says that its owner has the lease. */
async function setClockBack(database) {
  const reports = database.db.collection('gsoreports');
  const asOf = new Date((await serverMs(database)) + HOUR_MS);
  await reports.updateMany({ _id: /^d:/ }, { $set: { asOf, 'users.dau': 999 } });
  const lease = { owner: 'another', until: asOf };
  await reports.updateOne({ _id: 'lease' }, { $set: lease }, { upsert: true });
}

/** Reports what is due, and compares. */
async function round(database, { options, ttlDays, seed, isLast }) {
  const random = generator(seed);
  const nowMs = await serverMs(database);
  const count = random() < 0.5 ? 1 : 2;
  const runners = Array.from({ length: count }, () => runner(database, options));
  const stopBreaking = isLast && random() < 0.5 ? breakLease(database) : () => {};
  try {
    await reported(database, { options, ttlDays, nowMs });
    await stopBreaking();
    return await compare(database, { analytics: runners[0].analytics, options, ttlDays, nowMs });
  } finally {
    await stopBreaking();
    await Promise.all(runners.map(({ analytics }) => analytics.stop()));
  }
}

function runner({ uri }, options) {
  const { logger, lines } = keepingLogger();
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value));
  const always = { logger, presence: 'off', operationTimeoutMs: 60_000 };
  const analytics = new AnalyticsSystem({ uri, ...always, ...given });
  analytics.start();
  return { analytics, lines };
}

/** Takes the lease away again and again, so that all runners run at once. */
function breakLease({ db }) {
  let isOver = false;
  const over = (async () => {
    while (!isOver) {
      await db.collection('gsoreports').deleteOne({ _id: 'lease' });
      await delay(BREAK_EVERY_MS);
    }
  })();
  return () => {
    isOver = true;
    return over;
  };
}

/** Resolves when every day is reported that a run point has reached. */
async function reported(database, { options, ttlDays, nowMs }) {
  const { reported: days } = new Answers(
    { ...(await stored(database)), options, ttlDays },
    new Map(),
    nowMs,
  );
  const due = [...days].filter((day) => nowMs >= startOf(day) + FIRST_RUN_MS);
  const settling = plus(dayOf(nowMs), -SETTLING_DAYS);
  await waitFor(
    async () => {
      const late = await lateDays(database);
      const asOf = await asOfs(database);
      const isMade = (day) => {
        const made = asOf.get(day);
        const since = day < settling ? changedAt(day, late) : nowMs;
        return made >= since && made < nowMs + HOUR_MS / 2;
      };
      const missing = due.filter((day) => !isMade(day));
      if (missing.length > 0) throw new Error(`none of ${missing.join(', ')}`);
      return true;
    },
    { what: 'a report of each day', timeoutMs: 120_000, everyMs: 200 },
  );
}

function lateDays({ db }) {
  return db
    .collection('gsoreports')
    .find({ _id: /^late:/ })
    .toArray();
}

/** When late sessions made the report of a day an old one. */
function changedAt(day, late) {
  const times = late.map(({ _id, at = 0, lowered = 0 }) => {
    const first = _id.slice('late:'.length);
    if (day < first) return 0;
    return Math.max(day < plus(first, 30) ? at : 0, lowered);
  });
  return Math.max(0, ...times);
}

async function stored({ db }) {
  const all = (name, filter = {}) => db.collection(name).find(filter).toArray();
  const [sessions, events, days, purchases, samples] = await Promise.all([
    ...['gsosessions', 'gsoevents', 'gsodailies', 'gsopurchases'].map((name) => all(name)),
    all('gsoreports', { _id: /^p:/ }),
  ]);
  return { sessions, events, days, purchases, samples };
}

async function asOfs({ db }) {
  const reports = await db
    .collection('gsoreports')
    .find({ _id: /^d:/ }, { projection: { asOf: 1 } })
    .toArray();
  return new Map(reports.map(({ _id, asOf }) => [_id.slice(2), asOf]));
}

async function compare(database, { analytics, options, ttlDays, nowMs }) {
  const questions = questionsOf(await stored(database), nowMs);
  const found = [];
  const before = await asOfs(database);
  for (const [method, ...given] of questions) found.push(await analytics[method](...given));
  const raw = await stored(database);
  const asOf = eitherOf(before, await asOfs(database));
  const expected = new Answers({ ...raw, options, ttlDays }, asOf, nowMs);
  const lines = questions.flatMap(([method, ...given], index) => {
    const all = differences(expected[method](...given), found[index]);
    return described(all).map(
      (line) => `${method}(${given.map((one) => JSON.stringify(one)).join(', ')}) ${line}`,
    );
  });
  const kept = await comparePlayers(database, expected);
  return [...lines, ...(await compareReports(database, expected)), ...kept].toSorted(
    (one, other) => one.length - other.length,
  );
}

/** Another runner may have made a report again while questions were asked. */
function eitherOf(before, after) {
  const isSame = (day, asOf) => before.get(day)?.getTime() === asOf.getTime();
  return new Map([...after].map(([day, asOf]) => [day, isSame(day, asOf) ? asOf : WHEN_ANSWERED]));
}

/** Every method, over the days that have something and over few. */
function questionsOf({ sessions }, nowMs) {
  const today = dayOf(nowMs);
  const old = sessions.map(({ day }) => day).find((day) => isDay(day) && day < plus(today, -50));
  const ranges = old ? [{ days: 50, to: plus(old, 35) }] : [];
  return [
    ...[{ days: 50 }, { days: 3, to: plus(today, 1) }, ...ranges].flatMap((range) => [
      ['getActivity', range],
      ['getSessionLengths', range],
    ]),
    ...FUNNELS.map((funnel) => ['getFunnel', funnel, { days: 6 }]),
    ...[{ days: 50 }, { days: 3, to: plus(today, 1), currency: 'EUR' }, ...ranges].map((range) => [
      'getRevenue',
      range,
    ]),
    ...[1, 2, 3, 30].map((ago) => ['getConcurrency', { day: plus(today, -ago) }]),
    ['getRetention', { cohorts: 50, days: [1, 2, 3, 7, 14, 30] }],
    ...[{ days: 10 }, { days: 1, to: plus(today, -1), limit: 3 }].flatMap((range) => [
      ['getEconomy', range],
      ['getTopEvents', range],
    ]),
  ];
}

/** The reports themselves, as far as they do not say when and how they were made. */
async function compareReports({ db }, expected) {
  const reports = await db.collection('gsoreports').find({ _id: /^d:/ }).toArray();
  const missing = [...expected.reported].filter(
    (day) => !reports.some(({ _id }) => _id === `d:${day}`),
  );
  const lines = missing.map((day) => `no report of ${day}`);
  for (const { _id, v, runs, asOf, tookMs, options, ...report } of reports) {
    const all = differences(expected.world.report(_id.slice(2), asOf.getTime()), report);
    lines.push(...described(all).map((line) => `report ${_id.slice(2)} ${line}`));
  }
  return lines;
}

async function comparePlayers({ db }, expected) {
  const players = await db.collection('gsoplayers').find().toArray();
  const found = Object.fromEntries(players.map(({ _id, f }) => [`user ${_id}`, f]));
  const seen = [...expected.world.firstDays].filter(([, day]) => day <= expected.today);
  const wanted = Object.fromEntries(seen.map(([userId, day]) => [`user ${userId}`, day]));
  return described(differences(wanted, found)).map((line) => `first days: ${line}`);
}

module.exports = { compare, insert, passRunPoint, play, reported, runner, serverMs };
