// Totals are added to, never overwritten: over restarts, over processes, and in databases of the
// mongoose-based class.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { ObjectId } = require('../../support/driver');
const { runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** A day of one process; its clock shows `given.now`, if that is given. */
async function playDay(given, report) {
  const clock = given.now && require('./__test__/support/clock').installClock(given.now);
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
  analytics.start();
  const before = given.readFirst && [await analytics.getMetrics(), await analytics.getLast30Days()];
  for (const user of given.users) await analytics.onLogin(user, `name of ${user}`);
  for (let i = 0; i < given.tracks; i++) {
    analytics.track(
      i % 2 ? 'credits.earn' : 'dungeon.complete',
      given.users[i % given.users.length],
      {
        amount: i + 0.25,
      },
    );
    if (i % 20 === 0) await new Promise(setImmediate);
  }
  clock?.advance(given.playMs ?? 0);
  for (const user of given.leaving ?? []) await analytics.onLogout(user);
  report({ before, metrics: await analytics.getMetrics(), days: await analytics.getLast30Days() });
  await analytics.stop();
}

async function play(database, given) {
  const { result } = await runProgram(playDay, { given: { uri: database.uri, ...given } });
  return result;
}

const users = (from, count) => Array.from({ length: count }, (_, i) => `user${from + i}`);

/** Every total of the one day equals what the stored events and sessions add up to. */
async function assertAddsUp(database) {
  const [events, sessions, days] = await Promise.all([
    database.events(),
    database.sessions(),
    database.days(),
  ]);
  assert.strictEqual(days.length, 1);
  const [day] = days;
  const of = (name) => events.filter(({ event }) => event === name);
  assert.strictEqual(day.dungeonsRun, of('dungeon.complete').length);
  assert.strictEqual(day.creditsEarned, sum(of('credits.earn').map(({ data }) => data.amount)));
  assert.strictEqual(day.sessionCount, sessions.length);
  assert.strictEqual(day.totalSessionS, sum(sessions.map(({ durationS }) => durationS)));
  const distinct = new Set(sessions.map(({ userId }) => userId)).size;
  assert.strictEqual(day.dau, distinct);
  return { events: events.length, sessions: sessions.length, distinct };
}

const NOON = '2031-05-17T12:00:00.000Z';

describe('a day', { concurrency: true }, () => {
  it('keeps its totals over restarts', async () => {
    const database = mongo.database();
    for (let run = 0; run < 3; run++) {
      await play(database, {
        ...{ now: NOON, users: users(run * 5, 10), tracks: 40 },
        ...{ leaving: users(run * 5, 3), playMs: 61_000 },
      });
    }
    assert.deepStrictEqual(await assertAddsUp(database), {
      events: 120,
      sessions: 30,
      distinct: 20,
    });
    assert.strictEqual((await database.days())[0].totalSessionS, 9 * 61);
  });

  it('adds up over four processes at once with the same users', async () => {
    const database = mongo.database();
    const runs = [0, 1, 2, 3].map((number) =>
      play(database, { now: NOON, users: users(number * 10, 20), tracks: 200, playMs: 5_000 }),
    );
    await Promise.all(runs);
    assert.deepStrictEqual(await assertAddsUp(database), {
      events: 800,
      sessions: 80,
      distinct: 50,
    });
    const { metrics } = await play(database, { now: NOON, users: [], tracks: 0 });
    assert.deepStrictEqual([metrics.dau, metrics.mau], [50, 50]);
  });
});

/** Documents as the mongoose-based class writes them. */
let made = 0;
function oldSession(at, userId, durationS = 0, isOpen = durationS === 0) {
  const loginAt = new Date(at);
  const seconds = Math.floor(loginAt / 1000)
    .toString(16)
    .padStart(8, '0');
  return {
    _id: new ObjectId(`${seconds}abcdefabcd${(made++).toString(16).padStart(6, '0')}`),
    ...{ userId, username: `name of ${userId}`, loginAt },
    logoutAt: isOpen ? null : new Date(loginAt.getTime() + durationS * 1000),
    ...{ durationS, day: at.slice(0, 10), month: at.slice(0, 7), __v: 0 },
  };
}

function oldDay(day, counters) {
  const zeros = {
    ...{ craftsCompleted: 0, creditsEarned: 0, creditsSpent: 0, dau: 0, dungeonsRun: 0 },
    ...{ gemsEarned: 0, gemsPurchased: 0, gemsSpent: 0, marketSales: 0, month: day.slice(0, 7) },
    ...{ newUsers: 0, pvpBattles: 0, raidBattles: 0, sessionCount: 0, stripeRevenue: 0 },
  };
  return { _id: new ObjectId(), day, __v: 0, ...zeros, totalSessionS: 0, ...counters };
}

const OLD_SESSIONS = [
  oldSession('2031-04-30T23:00:00.000Z', 'april', 9_999),
  oldSession('2031-05-01T10:00:00.000Z', 'ann', 600),
  oldSession('2031-05-01T11:00:00.000Z', 'bob', 1_200),
  oldSession('2031-05-03T10:00:00.000Z', 'ann', 300),
  oldSession('2031-05-03T11:00:00.000Z', 'cid'),
  oldSession('2031-05-03T12:00:00.000Z', 'dan', 0, false),
  oldSession('2031-05-17T08:00:00.000Z', 'ann', 900),
  oldSession('2031-05-17T09:00:00.000Z', 'ann'),
  oldSession('2031-05-17T10:00:00.000Z', 'eve'),
];
const OLD_DAYS = [
  oldDay('2031-04-30', { dau: 1, sessionCount: 1, totalSessionS: 9_999 }),
  oldDay('2031-05-01', { dau: 2, sessionCount: 2, totalSessionS: 1_800, dungeonsRun: 7 }),
  oldDay('2031-05-03', { dau: 3, sessionCount: 3, totalSessionS: 300 }),
  oldDay('2031-05-17', {
    dau: 2,
    sessionCount: 3,
    totalSessionS: 900,
    dungeonsRun: 5,
    creditsEarned: 10.5,
  }),
];

async function oldDatabase() {
  const database = mongo.database();
  await database.db.collection('gsosessions').insertMany(OLD_SESSIONS);
  await database.db.collection('gsodailies').insertMany(OLD_DAYS);
  return database;
}

const json = (value) => JSON.parse(JSON.stringify(value));

describe('a database of the mongoose-based class', { concurrency: true }, () => {
  it('reads as before, and new records add up on top without touching old documents', async () => {
    const database = await oldDatabase();
    const { before, metrics, days } = await play(database, {
      ...{ now: NOON, readFirst: true, tracks: 4 },
      // Counted today already; counted this month already; new.
      ...{ users: ['ann', 'cid', 'zoe'], leaving: ['zoe'], playMs: 600_000 },
    });
    const [oldMetrics, oldDays] = before;
    assert.deepStrictEqual(oldMetrics, {
      today: json(OLD_DAYS[3]),
      ...{ dau: 2, mau: 5, avgSessionMin: Math.round((600 + 1_200 + 300 + 900) / 4 / 60) },
      activeSessions: 0,
    });
    assert.deepStrictEqual(oldDays, json([...OLD_DAYS].reverse()));

    assert.deepStrictEqual([metrics.dau, metrics.mau, metrics.activeSessions], [4, 6, 2]);
    assert.strictEqual(metrics.avgSessionMin, Math.round((600 + 1_200 + 300 + 900 + 600) / 5 / 60));
    assert.deepStrictEqual(metrics.today, {
      ...json(OLD_DAYS[3]),
      ...{
        dau: 4,
        sessionCount: 6,
        totalSessionS: 1_500,
        dungeonsRun: 7,
        creditsEarned: 10.5 + 1.25 + 3.25,
      },
    });
    assert.deepStrictEqual(days, [metrics.today, ...json(OLD_DAYS.slice(0, 3).reverse())]);

    const ids = OLD_SESSIONS.map(({ _id }) => _id);
    assert.deepStrictEqual(await database.sessions({ _id: { $in: ids } }), OLD_SESSIONS);
    assert.deepStrictEqual(
      await database.days({ day: { $ne: '2031-05-17' } }),
      OLD_DAYS.slice(0, 3),
    );
    assert.strictEqual(await database.count('gsosessions'), OLD_SESSIONS.length + 3);
  });

  it('is counted the same by several processes that start on it at once', async () => {
    const database = await oldDatabase();
    const runs = [1, 2, 3].map((number) =>
      play(database, { now: NOON, users: ['ann', 'eve', 'cid', `new${number}`], tracks: 2 }),
    );
    await Promise.all(runs);
    const { metrics } = await play(database, { now: NOON, users: [], tracks: 0 });
    assert.deepStrictEqual([metrics.dau, metrics.mau], [2 + 1 + 3, 5 + 3]);
    assert.strictEqual(metrics.today.sessionCount, 3 + 12);
    assert.strictEqual(metrics.today.dungeonsRun, 5 + 3);
  });
});

describe('a clock that the host fakes', { concurrency: 4 }, () => {
  for (const now of [
    ...['1960-02-29T00:00:00.000Z', '1970-01-01T00:00:00.000Z', '1999-12-31T23:59:59.999Z'],
    ...['2106-02-07T06:28:20.000Z', '2400-02-29T12:00:00.000Z', '9999-12-31T23:59:59.000Z'],
  ]) {
    it(`at ${now} gives the day of that clock`, async () => {
      const database = mongo.database();
      const { metrics, days } = await play(database, {
        ...{ now, users: ['ann', 'bob'], tracks: 10, leaving: ['ann'] },
      });
      assert.deepStrictEqual([metrics.dau, metrics.mau, metrics.activeSessions], [2, 2, 1]);
      assert.strictEqual(metrics.today.day, now.slice(0, 10));
      assert.deepStrictEqual([metrics.today.dungeonsRun, metrics.today.sessionCount], [5, 2]);
      assert.deepStrictEqual(days, [metrics.today]);
      const [session] = await database.sessions({ userId: 'bob' });
      assert.deepStrictEqual([session.day, session.month], [now.slice(0, 10), now.slice(0, 7)]);
      assert.strictEqual(session.loginAt.toISOString(), now);
      const again = await play(database, { now, users: ['ann', 'cid'], tracks: 2 });
      assert.deepStrictEqual([again.metrics.dau, again.metrics.mau], [3, 3]);
      assert.strictEqual(again.metrics.today.dungeonsRun, 6);
    });
  }
});
