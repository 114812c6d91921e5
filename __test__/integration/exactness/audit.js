// Compares a database with what its writers report to have tracked. Whole numbers are compared exactly;
// every difference is a line of the error.
//
// I1  every record that was accepted is stored as it was; events copy their fields to `data.copy`
// I2  no record is stored twice, and none that was not tracked
// I3  every total of every day equals the sum over the stored events and sessions of the day, and the sums
//     of every month equal those of its sessions; also for sessions stored before, see old-days.js
// I4  getMetrics() of a fresh process is right
//
// An account is the report of one writer, see player.js: `name`; `events`, the number of its events, whose
// marks are `<name>:0` and so on; `amounts`, by day what they add to each total; `sessions`, each as
// `[userId, loginMs, logoutMs or null]`, whose usernames are `<name>:0` and so on; and, of a writer that was
// stopped, `calls` and `health`.
'use strict';

const assert = require('node:assert');
const { EVENT_TOTALS, shareOf } = require('./counted');

const MOST_LINES = 60;
const DATE = 'YYYY-MM-DD'.length;
const MONTH = 'YYYY-MM'.length;

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
const dayOf = (time) => new Date(time).toISOString().slice(0, DATE);
/** A session never lasts less than 0 s. */
const secondsBetween = (from, to) => Math.max(0, Math.round((to - from) / 1000));

/** Documents by their key. */
function grouped(documents, keyOf) {
  const byKey = new Map();
  for (const document of documents) {
    const key = keyOf(document);
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(document);
  }
  return byKey;
}

/** The differences found so far. */
class Findings {
  lines = [];

  equal(actual, expected, what) {
    if (Object.is(actual, expected)) return;
    this.lines.push(`${what}: ${shown(actual)}, should be ${shown(expected)}`);
  }

  assertNone() {
    if (this.lines.length === 0) return;
    const more = this.lines.length - MOST_LINES;
    const lines = this.lines.slice(0, MOST_LINES);
    if (more > 0) lines.push(`and ${more} more`);
    assert.fail(`the database is not exact:\n  ${lines.join('\n  ')}`);
  }
}

function shown(value) {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

async function read(db) {
  const all = (name) => db.collection(name).find().sort({ _id: 1 }).toArray();
  const [events, sessions, days, uniques] = await Promise.all(
    ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques'].map(all),
  );
  return { events, sessions, days, bases: uniques.filter(({ _id }) => _id.p === 'base') };
}

/** I1 and I2 of documents with marks: the expected ones, each once, and no others. */
function checkMarks(findings, { what, stored, expected }) {
  for (const [mark, documents] of stored) {
    if (!expected.has(mark)) findings.equal(mark, undefined, `${what} that nobody tracked`);
    else findings.equal(documents.length, 1, `${what} ${mark}, times stored`);
  }
  for (const mark of expected) {
    if (!stored.has(mark)) findings.equal(undefined, 'stored', `${what} ${mark}`);
  }
}

function checkEvents(findings, { events }, accounts) {
  const marks = accounts.flatMap(({ name, events: count }) =>
    Array.from({ length: count }, (_, i) => `${name}:${i}`),
  );
  const stored = grouped(events, ({ data }) => data?.mark);
  checkMarks(findings, { what: 'event', stored, expected: new Set(marks) });
  for (const event of events) checkEvent(findings, event);
  const told = accounts.map(({ amounts }) => amounts);
  for (const day of new Set([...told.flatMap(Object.keys), ...events.map((event) => event.day)])) {
    const amounts = amountsOf(events.filter((event) => event.day === day));
    for (const total of EVENT_TOTALS) {
      const expected = sum(told.map((one) => one[day]?.[total] ?? 0));
      findings.equal(amounts[total], expected, `${day}: ${total} of the stored events`);
    }
  }
}

/** The data of an event holds a copy of its fields as they were tracked. */
function checkEvent(findings, { event, userId, ts, day, data }) {
  const copy = data?.copy ?? {};
  const at = copy.ts?.getTime();
  const expected = { event: copy.event, userId: copy.userId, ts: at, day: at && dayOf(at) };
  for (const [field, actual] of Object.entries({ event, userId, ts: ts.getTime(), day })) {
    findings.equal(actual, expected[field], `${field} of event ${data?.mark}`);
  }
}

/** What these events add to each total. */
function amountsOf(events) {
  const amounts = Object.fromEntries(EVENT_TOTALS.map((total) => [total, 0]));
  for (const { event, data } of events) {
    const share = shareOf(event, data);
    if (share) amounts[share.total] += share.amount;
  }
  return amounts;
}

function checkSessions(findings, { sessions }, accounts) {
  const told = new Map(
    accounts.flatMap(({ name, sessions: own }) =>
      own.map((session, i) => [`${name}:${i}`, session]),
    ),
  );
  const stored = grouped(sessions, ({ username }) => username);
  checkMarks(findings, { what: 'session', stored, expected: new Set(told.keys()) });
  for (const session of sessions) {
    const expected = told.get(session.username);
    if (expected) checkSession(findings, session, expected);
  }
}

function checkSession(findings, session, [userId, loginMs, logoutMs]) {
  const expected = {
    userId,
    loginAt: loginMs,
    logoutAt: logoutMs,
    durationS: logoutMs === null ? 0 : secondsBetween(loginMs, logoutMs),
    day: dayOf(loginMs),
    month: dayOf(loginMs).slice(0, MONTH),
  };
  for (const [field, value] of Object.entries(expected)) {
    const actual = session[field] instanceof Date ? session[field].getTime() : session[field];
    // A clock that goes back by less than half a second makes a duration of -0.
    findings.equal(
      actual === 0 ? 0 : actual,
      value === 0 ? 0 : value,
      `${field} of session ${session.username}`,
    );
  }
}

/** What a day's document must hold, from what its events add and from its sessions. */
function totalsOf(amounts, sessions) {
  return {
    ...amounts,
    sessionCount: sessions.length,
    totalSessionS: sum(sessions.map(({ durationS }) => durationS)) + 0,
    dau: distinctUsers(sessions),
  };
}

function distinctUsers(sessions) {
  return new Set(sessions.map(({ userId }) => userId)).size;
}

function checkDays(findings, { events, sessions, days }) {
  const counted = events.filter(({ event, data }) => shareOf(event, data));
  const amounts = new Map();
  for (const [day, own] of grouped(counted, (event) => event.day)) {
    amounts.set(day, amountsOf(own));
  }
  checkTotals(findings, { amounts, sessions, days });
}

/** I3 of the days; `amounts`: by day, what its counted events add to each total. */
function checkTotals(findings, { amounts, sessions, days }) {
  const sessionsOf = grouped(sessions, ({ day }) => day);
  const stored = grouped(days, ({ day }) => day);
  const expected = new Set([...amounts.keys(), ...sessionsOf.keys()]);
  checkMarks(findings, { what: 'daily document', stored, expected });
  for (const document of days) {
    const { day } = document;
    findings.equal(document.month, day.slice(0, MONTH), `${day}: month`);
    const totals = totalsOf(amounts.get(day) ?? amountsOf([]), sessionsOf.get(day) ?? []);
    for (const [total, value] of Object.entries(totals)) {
      findings.equal(document[total], value, `${day}: ${total}`);
    }
  }
}

const timed = (sessions) => sessions.map(({ durationS }) => durationS).filter((s) => s > 0);

/**
 * The sums behind `mau` and the mean session, which is shown in whole minutes: those of the days, and the
 * baselines for sessions that were stored before.
 */
function checkMonths(findings, { sessions, days, bases }) {
  const sums = (documents, name) => sum(documents.map((document) => document?.[name] ?? 0));
  const daysOf = grouped(days, ({ month }) => month);
  const basesOf = grouped(bases, ({ _id }) => _id.d.slice(0, MONTH));
  for (const { _id, state } of bases) findings.equal(state, 'done', `base of ${_id.d}`);
  for (const [month, own] of grouped(sessions, (session) => session.month)) {
    const books = (daysOf.get(month) ?? []).map(({ _a }) => _a);
    const before = basesOf.get(month) ?? [];
    const users = sums(books, 'mau') + sums(before, 'mau');
    const seconds = sums(books, 'sessionSeconds') + sums(before, 'seconds');
    const closed = sums(books, 'sessionsClosed') + sums(before, 'closed');
    findings.equal(users, distinctUsers(own), `${month}: sum of mau`);
    findings.equal(seconds, sum(timed(own)), `${month}: sum of sessionSeconds`);
    findings.equal(closed, timed(own).length, `${month}: sum of sessionsClosed`);
  }
}

function checkMetrics(findings, { sessions, days }, metrics) {
  for (const [day, { today, dau, mau, avgSessionMin, activeSessions }] of Object.entries(metrics)) {
    const ofMonth = sessions.filter(({ month }) => month === day.slice(0, MONTH));
    const seconds = timed(ofMonth);
    const mean = seconds.length > 0 ? sum(seconds) / seconds.length : 0;
    const what = `getMetrics() on ${day}:`;
    findings.equal(dau, distinctUsers(sessions.filter((one) => one.day === day)), `${what} dau`);
    findings.equal(mau, distinctUsers(ofMonth), `${what} mau`);
    findings.equal(avgSessionMin, Math.round(mean / 60), `${what} avgSessionMin`);
    findings.equal(activeSessions, 0, `${what} activeSessions`);
    const { _a, _id, ...stored } = days.find((one) => one.day === day) ?? {};
    for (const [name, value] of Object.entries(stored)) {
      findings.equal(today[name], value, `${what} today.${name}`);
    }
  }
}

/** A writer that was stopped reports that every accepted record is written. */
function checkHealth(findings, { name, calls, health }) {
  const expected = { accepted: calls, written: calls, queued: 0, queuedBytes: 0 };
  for (const [what, value] of Object.entries(expected)) {
    findings.equal(health[what], value, `${name}: ${what}`);
  }
  for (const what of ['dropped', 'rejected', 'warnings']) {
    findings.equal(JSON.stringify(health[what]), '{}', `${name}: ${what}`);
  }
}

/**
 * Asserts I1 to I3 of `db` for the writers' accounts, and I4 if there are `metrics`: by day, what
 * getMetrics() returned in a fresh process whose clock stood on that day. Answers figures of what is stored.
 */
async function audit(db, accounts, { metrics = {} } = {}) {
  const stored = await read(db);
  const findings = new Findings();
  checkEvents(findings, stored, accounts);
  checkSessions(findings, stored, accounts);
  checkDays(findings, stored);
  checkMonths(findings, stored);
  checkMetrics(findings, stored, metrics);
  for (const account of accounts.filter(({ health }) => health)) checkHealth(findings, account);
  findings.assertNone();
  return figures(stored);
}

function figures({ events, sessions, days }) {
  return {
    events: events.length,
    sessions: sessions.length,
    closed: sessions.filter(({ logoutAt }) => logoutAt !== null).length,
    users: distinctUsers(sessions),
    days: Object.fromEntries(days.map(({ day, dau }) => [day, dau])),
  };
}

module.exports = { Findings, amountsOf, audit, checkEvent, checkMonths, checkSession, checkTotals };
