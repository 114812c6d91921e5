// Which events count where, and what a daily document looks like.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

const COUNTED_BY_ONE = [
  'dungeon.complete',
  'craft.complete',
  'pvp.battle',
  'pvp.ranked.battle',
  'raid.complete',
  'market.sale',
  'user.register',
];
const WITH_AMOUNT = ['credits.earn', 'credits.spend', 'gems.earn', 'gems.spend'];

module.exports = [
  {
    name: 'events without an amount count one each time, whatever their data says',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      COUNTED_BY_ONE.forEach((event, index) => {
        system.track(event, 'ann');
        // Each as often as no other, so that a mix-up of counters shows.
        for (let more = 0; more < index; more += 1) {
          system.track(event, 'bob', { amount: 50, gems: 60, more });
        }
      });
    },
  },
  {
    name: 'every kind of amount goes to its own counter',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      WITH_AMOUNT.forEach((event, index) => {
        const data = { amount: 10 ** index, gems: 7, amountCents: 9 };
        host.attempt(event, () => system.track(event, 'ann', data));
        host.attempt(`${event} again`, () => system.track(event, 'bob', { amount: 3 }));
      });
      const bought = { gems: 500, amount: 3, amountCents: 499 };
      host.attempt('gems.purchase', () => system.track('gems.purchase', 'ann', bought));
      host.attempt('stripe.payment', () => system.track('stripe.payment', 'ann', bought));
    },
  },
  {
    name: 'events that no counter knows are stored and make no daily document',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (const event of [
        'shop.open',
        'Dungeon.complete',
        'dungeon',
        '',
        ' credits.earn',
        '$set',
      ]) {
        host.attempt(`track ${event}`, () => system.track(event, 'ann', { amount: 4 }));
      }
    },
  },
  {
    name: 'a whole day of play gives one daily document and one document for each event',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.start();
      await system.onLogin('ann', 'Ann');
      await system.onLogin('bob', 'Bob');
      system.track('user.register', 'bob', { from: 'invite' });
      for (let dungeon = 0; dungeon < 25; dungeon += 1) {
        host.clock.advance(60_000);
        system.track('dungeon.complete', 'ann', { dungeon, loot: ['sword', { gold: dungeon }] });
        system.track('credits.earn', 'ann', { amount: 10 + dungeon });
      }
      system.track('credits.spend', 'ann', { amount: 120, item: 'shield' });
      await system.onLogout('ann');
      await system.onLogout('bob');
    },
  },
  {
    name: 'events on both sides of midnight count on their own days',
    clock: '2036-03-31T23:59:59.999Z',
    async run(host) {
      const system = host.create();
      system.track('dungeon.complete', 'ann', { side: 'before' });
      system.track('credits.earn', 'ann', { amount: 1 });
      host.clock.advance(1);
      system.track('dungeon.complete', 'ann', { side: 'after' });
      system.track('credits.earn', 'ann', { amount: 2 });
    },
  },
  {
    name: 'days further back than yesterday are written too',
    clock: '2036-02-28T12:00:00.000Z',
    async run(host) {
      const system = host.create();
      for (let day = 0; day < 5; day += 1) {
        system.track('raid.complete', 'ann', { day });
        host.clock.advance(86_400_000);
      }
      host.note('last 30 days', await system.getLast30Days());
    },
  },
  {
    name: 'a daily document that lacks counters gets only those that were counted',
    clock: CLOCK,
    async seed(db) {
      await db
        .collection('gsodailies')
        .insertOne({ day: '2036-03-14', month: '2036-03', note: 'x' });
    },
    async run(host) {
      const system = host.create();
      system.track('market.sale', 'ann');
      system.track('credits.earn', 'ann', { amount: 5 });
    },
  },
];
