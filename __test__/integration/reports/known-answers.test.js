// Answers that were worked out by hand, for small histories.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { DAY_MS, dayOf, event, session, store } = require('./days');

const mongo = useMongod();

/** The last millisecond of a day. */
const LATE = { atMs: DAY_MS - 1, durationS: 10 };

/** Ten users: who was there how many days ago. */
const HISTORY = [
  session('u1', 12, { durationS: 60 }),
  session('u1', 11),
  session('u2', 12, { durationS: 120 }),
  session('u2', 9),
  session('u2', 5),
  session('u3', 12, { durationS: null }),
  session('u4', 12, { durationS: 0 }),
  // The only return of u4 is in the last moment of the next day.
  session('u4', 11, LATE),
  session('u5', 12, { durationS: 30 }),
  session('u5', 12, { durationS: 90 }),
  session('u6', 12, { durationS: 3_600 }),
  session('u6', 10),
  session('u7', 11),
  session('u7', 10),
  session('u8', 11),
  session('u9', 5),
  session('u10', 1),
];

const FIRST_DAYS = {
  u1: 12,
  u10: 1,
  u2: 12,
  u3: 12,
  u4: 12,
  u5: 12,
  u6: 12,
  u7: 11,
  u8: 11,
  u9: 5,
};

const byDay = (rows) => Object.fromEntries(rows.map((row) => [row.day, row]));
const part = (row, names) => Object.fromEntries(names.map((name) => [name, row[name]]));

async function started(database, options = {}) {
  const made = create({ uri: database.uri, operationTimeoutMs: 60_000, ...options });
  made.analytics.start();
  return made;
}

describe('ten users', () => {
  let analytics;
  let database;

  it('who was there', async () => {
    database = mongo.database();
    const days = [{ day: dayOf(12), month: dayOf(12).slice(0, 7), newUsers: 4 }];
    await store(database, { sessions: HISTORY, days });
    ({ analytics } = await started(database));
    const rows = await analytics.getActivity({ days: 14 });
    assert.deepStrictEqual(
      rows.map(({ day }) => day),
      Array.from({ length: 14 }, (_, i) => dayOf(13 - i)),
    );
    const found = byDay(rows);
    const names = ['dau', 'newUsers', 'returningUsers', 'wau', 'mau30', 'sessions'];
    const expected = {
      12: [6, 6, 0, 6, 6, 7],
      11: [4, 2, 2, 8, 8, 4],
      10: [2, 0, 2, 8, 8, 2],
      9: [1, 0, 1, 8, 8, 1],
      8: [0, 0, 0, 8, 8, 0],
      5: [2, 1, 1, 7, 9, 2],
      1: [1, 1, 0, 3, 10, 1],
      0: [0, 0, 0, 3, 10, 0],
    };
    for (const [ago, values] of Object.entries(expected)) {
      assert.deepStrictEqual(
        names.map((name) => found[dayOf(ago)][name]),
        values,
        `${ago} days ago`,
      );
    }
    const first = found[dayOf(12)];
    assert.deepStrictEqual(part(first, ['registered', 'stickiness', 'sessionsPerUser']), {
      registered: 4,
      stickiness: 1,
      sessionsPerUser: 7 / 6,
    });
    assert.deepStrictEqual(part(found[dayOf(8)], ['registered', 'sessionsPerUser']), {
      registered: null,
      sessionsPerUser: null,
    });
    // Nothing is known of the day before the first one.
    assert.deepStrictEqual(part(found[dayOf(13)], [...names, 'asOf']), {
      ...Object.fromEntries(names.map((name) => [name, null])),
      asOf: null,
    });
    const states = rows.map(({ state }) => state);
    assert.deepStrictEqual(states.slice(0, 7), Array(7).fill('final'));
    assert.deepStrictEqual([states.at(-1), states.at(-2)], ['open', 'settling']);
    assert.ok(rows.slice(1).every(({ asOf }) => asOf instanceof Date));
  });

  it('who comes back', async () => {
    const rows = await analytics.getRetention({ cohorts: 14 });
    const found = byDay(rows);
    const none = { 1: null, 3: null, 7: null, 14: null, 30: null };
    assert.deepStrictEqual(part(found[dayOf(12)], ['size', 'retained']), {
      size: 6,
      retained: { 1: 2, 3: 1, 7: 1, 14: null, 30: null },
    });
    assert.deepStrictEqual(part(found[dayOf(11)], ['size', 'retained']), {
      size: 2,
      retained: { 1: 1, 3: 0, 7: 0, 14: null, 30: null },
    });
    assert.deepStrictEqual(found[dayOf(5)].retained, { ...none, 1: 0, 3: 0 });
    // The day after is today, which is not over.
    assert.deepStrictEqual(part(found[dayOf(1)], ['size', 'retained']), {
      size: 1,
      retained: none,
    });
    assert.deepStrictEqual(part(found[dayOf(0)], ['size', 'retained']), {
      size: 0,
      retained: none,
    });
    const [row] = await analytics.getRetention({ cohorts: 13, days: [2, 1] });
    assert.deepStrictEqual(row.retained, { 1: 2, 2: 1 });
  });

  it('how long they stay', async () => {
    const [row] = await analytics.getSessionLengths({ days: 1, to: dayOf(12) });
    const { buckets, ...numbers } = row;
    assert.deepStrictEqual(part(numbers, ['ended', 'open', 'meanS', 'p50S', 'p90S', 'p99S']), {
      ended: 5,
      open: 1,
      meanS: 780,
      p50S: 90,
      p90S: 3_600,
      p99S: 3_600,
    });
    assert.strictEqual(
      buckets.reduce((sum, { count }) => sum + count, 0),
      5,
    );
    for (const length of [30, 60, 90, 120, 3_600]) {
      const bucket = buckets.find(({ upToS }) => upToS >= length);
      assert.ok(bucket.upToS < length * 1.1, `${length}: ${bucket.upToS}`);
    }
    const [quiet] = await analytics.getSessionLengths({ days: 1, to: dayOf(8) });
    const nobody = { ended: 0, open: 0, meanS: null, p50S: null, buckets: [] };
    assert.deepStrictEqual(part(quiet, Object.keys(nobody)), nobody);
  });

  it('a report is made once, and says so', async () => {
    const reports = await database.all('gsoreports', { _id: /^d:/ });
    assert.deepStrictEqual(
      reports.map(({ _id }) => _id),
      Array.from({ length: 13 }, (_, i) => `d:${dayOf(12 - i)}`),
    );
    const past = reports.slice(0, -2);
    assert.ok(past.every(({ runs, v }) => runs === 1 && v === 1));
    const players = await database.all('gsoplayers');
    assert.deepStrictEqual(
      players.map(({ _id, f }) => [_id, f]),
      Object.entries(FIRST_DAYS).map(([id, ago]) => [id, dayOf(ago)]),
    );
    const { reports: health } = analytics.getHealth();
    assert.deepStrictEqual([health.daysDone, health.daysTotal], [12, 12]);
  });
});

describe('the economy', () => {
  const flow = (name, amount, count, others = 0) => ({ name, others, amount, count });

  it('is what events say, by reason and item', async () => {
    const database = mongo.database();
    const events = [
      event('credits.earn', 1, { amount: 100, reason: 'quest', item: 'sword' }),
      event('credits.earn', 1, { amount: '50', source: 'quest' }),
      event('credits.earn', 1, { amount: 7, reason: 5, on: 'login' }),
      event('credits.earn', 0, { amount: 1, reason: 'quest' }),
      event('credits.spend', 1, { amount: 30, reason: 'shop', sku: 'potion' }),
      event('credits.spend', 1, { amount: 20, reason: 'shop', recipe: 'axe' }),
      // None of these is an amount.
      ...[Number.NaN, Number.POSITIVE_INFINITY, 'x', '', true, null, undefined, 2 ** 53 + 2].map(
        (amount) => event('credits.spend', 1, { amount, reason: 'bad' }),
      ),
      event('gems.purchase', 1, { gems: 500 }),
      event('gems.spend', 1, { amount: 40 }, { atMs: DAY_MS - 1 }),
      event('market.sale', 1, { amount: 1_000 }),
      event('login.bonus', 1, undefined),
    ];
    const days = [
      { day: dayOf(1), creditsEarned: 157, creditsSpent: 50, gemsPurchased: 500, gemsSpent: 41 },
    ];
    await store(database, { sessions: [session('u1', 1)], events, days });
    const { analytics } = await started(database);
    const [credits, gems] = await analytics.getEconomy({ days: 3 });
    assert.deepStrictEqual(
      part(credits, ['currency', 'state', 'daysKnown', 'sourced', 'sunk', 'net']),
      { currency: 'credits', state: 'open', daysKnown: 2, sourced: 158, sunk: 50, net: 108 },
    );
    assert.deepStrictEqual(credits.sources, [flow('quest', 151, 3), flow('login', 7, 1)]);
    assert.deepStrictEqual(credits.sinks, [flow('shop', 50, 2), flow('bad', 0, 8)]);
    assert.deepStrictEqual(credits.sinkItems, [
      flow('potion', 30, 1),
      flow('axe', 20, 1),
      flow(null, 0, 8),
    ]);
    assert.deepStrictEqual(credits.sourceItems, [flow('sword', 100, 1), flow(null, 58, 3)]);
    assert.deepStrictEqual(gems.sources, [flow('purchase', 500, 1)]);
    assert.deepStrictEqual(
      gems.coverage.find(({ total }) => total === 'gemsSpent'),
      { total: 'gemsSpent', counted: 41, seen: 40 },
    );
    const [before, yesterday] = credits.days;
    assert.deepStrictEqual([before.sourced, before.net], [null, null]);
    assert.deepStrictEqual([yesterday.sourced, yesterday.net], [157, 107]);
    const [only] = await analytics.getEconomy({ days: 3, currency: 'credits', limit: 1 });
    assert.deepStrictEqual(only.sinks, [flow('shop', 50, 2), flow(null, 0, 8, 1)]);

    const top = await analytics.getTopEvents({ days: 2, limit: 2 });
    assert.deepStrictEqual(
      top.map((row) => [row.event, row.count, row.others, row.share]),
      [
        ['credits.spend', 10, 0, 10 / 18],
        ['credits.earn', 4, 0, 4 / 18],
        [null, 4, 4, 4 / 18],
      ],
    );
  });
});

const purchase = (i, ago, userId, cents, currency = 'USD') => ({
  _id: { i },
  event: 'stripe.payment',
  userId,
  cents,
  currency,
  day: dayOf(ago),
  ts: new Date(`${dayOf(ago)}T05:00:00Z`),
});

describe('the revenue', () => {
  it('is that of purchases, and before there were any that of the totals', async () => {
    const database = mongo.database();
    const sessions = ['u1', 'u2', 'u3', 'u4'].flatMap((user) =>
      [4, 3, 2, 1].map((ago) => session(user, ago)),
    );
    const days = [4, 3, 2].map((ago) => ({ day: dayOf(ago), stripeRevenue: 700 }));
    await store(database, { sessions, days });
    await database.db.collection('gsopurchases').insertMany([
      purchase(1, 3, 'u1', 500),
      // Twice on a day is one payer.
      purchase(2, 2, 'u1', 100),
      purchase(3, 2, 'u1', 200),
      purchase(4, 2, 'u2', 300),
      purchase(5, 2, 'u3', 900, 'EUR'),
      purchase(6, 2, null, 50),
      purchase(7, 1, 'u2', -300),
      purchase(8, 1, 'u3', 10),
    ]);
    const { analytics } = await started(database);
    const found = byDay(await analytics.getRevenue({ days: 5 }));
    const names = ['cents', 'payments', 'payers', 'newPayers', 'payingShare', 'arpdauCents'];
    const expected = {
      4: [700, null, null, null, null, 175],
      3: [500, 1, 1, 1, 0.25, 125],
      2: [650, 4, 2, 2, 0.5, 162.5],
      1: [-290, 1, 1, 0, 0.25, -72.5],
      0: [0, 0, 0, 0, null, null],
    };
    for (const [ago, values] of Object.entries(expected)) {
      const row = found[dayOf(ago)];
      assert.deepStrictEqual(
        names.map((name) => row[name]),
        values,
        `${ago} days ago`,
      );
    }
    assert.deepStrictEqual(found[dayOf(2)].otherCurrencies, [
      { currency: 'EUR', cents: 900, payments: 1 },
    ]);
    assert.strictEqual(found[dayOf(2)].arppuCents, 325);
    const [euros] = await analytics.getRevenue({ days: 1, to: dayOf(2), currency: 'EUR' });
    assert.deepStrictEqual([euros.cents, euros.payers, euros.arppuCents], [900, 1, 900]);
    const [before] = await analytics.getRevenue({ days: 1, to: dayOf(4), currency: 'EUR' });
    assert.strictEqual(before.cents, null);
  });
});

describe('the first payment of a user', () => {
  it('is that of the earliest day, in whatever order payments were stored', async () => {
    const database = mongo.database();
    await store(database, { sessions: [5, 4, 3, 2, 1].map((ago) => session('u1', ago)) });
    const paid = (i, ago, userId, other) => ({ ...purchase(i, ago, userId, 100), ...other });
    await database.db.collection('gsopurchases').insertMany([
      paid(1, 2, 'u1'),
      paid(2, 1, 'u1'),
      paid(3, 3, 'u1'),
      paid(4, 1, 'u2'),
      // What is no payment is no first one,
      ...[-100, 0, null, '100'].map((cents, n) => paid(5 + n, 4, 'u3', { cents })),
      paid(9, 2, 'u3'),
      paid(10, 1, 'u3'),
      // nor is what has no day.
      ...['', '1', '2026-02-30', `${dayOf(4)}T00:00`, 20_261_128, null].map((day, n) =>
        paid(11 + n, 4, 'u1', { day }),
      ),
      // The day counts, also where the time says something else.
      paid(20, 1, 'u4', { ts: new Date(0) }),
      paid(21, 4, 'u4', { ts: 5 }),
      paid(22, 3, 'u4'),
    ]);
    const { analytics } = await started(database);
    const found = byDay(await analytics.getRevenue({ days: 5, to: dayOf(1) }));
    const newPayers = [5, 4, 3, 2, 1].map((ago) => found[dayOf(ago)].newPayers);
    assert.deepStrictEqual(newPayers, [null, 1, 1, 1, 1]);
    const recent = byDay(await analytics.getRevenue({ days: 2, to: dayOf(1) }));
    assert.deepStrictEqual(
      [2, 1].map((ago) => recent[dayOf(ago)].newPayers),
      [1, 1],
    );
    await analytics.stop();
  });

  it('is found by one look-up for each payer, however many payments there are', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('u0', 1)] });
    const purchases = database.db.collection('gsopurchases');
    await purchases.createIndexes([{ key: { day: 1 } }, { key: { userId: 1, ts: 1 } }]);
    const many = Array.from({ length: 3_000 }, (_, i) => {
      return purchase(i, 1 + (i % 300), `u${i % 10}`, 100);
    });
    await purchases.insertMany(many);
    const { analytics } = await started(database, { presence: 'off' });
    await analytics.getActivity({ days: 1 });
    await database.db.command({ profile: 2 });
    const [row] = await analytics.getRevenue({ days: 1, to: dayOf(1) });
    await database.db.command({ profile: 0 });
    assert.deepStrictEqual([row.payments, row.newPayers], [10, 0]);
    const profile = database.db.collection('system.profile');
    const passes = await profile
      .find({ ns: `${database.name}.gsopurchases`, 'command.aggregate': 'gsopurchases' })
      .toArray();
    const examined = passes.map(({ docsExamined }) => docsExamined);
    assert.ok(passes.length > 2 && Math.max(...examined) <= 20, `${examined} documents`);
    await analytics.stop();
  });
});

describe('an empty database', () => {
  it('is not written to, and has a day without anybody', async () => {
    const database = mongo.database();
    const { analytics, lines } = await started(database, { presence: 'off' });
    const [today] = await analytics.getActivity({ days: 1 });
    assert.deepStrictEqual([today.dau, today.newUsers, today.state], [0, 0, 'open']);
    const [row] = await analytics.getActivity({ days: 1, to: dayOf(3) });
    assert.deepStrictEqual([row.dau, row.asOf], [null, null]);
    assert.deepStrictEqual(await analytics.getTopEvents(), []);
    await analytics.stop();
    assert.ok(
      lines.every((line) => line.startsWith('info')),
      lines.join('\n'),
    );
  });
});
