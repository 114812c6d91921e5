// Logins and logouts: session documents, their durations, and whose day they count on.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';
const HEX = '64b7f0c2a1d3e4f506172839';

function durations(milliseconds) {
  return async (host) => {
    const system = host.create();
    for (const duration of milliseconds) {
      await system.onLogin(`user ${duration}`, 'Ann');
      host.clock.advance(duration);
      await system.onLogout(`user ${duration}`);
    }
    host.note('metrics', await system.getMetrics());
  };
}

module.exports = [
  {
    name: 'a login and its logout make one closed session',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('login', () => system.onLogin('ann', 'Ann'));
      host.note('while playing', await system.getMetrics());
      host.clock.advance(90_000);
      await host.attemptAsync('logout', () => system.onLogout('ann'));
      host.note('afterwards', await system.getMetrics());
    },
  },
  {
    name: 'an awaited login is in the database',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      const find = () => host.db.collection('gsosessions').findOne({ userId: 'ann' });
      host.note('session', await find());
      host.clock.advance(5_000);
      await system.onLogout('ann');
      host.note('session after the logout', await find());
    },
  },
  {
    name: 'durations are rounded to whole seconds',
    clock: CLOCK,
    run: durations([0, 1, 499, 500, 501, 1_499, 1_500, 59_999, 3_600_000, 2_500, 3_500]),
  },
  {
    name: 'a clock that went back gives a negative duration',
    clock: CLOCK,
    run: durations([-5_000, -1_500, -1_501]),
    differences: ['never shorter than 0 s'],
  },
  {
    name: 'a clock that went back by less than half a second gives a duration of zero',
    clock: CLOCK,
    run: durations([-400]),
    differences: ['never shorter than 0 s'],
  },
  {
    name: 'a second login opens a second session and counts the user once',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      host.clock.advance(10_000);
      await system.onLogin('ann', 'Ann again');
      host.note('two sessions', await system.getMetrics());
      host.clock.advance(5_000);
      await system.onLogout('ann');
      await system.onLogout('ann');
      host.note('closed', await system.getMetrics());
    },
  },
  {
    name: 'a logout of somebody who is not logged in does nothing',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('unknown', () => system.onLogout('nobody'));
      await host.attemptAsync('nothing', () => system.onLogout());
      await host.attemptAsync('null', () => system.onLogout(null));
      await host.attemptAsync('object', () => system.onLogout({}));
    },
  },
  {
    name: 'the same user may log in again after a logout',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (const seconds of [30, 60, 90]) {
        await system.onLogin('ann', 'Ann');
        host.clock.advance(seconds * 1_000);
        await system.onLogout('ann');
      }
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'many users at once',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      const users = Array.from({ length: 40 }, (_, index) => `user-${index}`);
      await Promise.all(users.map((user) => system.onLogin(user, user.toUpperCase())));
      host.note('playing', await system.getMetrics());
      host.clock.advance(120_000);
      await Promise.all(users.slice(10).map((user) => system.onLogout(user)));
      host.note('ten are left', await system.getMetrics());
    },
  },
  {
    name: 'a session over midnight counts on the day of its login',
    clock: '2036-03-31T23:50:00.000Z',
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      host.clock.advance(20 * 60_000);
      await system.onLogout('ann');
      host.note('metrics of the new month', await system.getMetrics());
      await system.onLogin('bob', 'Bob');
      host.note('with a user of the new month', await system.getMetrics());
    },
  },
  {
    name: 'a user who plays on two days counts on both',
    clock: '2036-03-14T23:00:00.000Z',
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      host.clock.advance(10_000);
      await system.onLogout('ann');
      host.clock.set('2036-03-15T01:00:00.000Z');
      await system.onLogin('ann', 'Ann');
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'a session of several days ends on the day of its login',
    clock: '2036-03-10T12:00:00.000Z',
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      host.clock.set('2036-03-13T12:00:00.000Z');
      host.note('three days later', await system.getMetrics());
      await system.onLogout('ann');
    },
  },
  {
    name: 'a session of several days adds to the total of the day of its login',
    clock: '2036-03-10T12:00:00.000Z',
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      await system.onLogin('bob', 'Bob');
      host.clock.advance(10_000);
      await system.onLogout('bob');
      host.clock.set('2036-03-13T12:00:00.000Z');
      await system.getMetrics();
      await system.onLogout('ann');
    },
    differences: ['days that left memory'],
  },
  {
    name: 'the same id of another type logs out',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await system.onLogin(new host.bson.ObjectId(HEX), 'object id');
      await system.onLogin(7, 'number');
      host.clock.advance(5_000);
      await system.onLogout(new host.bson.ObjectId(HEX));
      await system.onLogout('7');
      host.note('metrics', await system.getMetrics());
    },
    differences: ['keyed by the cast'],
  },
  {
    name: 'the same id in several types is one user of the day',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await system.onLogin(7, 'number');
      await system.onLogin('7', 'text');
      await system.onLogin(7n, 'bigint');
      host.note('metrics', await system.getMetrics());
    },
    differences: ['one user of the day'],
  },
  {
    name: 'a logout right after its login closes the session',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      const login = system.onLogin('ann', 'Ann');
      host.clock.advance(2_000);
      const logout = system.onLogout('ann');
      await Promise.all([login, logout]);
      host.note('metrics', await system.getMetrics());
    },
    differences: ['calls in order'],
  },
];
