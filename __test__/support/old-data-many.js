// Old data in bulk: a month of sessions and events as the mongoose-based class stores them, made by the
// server itself, so that a million takes seconds. Every number of it is known beforehand.
'use strict';

const { ObjectId } = require('./driver');

/** Sessions that begin within the same minute, at most. */
const SEED_MINUTES = 1_440;
/** Seconds that a closed session lasts; the one after the last stays open. */
const DURATIONS = [0, 60, 600, 1_234, 7_200];
const INDEXES = [{ userId: 1 }, { day: 1 }, { month: 1 }, { day: 1, userId: 1 }];
/** Coprime to any number of users up to a billion that is not a multiple of it. */
const STRIDE = 1_000_003;

const two = (number) => String(number).padStart(2, '0');
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/**
 * `sessions` of `users` on the days of `month` from the 1st to `lastDay`, the same number each day
 * but for a rest on the last one; each user has one session before any has two. With the first of them
 * come as many `events`, of a kind that is not counted. Answers
 * `{ days, sessions, users, closed, seconds, avgSessionMin, userOf(n) }`.
 */
async function makeManySessions(db, { month, lastDay, sessions, users, events, indexes = true }) {
  const days = Array.from({ length: lastDay }, (_, i) => `${month}-${two(i + 1)}`);
  const perDay = Math.floor(sessions / lastDay);
  const shares = days.map((_, i) => (i < lastDay - 1 ? perDay : sessions - perDay * (lastDay - 1)));
  const seeds = days.flatMap((day, i) => minutesOf(day, i * perDay, shares[i]));
  const seedCollection = db.collection('seeds_of_sessions');
  await seedCollection.insertMany(seeds);
  await seedCollection.aggregate(sessionsOf(month, users)).toArray();
  await seedCollection.drop();
  const target = db.collection('gsosessions');
  if (events) await target.aggregate(eventsOf(events)).toArray();
  if (indexes) await target.createIndexes(INDEXES.map((key) => ({ key })));
  await db.collection('gsodailies').createIndex({ day: 1 }, { unique: true });
  await db.collection('gsodailies').createIndex({ month: 1 });
  await db
    .collection('gsodailies')
    .insertMany(days.map((day, i) => dailyOf(day, i, shares, users)));
  return { days, ...figuresOf(sessions, users) };
}

/** One document per minute: the first number of its sessions, and how many there are. */
function minutesOf(day, first, count) {
  const perMinute = Math.ceil(count / SEED_MINUTES);
  const seeds = [];
  for (let done = 0; done < count; done += perMinute) {
    const at = new Date(Date.parse(`${day}T00:00:00Z`) + (done / perMinute) * 60_000);
    const hex = Math.floor(at / 1_000)
      .toString(16)
      .padStart(8, '0');
    seeds.push({ day, at, hex, first: first + done, count: Math.min(perMinute, count - done) });
  }
  return seeds;
}

/** The pipeline that makes documents of the minutes, in the field order of the class. */
function sessionsOf(month, users) {
  const seconds = { $arrayElemAt: [DURATIONS, { $mod: ['$n', DURATIONS.length + 1] }] };
  const isOpen = { $eq: [{ $mod: ['$n', DURATIONS.length + 1] }, DURATIONS.length] };
  const digits = { $substrBytes: [{ $toString: { $add: ['$n', { $toLong: 10 ** 15 }] } }, 0, 16] };
  const user = { $toString: { $mod: [{ $multiply: ['$n', { $toLong: STRIDE }] }, users] } };
  return [
    {
      $project: {
        day: 1,
        at: 1,
        hex: 1,
        n: { $range: ['$first', { $add: ['$first', '$count'] }] },
      },
    },
    { $unwind: '$n' },
    {
      $project: {
        _id: { $toObjectId: { $concat: ['$hex', digits] } },
        userId: { $concat: ['player-', user] },
        username: { $concat: ['Player ', user] },
        loginAt: '$at',
        logoutAt: {
          $cond: [
            isOpen,
            null,
            { $add: ['$at', { $multiply: [{ $ifNull: [seconds, 0] }, 1_000] }] },
          ],
        },
        durationS: { $ifNull: [seconds, 0] },
        day: '$day',
        month: { $literal: month },
        __v: { $literal: 0 },
      },
    },
    { $out: 'gsosessions' },
  ];
}

/** The same for events, at the beginning of their sessions. */
function eventsOf(count) {
  const names = { userId: '$userId', event: { $literal: 'shop.opened' } };
  const rest = { data: { level: { $literal: 7 } }, day: '$day', ts: '$loginAt', __v: '$__v' };
  return [
    { $sort: { _id: 1 } },
    { $limit: count },
    { $project: { ...names, ...rest } },
    { $out: 'gsoevents' },
  ];
}

function dailyOf(day, index, shares, users) {
  const first = sum(shares.slice(0, index));
  const numbers = { count: shares[index], seconds: secondsOf(first, shares[index]) };
  return {
    ...{ _id: new ObjectId(), day, __v: 0, craftsCompleted: 0, creditsEarned: 0, creditsSpent: 0 },
    ...{ dau: Math.min(numbers.count, users), dungeonsRun: 0, gemsEarned: 0, gemsPurchased: 0 },
    ...{ gemsSpent: 0, marketSales: 0, month: day.slice(0, 7), newUsers: 0, pvpBattles: 0 },
    ...{ raidBattles: 0, sessionCount: numbers.count, stripeRevenue: 0 },
    totalSessionS: numbers.seconds,
  };
}

/** How many of the numbers from `first` on leave `rest` when divided by the length of the cycle. */
function countOf(rest, first, count) {
  const cycle = DURATIONS.length + 1;
  const upTo = (end) => Math.floor((end - rest + cycle - 1) / cycle);
  return upTo(first + count) - upTo(first);
}

function secondsOf(first, count) {
  return sum(DURATIONS.map((seconds, rest) => seconds * countOf(rest, first, count)));
}

function figuresOf(sessions, users) {
  const timed = DURATIONS.map((seconds, rest) => (seconds > 0 ? countOf(rest, 0, sessions) : 0));
  const closed = sum(timed);
  const seconds = secondsOf(0, sessions);
  return {
    ...{ sessions, users: Math.min(sessions, users), closed, seconds },
    avgSessionMin: Math.round(seconds / closed / 60),
    /** The user of a session by its number. */
    userOf: (n) => `player-${(BigInt(n) * BigInt(STRIDE)) % BigInt(users)}`,
  };
}

module.exports = { makeManySessions };
