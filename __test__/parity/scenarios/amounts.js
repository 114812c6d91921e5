// What counts as an amount, and the BSON type of the sums.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

/** Each value is tracked with its own counter, so that one does not hide another. */
const COUNTERS = [
  ['credits.earn', 'amount'],
  ['credits.spend', 'amount'],
  ['gems.earn', 'amount'],
  ['gems.spend', 'amount'],
  ['gems.purchase', 'gems'],
  ['stripe.payment', 'amountCents'],
];

function amountsScenario(name, rows, extra = {}) {
  return {
    name,
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      rows(host.bson).forEach((amounts, index) => {
        const [event, key] = COUNTERS[index];
        amounts.forEach((amount, nth) => {
          host.attempt(`${event} ${nth}`, () => system.track(event, 'ann', { [key]: amount }));
        });
      });
    },
    ...extra,
  };
}

module.exports = [
  {
    name: 'an amount of 0 makes the daily document',
    clock: CLOCK,
    async run(host) {
      host.create().track('credits.earn', 'ann', { amount: 0 });
    },
  },
  {
    name: 'data without the amount counts 0',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('credits.earn', 'ann');
      system.track('gems.purchase', 'ann', { amount: 5 });
      system.track('stripe.payment', 'ann', 'text');
      system.track('gems.earn', 'ann', [1, 2]);
      system.track('gems.spend', 'ann', 12);
    },
  },
  amountsScenario('falsy amounts count 0', () => [[0], [null], [undefined], [''], [false], [NaN]]),
  amountsScenario('negative amounts are subtracted', () => [
    [-5],
    [-5, 5],
    [10, -3],
    [-0],
    [-2147483648],
    [-2147483648, -1],
  ]),
  amountsScenario('fractions are doubles until their sum is whole again', () => [
    [0.5],
    [0.5, 0.25],
    [0.5, 0.5],
    [1.5, -0.5],
    [12.34],
    [-0.75],
  ]),
  amountsScenario('whole sums beyond int32 are doubles', () => [
    [2147483647],
    [2147483647, 1],
    [2 ** 31],
    [2 ** 40],
    [2 ** 40, 2 ** 40],
    [2 ** 53 - 1],
  ]),
  amountsScenario(
    'many fractions add up to the same within the order of addition',
    () => [Array(10).fill(0.1), [0.1, 0.2, 0.3, 1e6], [3.3, 3.3, 3.3]],
    { differences: ['order of addition'] },
  ),
  {
    name: 'a sum that comes back into int32 is an int32 again',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('credits.earn', 'ann', { amount: 2 ** 31 });
      system.track('gems.earn', 'ann', { amount: 0.5 });
      host.note('while beyond', await system.getMetrics());
      system.track('credits.earn', 'ann', { amount: -1 });
      system.track('gems.earn', 'ann', { amount: 0.5 });
      host.note('after', await system.getMetrics());
    },
  },
  amountsScenario('one numeric string counts as its number', () => [
    ['7'],
    ['12.5'],
    ['1e3'],
    ['0'],
  ]),
  amountsScenario(
    'several numeric strings are added as numbers',
    () => [
      ['7', '5'],
      [1, '2'],
    ],
    { differences: ['numeric strings'] },
  ),
  amountsScenario(
    'a negative numeric string does not hinder the rest of the day',
    () => [['-3'], [4]],
    { differences: ['negative numeric strings'] },
  ),
  amountsScenario(
    'text that is no number counts 0 and does not hinder the rest of the day',
    () => [['seven'], [4]],
    { differences: ['text that is no number'] },
  ),
  amountsScenario(
    'infinite amounts do not poison a counter',
    () => [[Infinity], [-Infinity], [5, Infinity]],
    { differences: ['infinite amounts'] },
  ),
  amountsScenario(
    'infinite amounts of both signs do not hinder the rest of the day',
    () => [[Infinity, -Infinity], [3]],
    { differences: ['infinite amounts of both signs'] },
  ),
  amountsScenario('"true" and one-element arrays are no numbers', () => [[true], [[5]]], {
    differences: ['true is no number'],
  }),
  amountsScenario(
    'an amount that is an object does not hinder the rest of the day',
    () => [[{ value: 5 }], [3]],
    { differences: ['objects as amounts'] },
  ),
  amountsScenario('a BigInt amount does not throw', () => [[5n], [3]], {
    differences: ['BigInt amounts'],
  }),
  amountsScenario('sums beyond 2^53 leave the total as it was', () => [[2 ** 53, 2], [1e300]], {
    differences: ['beyond 2^53'],
  }),
  {
    name: 'an event whose data is refused does not count',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('credits.earn', 'ann', { amount: 2 });
      system.track('credits.earn', 'ann', { amount: 5, 'a\0b': 1 });
    },
    differences: ['refused data does not count'],
  },
  {
    name: 'data of null does not throw',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('unknown event', () => system.track('shop.open', 'ann', null));
      host.attempt('counted event', () => system.track('dungeon.complete', 'ann', null));
      host.attempt('event with amount', () => system.track('credits.earn', 'ann', null));
    },
    differences: ['data of null'],
  },
  {
    name: 'events named like members of Object.prototype are stored and never counted',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (const event of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
        host.attempt(`track ${event}`, () => system.track(event, 'ann', { amount: 1 }));
      }
    },
    differences: ['names of Object.prototype'],
  },
];
