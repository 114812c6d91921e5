// Leaps of the clock, changes of the daily document by hand, and more records than MongoDB takes.
'use strict';

const { EVENT_TOTALS } = require('../integration/exactness/counted');
const { waitFor } = require('../support/wait');
const { all, conclude, delay, judge, mergeRows, playHarmed, startPair } = require('./play');

const DAY_MS = 86_400_000;
const MIB = 2 ** 20;

/** How far the clock leaps, from what it shows. */
const LEAPS = [
  () => DAY_MS,
  () => -DAY_MS,
  () => -DAY_MS,
  () => DAY_MS,
  // To the last moment of the day; it goes on from there.
  (ms) => DAY_MS - 1 - (ms % DAY_MS),
  (ms) => -(ms % DAY_MS) - 1,
];

async function clockLeaps(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const servers = await startPair(context, database.uri);
  const rounds = context.rounds(LEAPS.length, 5 * LEAPS.length);
  const harm = async (round) => {
    for (const server of servers) {
      await server.tell('leap', LEAPS[round % LEAPS.length](await server.tell('time')));
    }
    await delay(300);
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  return conclude(servers, database, { rounds, recoveryMs });
}

const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 5, turns: 40 };
/** Commands of a server that has nothing to do, at most. */
const IDLE_MS = 1_000;
const IDLE_COMMANDS = 20;

/** Changes of the daily document, and the totals that must hold afterwards. */
const HANDS = {
  'the document is deleted': {
    touch: (days) => days.deleteMany({}),
    base: () => 0,
    warnings: ['day_restored'],
  },
  'its book-keeping is removed': {
    touch: (days) => days.updateMany({}, { $unset: { _a: '' } }),
    base: (before, total) => before[total],
    warnings: ['day_restored'],
  },
  'a counter is made a text': {
    touch: (days) => days.updateMany({}, { $set: { creditsEarned: 'many' } }),
    base: (before, total) => before[total],
    warnings: ['total_left_out'],
    isLeft: (total) => total === 'creditsEarned',
  },
};

async function touchedByHand(context) {
  const rows = [];
  for (const what of Object.keys(HANDS)) rows.push(await touchedAs(context, what));
  return mergeRows(rows);
}

async function touchedAs(context, what) {
  const { touch, base, warnings, isLeft = () => false } = HANDS[what];
  const mongo = await context.standalone();
  const database = mongo.database();
  const commands = { count: 0 };
  const proxy = await context.proxy(mongo);
  const count = ({ command }) => {
    if (command !== 'hello') commands.count += 1;
    return false;
  };
  proxy.rule({ when: count });
  const servers = await startPair(context, proxy.uri(database.name));
  const play = async () => {
    await all(servers, 'play', LOAD);
    await all(servers, 'flush');
  };
  await play();
  const days = database.db.collection('gsodailies');
  const [before] = await days.find().toArray();
  const amountsBefore = await totalsOf(database, before);
  await touch(days);
  await play();
  const begun = commands.count;
  await delay(IDLE_MS);
  const idle = commands.count - begun;
  const accounts = [];
  for (const server of servers) accounts.push(await server.leave());
  const row = await judge(accounts, database, { areTotalsOthers: true, allowed: warnings });
  const [day] = row.days;
  let counterError = 0;
  for (const total of [...EVENT_TOTALS, 'sessionCount']) {
    if (isLeft(total)) continue;
    const added = (await totalsOf(database, day))[total] - amountsBefore[total];
    const expected = base(before, total) + added;
    counterError += Math.abs(day[total] - expected);
    if (day[total] !== expected)
      row.problems.push(`${total}: ${day[total]}, should be ${expected}`);
  }
  if (idle > IDLE_COMMANDS) row.problems.push(`${idle} commands in ${IDLE_MS} ms of rest`);
  const said = accounts.flatMap(({ health }) => Object.keys(health.warnings));
  const missing = warnings.filter((reason) => !said.includes(reason));
  if (missing.length > 0) row.problems.push(`never warned of: ${missing}`);
  const problems = row.problems.map((problem) => `${what}: ${problem}`);
  return { ...row, counterError, problems, note: `${what} (${idle} commands at rest)` };
}

/** What the stored records of the day add up to. */
async function totalsOf(database, { day }) {
  const { amountsOf } = require('../integration/exactness/audit');
  const events = await database.db.collection('gsoevents').find({ day }).toArray();
  const counted = amountsOf(events);
  return { ...counted, sessionCount: await database.count('gsosessions', { day }) };
}

/** Ten times as many records as the proxy lets through. */
async function overloaded(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const limits = { maxQueueBytes: 8 * MIB, maxSpoolBytes: 8 * MIB };
  const servers = await startPair(context, proxy.uri(database.name), { options: limits });
  const rounds = context.rounds(1, 1);
  const load = { turn: { events: 200 }, everyMs: 10 };
  const harm = async () => {
    // Two batches of at most 5 000 records are in flight at once.
    proxy.latencyMs = 5_000;
    await delay(context.chosen(15_000, 60_000));
    proxy.latencyMs = 0;
    const isRefused = async () =>
      (await all(servers, 'account')).every(({ health }) => health.rejected.queue_full > 0);
    await waitFor(isRefused, { what: 'records to be refused' });
    // Until there is room again a new event is refused like any other.
    const isRoomy = async () =>
      (await all(servers, 'account')).every(({ health }) => health.queuedBytes < MIB);
    await all(servers, 'slower', 10);
    await waitFor(isRoomy, { timeoutMs: 60_000, what: 'room', everyMs: 100 });
  };
  const options = { database, rounds, harm, load, compares: true };
  const recoveryMs = await playHarmed(servers, options);
  const row = await conclude(servers, database, { rounds, recoveryMs, isRefused: true, limits });
  const warnings = row.lines.filter((line) => /rejected/i.test(line)).length;
  if (warnings === 0) row.problems.push('no warning was logged');
  return { ...row, note: `bounds of ${limits.maxQueueBytes / MIB} MiB, ${warnings} warnings` };
}

module.exports = {
  26: { name: 'the clock leaps', run: clockLeaps },
  27: { name: 'a daily document is changed by hand', run: touchedByHand },
  31: { name: 'ten times more than MongoDB takes', run: overloaded },
};
