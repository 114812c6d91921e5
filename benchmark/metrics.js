// What `getMetrics()` costs on months with few and with many sessions, all written before the class that
// is measured was there, and beside many writers: processes of their own, and entries of former ones.
'use strict';

const MONTHS = [1_000, 300_000, 1_000_000];
const SESSIONS_OF_A_USER = 10 / 7;
const BATCH = 20_000;
const CALLS = 50;
/** It takes seconds, if it answers. */
const REFERENCE_CALLS = 3;
const WRITERS = 16;
const ENTRIES = 10_000;
/** The first call sums up the sessions that were there before. */
const PATIENT = { operationTimeoutMs: 300_000 };

async function playMetrics(bench) {
  const months = [];
  for (const sessions of MONTHS) months.push(await month(bench, sessions));
  return { months, writers: await writers(bench), entries: await entries(bench) };
}

function month(bench, sessions) {
  return bench.withDatabase(async (database) => {
    const users = Math.round(sessions / SESSIONS_OF_A_USER);
    await fill(database.db, sessions, users);
    const reference = { peer: 'reference', measure: 'metrics', calls: REFERENCE_CALLS };
    return {
      ...{ sessions, users },
      reference: bench.reference && (await database.measure(reference)),
      addon: await database.measure(task()),
    };
  });
}

function writers(bench) {
  return bench.withDatabase(async (database) => {
    const leave = await database.accompany(WRITERS - 1);
    const result = await database.measure(task());
    await leave();
    return { processes: WRITERS, ...result };
  });
}

/** As many entries as if so many processes had written on this day. */
function entries(bench) {
  return bench.withDatabase(async (database) => {
    const names = Array.from({ length: ENTRIES }, (_, n) => `w${String(n).padStart(9, '0')}`);
    const book = { w: Object.fromEntries(names.map((name) => [name, 1n])) };
    const day = today();
    await database.db.collection('gsodailies').insertOne({ day, month: day.slice(0, 7), _a: book });
    return database.measure(task());
  });
}

function task() {
  return { peer: 'addon', measure: 'metrics', calls: CALLS, options: PATIENT };
}

/** Sessions on all days of the month so far. */
async function fill(db, sessions, users) {
  const days = Number(today().slice(8));
  const collection = db.collection('gsosessions');
  for (let first = 0; first < sessions; first += BATCH) {
    const count = Math.min(BATCH, sessions - first);
    const made = Array.from({ length: count }, (_, n) => session(first + n, users, days));
    await collection.insertMany(made, { ordered: false, writeConcern: { w: 1 } });
  }
}

function session(n, users, days) {
  const month = today().slice(0, 7);
  const day = `${month}-${String((n % days) + 1).padStart(2, '0')}`;
  const loginAt = new Date(`${day}T00:00:00Z`);
  const durationS = 60 + (n % 600);
  const logoutAt = new Date(loginAt.getTime() + 1000 * durationS);
  return {
    ...{ userId: `old${n % users}`, username: `Old ${n}`, loginAt, logoutAt },
    ...{ durationS, day, month, __v: 0 },
  };
}

function today() {
  return new Date().toISOString().slice(0, 10);
}

module.exports = { playMetrics };
