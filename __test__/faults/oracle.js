// Compares a database with what the servers of a row have tracked. The result is numbers for the table and
// lines that say what is wrong.
//
// An account is the report of one server about itself, see writer.js: `name`, `events`, `logins`. For a
// server that died it has `promised: { events, logins }`, the records that must be stored. For a server some
// of whose records were refused it has `accepted`, the number of the others.
'use strict';

const {
  Findings,
  amountsOf,
  checkEvent,
  checkMonths,
  checkSession,
  checkTotals,
} = require('../integration/exactness/audit');
const { shareOf } = require('../integration/exactness/counted');
const { closedOf, eventOf, userOf } = require('./writer');

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Collects differences of numbers. */
class Differences extends Findings {
  error = 0;
  /** No number is higher than it should be. */
  areBehind = true;

  equal(actual, expected, what) {
    super.equal(actual, expected, what);
    if (Object.is(actual, expected)) return;
    const off = (actual ?? 0) - (expected ?? 0);
    this.error += Number.isFinite(off) ? Math.abs(off) : 0;
    if (off > 0) this.areBehind = false;
  }
}

/** The marks of one kind that must be stored, and those that may be. */
class Marks {
  stored = new Map();

  constructor(accounts, count) {
    this.possible = new Map(accounts.map((account) => [account.name, count(account)]));
    this.promised = new Map(
      accounts.map((account) => {
        if (account.accepted !== undefined) return [account.name, 0];
        return [account.name, count(account.promised ?? account)];
      }),
    );
  }

  /** False for a mark that nobody has issued. */
  see(mark, name, number) {
    this.stored.set(mark, (this.stored.get(mark) ?? 0) + 1);
    return number < (this.possible.get(name) ?? 0);
  }

  /** What was promised and is not there. */
  get lost() {
    const lost = [];
    for (const [name, count] of this.promised) {
      for (let i = 0; i < count; i++) {
        if (!this.stored.has(`${name}:${i}`)) lost.push(`${name}:${i}`);
      }
    }
    return lost;
  }

  get duplicated() {
    return sum([...this.stored.values()].map((times) => times - 1));
  }
}

function partsOf(mark) {
  const [name, number, time] = String(mark).split(':');
  return { name, number: Number(number), time: Number(time) };
}

async function readEvents(db, differences, marks) {
  const amounts = new Map();
  let count = 0;
  for await (const event of db.collection('gsoevents').find({ 'data.mark': { $ne: null } })) {
    count += 1;
    const { mark } = event.data;
    const { name, number } = partsOf(mark);
    if (!marks.see(mark, name, number)) differences.equal(mark, undefined, 'event of nobody');
    checkPayload(differences, event, mark);
    addAmount(amounts, event);
  }
  return { count, amounts };
}

/** I4: a stored document is the one that its mark stands for. */
function checkPayload(differences, stored, mark) {
  const { event, userId, data } = eventOf(mark);
  checkEvent(differences, stored);
  const { copy, ...rest } = stored.data;
  const actual = JSON.stringify([stored.event, stored.userId, rest]);
  differences.equal(actual, JSON.stringify([event, userId, data]), `event ${mark}`);
}

function addAmount(amounts, { event, day, data }) {
  const share = shareOf(event, data);
  if (!share) return;
  if (!amounts.has(day)) amounts.set(day, amountsOf([]));
  amounts.get(day)[share.total] += share.amount;
}

function checkSessions(differences, sessions, marks, closes) {
  for (const session of sessions) {
    const { name, number, time } = partsOf(session.username);
    const mark = `${name}:${number}`;
    if (!marks.see(mark, name, number)) differences.equal(mark, undefined, 'session of nobody');
    const closed = session.logoutAt?.getTime() ?? null;
    checkSession(differences, session, [userOf(name, number), time, closed]);
    if (closed !== null) closes.see(mark, name, number);
  }
}

/**
 * Audits the accounts: `{ accepted, stored, lost, duplicated, counterError, problems }`. With `mayLag`,
 * totals may be lower by that much in sum, as after a crash without a spool. With `areTotalsOthers`, a row
 * has changed the totals and checks them itself.
 */
async function verify(db, accounts, { mayLag = 0, areTotalsOthers = false } = {}) {
  const differences = new Differences();
  const counters = new Differences();
  const events = new Marks(accounts, (one) => one.events);
  const logins = new Marks(accounts, (one) => one.logins);
  const closes = new Marks(accounts, (one) => closedOf(one.logins));
  const { count, amounts } = await readEvents(db, differences, events);
  const sessions = await db.collection('gsosessions').find().toArray();
  checkSessions(differences, sessions, logins, closes);
  const days = await db.collection('gsodailies').find().toArray();
  const bases = await db.collection('gsouniques').find({ '_id.p': 'base' }).toArray();
  checkTotals(counters, { amounts, sessions, days });
  checkMonths(counters, { sessions, days, bases });

  const lost = [...events.lost, ...logins.lost, ...closes.lost.map((mark) => `logout ${mark}`)];
  const kinds = [events, logins];
  const result = {
    accepted: sum(accounts.map(acceptedOf)),
    stored: count + sessions.length + closes.stored.size,
    lost: lost.length,
    duplicated: sum(kinds.map(({ duplicated }) => duplicated)),
    counterError: counters.error,
    problems: [...differences.lines],
  };
  result.problems.push(...refusalProblems(accounts, result.stored));
  if (lost.length > 0) result.problems.push(`lost: ${lost.slice(0, 8).join(', ')}`);
  if (result.duplicated > 0) result.problems.push(`${result.duplicated} stored twice`);
  const isWithin = mayLag > 0 && counters.areBehind && counters.error <= mayLag;
  if (areTotalsOthers) return { ...result, counterError: undefined, amounts, sessions, days };
  if (!isWithin) result.problems.push(...counters.lines);
  return result;
}

/** Records that are known to be accepted: events, logins and logouts. */
function acceptedOf(account) {
  if (account.accepted !== undefined) return account.accepted;
  const { events, logins } = account.promised ?? account;
  return events + logins + closedOf(logins);
}

/** A server some of whose records were refused has stored as many as were accepted. */
function refusalProblems(accounts, stored) {
  if (accounts.every(({ accepted }) => accepted === undefined)) return [];
  const accepted = sum(accounts.map(acceptedOf));
  return stored === accepted ? [] : [`stored: ${stored}, should be ${accepted}`];
}

module.exports = { verify };
