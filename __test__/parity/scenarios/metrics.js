// getMetrics() and getLast30Days(): shapes, key order, types, rounding.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

function dailies(days) {
  return days.map((day, index) => ({
    day,
    month: day.slice(0, 7),
    dau: index,
    creditsEarned: 1.5,
  }));
}

/** `count` days, newest last, `step` days apart, the last one at `newest`. */
function daysUntil(newest, count, step = 1) {
  const last = Date.parse(newest);
  const moments = Array.from({ length: count }, (_, index) => last - index * step * 86_400_000);
  return moments.reverse().map((moment) => new Date(moment).toISOString().slice(0, 10));
}

function oldSession(userId, day, durationS) {
  const loginAt = new Date(`${day}T08:00:00.000Z`);
  const logoutAt = durationS ? new Date(loginAt.getTime() + durationS * 1_000) : null;
  const month = day.slice(0, 7);
  return { userId, username: userId, loginAt, logoutAt, durationS, day, month, __v: 0 };
}

/** Durations whose average is shown, each row in a month of its own. */
const AVERAGES = {
  '89 s is one minute': [89_000],
  '90 s is two minutes': [90_000],
  '29 s is no minute': [29_000],
  'of seconds, not of minutes': [80_000, 80_000, 120_000],
  'without sessions of no length': [0, 400, 300_000],
  'without sessions of negative length': [-90_000, 300_000],
};

module.exports = [
  {
    name: 'metrics of an empty database',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('metrics', () => system.getMetrics());
      await host.attemptAsync('last 30 days', () => system.getLast30Days());
    },
  },
  {
    name: 'metrics hold the whole daily document, with the ObjectId of the host',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      system.track('credits.earn', 'ann', { amount: 2 ** 40 });
      system.track('gems.earn', 'ann', { amount: 0.5 });
      const metrics = await system.getMetrics();
      host.note('metrics', metrics);
      host.note('as JSON', JSON.stringify(metrics));
      const { _id } = metrics.today;
      const found = await host.db
        .collection('gsodailies')
        .findOne({ _id }, { projection: { day: 1 } });
      host.note('found by its _id', found);
    },
  },
  {
    name: 'metrics count what was tracked before the call',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (let index = 0; index < 40; index += 1) system.track('pvp.battle', `user ${index % 7}`);
      host.note('first', await system.getMetrics());
      system.track('pvp.battle', 'ann');
      host.note('second', await system.getMetrics());
    },
  },
  {
    name: 'metrics of a new day are empty until something is counted',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('dungeon.complete', 'ann');
      host.note('today', await system.getMetrics());
      host.clock.set('2036-03-15T00:00:00.000Z');
      system.track('shop.open', 'ann');
      host.note('tomorrow', await system.getMetrics());
    },
  },
  {
    name: 'mau counts each user of the UTC month once',
    clock: '2036-02-29T22:00:00.000Z',
    async run(host) {
      const system = host.create();
      for (const user of ['ann', 'bob', 'cid']) await system.onLogin(user, user);
      host.note('february', await system.getMetrics());
      host.clock.set('2036-03-01T00:00:00.000Z');
      for (const user of ['bob', 'cid', 'dan', 'eve', 'bob']) await system.onLogin(user, user);
      host.clock.set('2036-03-02T00:00:00.000Z');
      for (const user of ['bob', 'fay']) await system.onLogin(user, user);
      host.note('march', await system.getMetrics());
    },
  },
  {
    name: 'metrics include the sessions that were there before',
    clock: CLOCK,
    async seed(db) {
      await db
        .collection('gsosessions')
        .insertMany([
          oldSession('ann', '2036-03-01', 600),
          oldSession('ann', '2036-03-02', 60),
          oldSession('bob', '2036-03-02', 0),
          oldSession('cid', '2036-03-13', 300),
          oldSession('dan', '2036-02-29', 9_000),
          oldSession('eve', '2036-04-01', 9_000),
        ]);
    },
    async run(host) {
      const system = host.create();
      host.note('before', await system.getMetrics());
      await system.onLogin('bob', 'Bob');
      await system.onLogin('fay', 'Fay');
      host.clock.advance(120_000);
      await system.onLogout('fay');
      host.note('after', await system.getMetrics());
    },
  },
  {
    name: 'the average session is rounded to minutes, and only sessions with a length are in it',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (const [row, [label, durations]] of Object.entries(AVERAGES).entries()) {
        host.clock.set(`2036-0${row + 1}-14T10:00:00.000Z`);
        for (const [index, duration] of durations.entries()) {
          await system.onLogin(`user ${index}`, 'x');
          host.clock.advance(duration);
          await system.onLogout(`user ${index}`);
        }
        host.note(label, (await system.getMetrics()).avgSessionMin);
      }
    },
    differences: ['never shorter than 0 s'],
  },
  {
    name: 'active sessions are those of this instance',
    clock: CLOCK,
    async run(host) {
      const [here, there] = [host.create(), host.create()];
      await here.onLogin('ann', 'Ann');
      await here.onLogin('bob', 'Bob');
      await there.onLogout('ann');
      const counts = [];
      for (const system of [here, there]) counts.push((await system.getMetrics()).activeSessions);
      host.note('active sessions', counts);
    },
  },
  {
    name: 'the newest 30 daily documents, newest first',
    clock: CLOCK,
    async seed(db) {
      await db.collection('gsodailies').insertMany(dailies(daysUntil('2036-03-13', 35)));
    },
    async run(host) {
      const system = host.create();
      system.track('dungeon.complete', 'ann');
      await system.getMetrics();
      host.note('days', await system.getLast30Days());
    },
  },
  {
    name: 'the last 30 documents are not limited to 30 calendar days, nor to the past',
    clock: CLOCK,
    async seed(db) {
      const days = [...daysUntil('2035-12-01', 31, 40), '2036-03-20', '2040-01-01'];
      await db.collection('gsodailies').insertMany(dailies(days));
    },
    async run(host) {
      const days = await host.create().getLast30Days();
      host.note(
        'days',
        days.map(({ day }) => day),
      );
      host.note('the first', days[0]);
    },
  },
  {
    name: 'foreign fields of a daily document are shown as they are',
    clock: CLOCK,
    async seed(db) {
      const [daily] = dailies(['2036-03-14']);
      Object.assign(daily, { tag: 'event', when: new Date(0), list: [1, { a: null }], dau: 4 });
      await db.collection('gsodailies').insertOne(daily);
    },
    async run(host) {
      const system = host.create();
      host.note('metrics', await system.getMetrics());
      host.note('days', await system.getLast30Days());
    },
  },
  {
    name: 'metrics reject when the database cannot be reached',
    connect: 'by itself',
    connectOptions: { serverSelectionTimeoutMS: 300, bufferTimeoutMS: 300 },
    async run(host) {
      host.connect('mongodb://127.0.0.1:1/nowhere').catch(() => {});
      const system = host.create();
      await host.attemptAsync('metrics', () => system.getMetrics());
      await host.attemptAsync('last 30 days', () => system.getLast30Days());
    },
  },
];
