// Several instances and processes on one day: totals add up where the reference overwrites them.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

async function playMorning(host) {
  const system = host.create();
  system.start();
  await system.onLogin('ann', 'Ann');
  await system.onLogin('bob', 'Bob');
  system.track('credits.earn', 'ann', { amount: 100 });
  system.track('dungeon.complete', 'ann', { n: 1 });
  host.clock.advance(60_000);
  await system.onLogout('ann');
  await host.settle();
  host.note('morning', await system.getMetrics());
}

async function playEvening(host) {
  host.clock.set('2036-03-14T20:00:00.000Z');
  const system = host.create();
  system.start();
  await system.onLogin('bob', 'Bob');
  system.track('credits.earn', 'bob', { amount: 7 });
  system.track('gems.earn', 'bob', { amount: 3 });
  host.note('evening', await system.getMetrics());
}

module.exports = [
  {
    name: 'a restart in the middle of a day goes on from the totals',
    clock: CLOCK,
    processes: [playMorning, playEvening],
    differences: ['a restart adds up'],
  },
  {
    name: 'two instances of one process add up',
    clock: CLOCK,
    async run(host) {
      const [first, second] = [host.create(), host.create()];
      first.track('credits.earn', 'ann', { amount: 100 });
      second.track('credits.earn', 'bob', { amount: 7 });
      await first.onLogin('ann', 'Ann');
      await second.onLogin('ann', 'Ann');
      await second.onLogin('bob', 'Bob');
      await first.getMetrics();
      host.note('metrics', await second.getMetrics());
    },
    differences: ['two instances add up'],
  },
  {
    name: 'two processes at the same time add up',
    clock: CLOCK,
    atOnce: true,
    processes: [
      async (host) => {
        const system = host.create();
        system.track('credits.earn', 'ann', { amount: 100 });
        await system.onLogin('ann', 'Ann');
        await host.signal('both have tracked');
        await host.waitForSignal('the other has stopped');
        await system.stop();
      },
      async (host) => {
        const system = host.create();
        system.track('credits.earn', 'bob', { amount: 7 });
        system.track('gems.spend', 'bob', { amount: 2 });
        await system.onLogin('ann', 'Ann');
        await system.onLogin('bob', 'Bob');
        await host.waitForSignal('both have tracked');
        await system.stop();
        await host.signal('the other has stopped');
      },
    ],
    differences: ['two processes add up'],
  },
  {
    name: 'a day that was there before goes on from its totals',
    clock: CLOCK,
    async seed(db) {
      const before = { day: '2036-03-14', creditsEarned: 1_000, dungeonsRun: 4, month: '2036-03' };
      await db.collection('gsodailies').insertOne({ ...before, dau: 12, sessionCount: 20 });
    },
    async run(host) {
      const system = host.create();
      system.track('credits.earn', 'ann', { amount: 5 });
      await system.onLogin('ann', 'Ann');
      host.note('metrics', await system.getMetrics());
    },
    differences: ['existing totals are added to'],
  },
  {
    name: 'instances one after the other on different days do not touch each other',
    clock: CLOCK,
    processes: [
      playMorning,
      async (host) => {
        host.clock.set('2036-03-15T10:00:00.000Z');
        const system = host.create();
        await system.onLogin('ann', 'Ann');
        system.track('credits.earn', 'ann', { amount: 1 });
        host.note('next day', await system.getMetrics());
        host.note('days', await system.getLast30Days());
      },
    ],
  },
];
