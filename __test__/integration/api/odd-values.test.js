// Odd but legal input is stored as it is: names, keys and amounts that look like something else, and
// data whose reading runs user code that calls in again.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const COUNTERS = [
  ...['dau', 'newUsers', 'creditsEarned', 'creditsSpent', 'gemsEarned', 'gemsSpent'],
  ...['gemsPurchased', 'stripeRevenue', 'dungeonsRun', 'craftsCompleted', 'pvpBattles'],
  ...['raidBattles', 'marketSales', 'totalSessionS', 'sessionCount'],
];

describe('event names', () => {
  const NAMES = [
    ...['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf', 'prototype'],
    ...['a.b.c', '$set', '$inc', '.', '$', '', 'a\0b', '_a', '_a.w', 'dau', 'dungeonsRun'],
    ...['Dungeon.complete', 'dungeon.complete ', 'x'.repeat(256), 'ö'.repeat(128)],
  ];

  it('are never a field or a property: they are stored and count nothing', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (const name of NAMES)
      analytics.track(name, name, { [name === '__proto__' ? 'p' : 'k']: name });
    await analytics.flush();
    assert.deepStrictEqual(
      (await database.events()).map(({ event }) => event),
      NAMES,
    );
    assert.deepStrictEqual(await database.days(), []);

    analytics.track('dungeon.complete', 'u');
    await analytics.flush();
    const [day] = await database.days();
    const fields = ['_id', 'day', '__v', 'month', '_a', ...COUNTERS].sort();
    assert.deepStrictEqual(Object.keys(day).sort(), fields);
    assert.strictEqual(day.dungeonsRun, 1);
    assert.deepStrictEqual(analytics.getHealth().rejected, {});
  });

  it('and user ids such as __proto__ log in and out like any other', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const users = ['__proto__', 'constructor', '$where', 'a.b', 'a\0b', ' '];
    for (const user of users) await analytics.onLogin(user, user);
    assert.strictEqual((await analytics.getMetrics()).activeSessions, users.length);
    for (const user of users) await analytics.onLogout(user);
    const sessions = await database.sessions();
    assert.deepStrictEqual(
      sessions.map(({ userId }) => userId),
      users,
    );
    assert.ok(sessions.every(({ logoutAt }) => logoutAt instanceof Date));
    const { dau, mau, activeSessions } = await analytics.getMetrics();
    assert.deepStrictEqual([dau, mau, activeSessions], [users.length, users.length, 0]);
  });
});

describe('keys of data', () => {
  it('are plain data, own properties only', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const data = JSON.parse(
      '{".":1,"$":2,"":3,"_id":4,"__proto__":{"polluted":5},"constructor":6,"$set":7,"a.b":8,"$where":"9"}',
    );
    const inherited = Object.assign(Object.create({ inherited: true }), { own: true });
    analytics.track('keys', 'u', data);
    analytics.track('keys', 'u', inherited);
    await analytics.flush();
    const [first, second] = await database.events();
    assert.deepStrictEqual(Object.entries(first.data), Object.entries(data));
    assert.deepStrictEqual(second.data, { own: true });
    assert.strictEqual({}.polluted, undefined);
  });

  it('may not hold a NUL, but values may', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.track('nul', 'u', { a: '\0', b: ['x\0y'] });
    await analytics.flush();
    assert.deepStrictEqual((await database.events())[0].data, { a: '\0', b: ['x\0y'] });
  });
});

describe('amounts', () => {
  /** Amount, the number that it counts, and whether `warnings` counts it. */
  const AMOUNTS = [
    ...[
      [12, 12],
      ['12.5', 12.5],
      [' 7 ', 7],
      ['0x10', 16],
      ['-3', -3],
      [-4.25, -4.25],
    ],
    ...[
      [0, 0],
      [-0, 0],
      ['', 0],
      [null, 0],
      [undefined, 0],
      [false, 0],
      [2 ** 53, 2 ** 53],
    ],
    ...[
      [NaN, 0, 1],
      [Infinity, 0, 1],
      [-Infinity, 0, 1],
      [1e308, 0, 1],
      [2 ** 53 + 2, 0, 1],
    ],
    ...[
      ['1e400', 0, 1],
      ['NaN', 0, 1],
      ['twelve', 0, 1],
      ['12,5', 0, 1],
      [true, 0, 1],
    ],
    ...[
      [{}, 0, 1],
      [{ valueOf: () => 5 }, 0, 1],
      [[5], 0, 1],
      [new Date(5), 0, 1],
    ],
    ...[
      [5n, 5],
      [2n ** 60n, 0, 1],
      [() => 5, 0, 1],
      [Symbol('5'), 0, 1],
    ],
  ];

  for (const [amount, counted, warnings = 0] of AMOUNTS) {
    const shown =
      typeof amount === 'string'
        ? JSON.stringify(amount)
        : String(Object(amount) === amount ? amount.constructor.name : String(amount));
    it(`${typeof amount} ${shown} counts ${counted}`, async () => {
      const database = mongo.database();
      const { analytics } = create({ uri: database.uri });
      analytics.track('credits.earn', 'u', { amount });
      await analytics.flush();
      const [day] = await database.days();
      assert.strictEqual(day.creditsEarned, counted);
      assert.strictEqual(await database.count('gsoevents'), 1);
      assert.strictEqual(analytics.getHealth().warnings.invalid_amount ?? 0, warnings);
    });
  }

  it('never bring a total beyond 2^53: the total stays, with a warning', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (let round = 0; round < 3; round++) {
      analytics.track('gems.earn', 'u', { amount: 2 ** 52 });
      analytics.track('gems.spend', 'u', { amount: -(2 ** 52) });
      await analytics.flush();
    }
    const [day] = await database.days();
    assert.deepStrictEqual([day.gemsEarned, day.gemsSpent], [2 ** 53, -(2 ** 53)]);
    assert.strictEqual(await database.count('gsoevents'), 6);
    assert.strictEqual(analytics.getHealth().warnings.total_left_out, 2);
  });

  it('beyond 2^53 within one batch are left out of the total, not the rest of the batch', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (let i = 0; i < 3; i++) analytics.track('gems.earn', 'u', { amount: 2 ** 53 });
    analytics.track('dungeon.complete', 'u');
    await analytics.flush();
    const [day] = await database.days();
    assert.deepStrictEqual([day.gemsEarned, day.dungeonsRun], [2 ** 53, 1]);
    assert.ok(analytics.getHealth().warnings.total_left_out >= 1);
  });
});

describe('reading data that runs user code', () => {
  it('takes what a getter tracks, in the order in which the calls began or after', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const login = [];
    const data = {
      first: 1,
      get second() {
        analytics.track('inner', 'u', { big: 'x'.repeat(100_000) });
        login.push(analytics.onLogin('inner-user', 'name'));
        return 2;
      },
    };
    for (let i = 0; i < 10; i++) analytics.track('outer', 'u', data);
    await Promise.all(login);
    await analytics.flush();
    const events = await database.events();
    const named = (name) => events.filter(({ event }) => event === name);
    assert.deepStrictEqual(
      named('outer').map((one) => one.data),
      Array(10).fill({ first: 1, second: 2 }),
    );
    assert.deepStrictEqual(
      named('inner').map((one) => one.data.big.length),
      Array(10).fill(100_000),
    );
    assert.strictEqual(await database.count('gsosessions'), 10);
    const { accepted, written, rejected } = analytics.getHealth();
    assert.deepStrictEqual([accepted, written, rejected], [30, 30, {}]);
  });

  it('takes what is tracked while it refuses', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const data = {
      get a() {
        analytics.track('inner', 'u');
        throw new Error('thrown by the test');
      },
    };
    assert.strictEqual(analytics.track('outer', 'u', data), undefined);
    await analytics.flush();
    assert.deepStrictEqual(
      (await database.events()).map(({ event }) => event),
      ['inner'],
    );
    assert.deepStrictEqual(analytics.getHealth().rejected, { unreadable: 1 });
  });

  it('bounds a getter that tracks itself without end', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    let calls = 1;
    const data = {
      get again() {
        calls++;
        analytics.track('nested', 'u', data);
        return 1;
      },
    };
    analytics.track('nested', 'u', data);
    await analytics.flush();
    const { accepted, written, rejected } = analytics.getHealth();
    assert.ok(calls > 50 && accepted > 50, `${accepted} of ${calls}`);
    // The innermost calls have no stack left to run on; one of them may not even begin.
    assert.ok(calls - accepted - (rejected.unreadable ?? 0) <= 1, JSON.stringify(rejected));
    assert.deepStrictEqual([written, await database.count('gsoevents')], [accepted, accepted]);
  });

  it('stores what was read when a getter changes the data meanwhile', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const data = {
      a: 1,
      get b() {
        delete data.c;
        data.d = 4;
        list.push(5);
        return 2;
      },
      c: 3,
      list: [1],
    };
    const { list } = data;
    analytics.track('changing', 'u', data);
    list.push('after the call');
    await analytics.flush();
    const [event] = await database.events();
    assert.deepStrictEqual(event.data, { a: 1, b: 2, list: [1, 5] });
  });

  it('survives flush, getMetrics, getHealth and stop called by a getter', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const pending = [];
    const data = {
      get a() {
        analytics.track('inner', 'u');
        pending.push(analytics.flush(), analytics.getMetrics());
        return analytics.getHealth().accepted;
      },
      get b() {
        pending.push(analytics.stop());
        return 2;
      },
    };
    analytics.track('before', 'u');
    analytics.track('outer', 'u', data);
    await Promise.all(pending);
    const { accepted, written, queued, rejected } = analytics.getHealth();
    const names = (await database.events()).map(({ event }) => event);
    assert.deepStrictEqual([accepted, written, queued], [names.length, names.length, 0]);
    // The outer call began before stop() and ended after it: either is fine, but not neither.
    assert.strictEqual(names.length + (rejected.stopped ?? 0), 3);
    assert.deepStrictEqual(names.slice(0, 2), ['before', 'inner']);
  });
});
