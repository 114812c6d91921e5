// Calls whose outcome is meant to differ, one kind to a scenario, each written so that nothing else
// of the scenario is drawn in. `asks`: metrics may be asked for afterwards. `webhook`: has to be on
// or off. A call says by `provokes` why it is here; exceptions.js says what may differ for it.
'use strict';

const LONG = 'x'.repeat(257);
const HEX = '74b7f0c2a1d3e4f506172839';

/** Something counted, so that the day has a document for another reason. */
function anchor(builder) {
  builder.track('dungeon.complete', { level: 1 });
}

/** An odd amount, and no more of that event: the reference may have made its total a string. */
function amounts(builder, provokes, event, field, values) {
  builder.closed.add(event);
  for (const value of values) builder.track(event, { [field]: value }, { provokes });
}

/** On a day of its own, since the reference loses all of it. */
function lostDay(builder, provokes, values) {
  builder.nextDay();
  anchor(builder);
  amounts(builder, provokes, 'gems.earn', 'amount', values);
}

function newUser(builder, id) {
  builder.users.push(id);
  return builder.users.length - 1;
}

const provocations = {
  'numeric strings': {
    asks: true,
    write(builder, { rest }) {
      amounts(builder, 'numeric strings', 'credits.earn', 'amount', ['7', 5, '12']);
      amounts(builder, 'numeric strings', 'gems.purchase', 'gems', ['100', '20']);
      rest();
    },
  },
  'text as an amount': {
    write(builder, { rest }) {
      lostDay(builder, 'text as an amount', [builder.pick(['seven', '0x', '-3', ' 5'])]);
      rest();
    },
  },
  'objects as amounts': {
    write(builder, { rest }) {
      lostDay(builder, 'objects as amounts', [{ value: 5 }, [1, 2]]);
      rest();
    },
  },
  'infinite amounts of both signs': {
    write(builder, { rest }) {
      const signs = [1, -1].map((sign) => ({ $: 'infinity', sign }));
      lostDay(builder, 'infinite amounts of both signs', signs);
      rest();
    },
  },
  'infinite amounts': {
    asks: true,
    write(builder, { rest }) {
      const sign = builder.pick([1, -1]);
      anchor(builder);
      amounts(builder, 'infinite amounts', 'credits.spend', 'amount', [{ $: 'infinity', sign }]);
      rest();
    },
  },
  'true and lists as amounts': {
    asks: true,
    write(builder, { rest }) {
      amounts(builder, 'true and lists as amounts', 'gems.spend', 'amount', [true]);
      amounts(builder, 'true and lists as amounts', 'credits.earn', 'amount', [[5]]);
      rest();
    },
  },
  'BigInt amounts': {
    asks: true,
    write(builder, { rest }) {
      anchor(builder);
      const value = { $: 'bigint', value: '5' };
      amounts(builder, 'BigInt amounts', 'credits.earn', 'amount', [value]);
      rest();
    },
  },
  'amounts beyond 2^53': {
    asks: true,
    write(builder, { rest }) {
      const value = builder.pick([2 ** 54, -(2 ** 60), 1e300]);
      amounts(builder, 'amounts beyond 2^53', 'stripe.payment', 'amountCents', [value]);
      rest();
    },
  },
  'fractions in another order': {
    asks: true,
    write(builder, { rest }) {
      const provokes = 'fractions in another order';
      for (let nth = 0; nth < 20; nth += 1) {
        if (nth % 5 === 4) builder.ask('metrics');
        // A number of random bits has so few of them that its sums would be exact.
        builder.track('credits.spend', { amount: (1 + builder.below(9_999)) / 7 }, { provokes });
      }
      builder.closed.add('credits.spend');
      rest();
    },
  },
  'data of null': {
    asks: true,
    write(builder, { rest }) {
      anchor(builder);
      for (const event of ['raid.complete', 'credits.earn', 'shop.open']) {
        builder.track(event, null, { id: 'ann', provokes: 'data of null' });
      }
      rest();
    },
  },
  'names of Object.prototype': {
    write(builder, { rest }) {
      builder.nextDay();
      for (const event of ['constructor', '__proto__', 'toString']) {
        builder.track(event, { amount: 1 }, { provokes: 'names of Object.prototype' });
      }
      builder.nextDay();
      rest();
    },
  },
  'unreadable event names': {
    asks: true,
    write(builder, { rest }) {
      for (const event of [{ $: 'throwingText' }, { $: 'noPrototype', fields: {} }]) {
        builder.track(event, { a: 1 }, { provokes: 'unreadable event names' });
      }
      rest();
    },
  },
  'big events': {
    asks: true,
    write(builder, { rest }) {
      const data = { $: 'big', bytes: 300 * 1024, fields: { kind: 'big' } };
      builder.track('shop.open', data, { id: 'ann', refused: true, provokes: 'big events' });
      rest();
    },
  },
  'BigInt over 64 bits': {
    asks: true,
    write(builder, { rest }) {
      const value = { $: 'bigint', value: String(2n ** 64n + 5n) };
      const details = { refused: true, provokes: 'BigInt over 64 bits' };
      builder.track('shop.open', { value }, details);
      rest();
    },
  },
  'refused data': {
    asks: true,
    write(builder, { rest }) {
      anchor(builder);
      const details = { id: 'ann', refused: true, provokes: 'refused data' };
      builder.track('credits.earn', { 'a\0b': 1, amount: 5 }, details);
      rest();
    },
  },
  'long ids and names': {
    write(builder, { rest }) {
      const details = { refused: true, provokes: 'long ids and names' };
      builder.track('shop.open', { a: 1 }, { ...details, id: LONG });
      builder.track(LONG, { a: 2 }, { ...details, id: 'ann' });
      anchor(builder);
      builder.join();
      builder.call('login', { ...details, id: LONG, name: 'long', wait: true });
      rest();
    },
  },
  'data changed after the call': {
    webhook: false,
    asks: true,
    write(builder, { rest }) {
      const details = { change: { later: 1, n: 99 }, provokes: 'data changed after the call' };
      builder.track('shop.open', { n: 5 }, details);
      rest();
    },
  },
  'special keys': {
    asks: true,
    write(builder, { rest }) {
      const provokes = 'special keys';
      builder.track('shop.open', { inner: { prototype: 1, left: 2 } }, { provokes });
      builder.track('shop.open', { inner: { constructor: 0, left: 2 } }, { provokes });
      rest();
    },
  },
  'time of the post': {
    webhook: true,
    asks: true,
    write(builder, { rest }) {
      for (let n = 0; n < 3; n += 1) {
        builder.pass(60_000);
        const details = { id: 'ann', sameTurn: n < 2, provokes: 'time of the post' };
        builder.track('shop.open', { post: n }, details);
      }
      rest();
    },
  },
  'days that left memory': {
    asks: true,
    write(builder, { rest }) {
      const users = ['stays', 'leaves'].map((id) => newUser(builder, id));
      for (const user of users) builder.login(user, { on: 0, wait: true });
      builder.pass(90_000);
      builder.logout(users[1], { on: 0, wait: true });
      builder.ask('metrics');
      builder.nextDay({ days: 3, leave: true });
      builder.ask('metrics');
      builder.logout(users[0], { on: 0, wait: true });
      rest();
    },
  },
  'the same id of another type': {
    asks: true,
    write(builder, { rest }) {
      builder.join();
      const provokes = 'the same id of another type';
      const hex = { $: 'objectId', hex: HEX };
      for (const [loggedIn, loggedOut] of [
        [hex, hex],
        [70_007, '70007'],
      ]) {
        builder.call('login', { on: 0, id: loggedIn, wait: true });
        builder.pass(65 * 60_000);
        builder.call('logout', { on: 0, id: loggedOut, wait: true, provokes });
      }
      builder.ask('metrics');
      rest();
    },
  },
  'one user in several types': {
    asks: true,
    write(builder, { rest }) {
      builder.join();
      for (const id of [70_008, '70008', { $: 'bigint', value: '70008' }]) {
        const provokes = 'one user in several types';
        builder.call('login', { on: 0, id, wait: true, provokes });
      }
      builder.ask('metrics');
      rest();
    },
  },
  'a logout before its login is done': {
    asks: true,
    write(builder, { rest }) {
      builder.join();
      const provokes = 'a logout before its login is done';
      builder.call('login', { on: 0, id: 'quick', wait: false });
      builder.pass(125 * 60_000);
      builder.call('logout', { on: 0, id: 'quick', wait: false, provokes });
      builder.call('join');
      builder.ask('metrics');
      rest();
    },
  },
  'two instances': {
    asks: true,
    write(builder, { rest }) {
      builder.create();
      rest();
      if (builder.chance(0.5)) builder.nextDay();
      rest();
      builder.ask('metrics', { on: 0 });
      builder.ask('metrics', { on: 1 });
    },
  },
  'an instance after another': {
    asks: true,
    write(builder, { rest }) {
      anchor(builder);
      builder.ask('stop', { on: 0 });
      builder.create();
      builder.retire(0);
      anchor(builder);
      rest();
    },
  },
  'calls after stop': {
    asks: true,
    write(builder, { rest }) {
      anchor(builder);
      builder.ask('stop', { on: 0 });
      const details = { on: 0, id: 'ann', provokes: 'calls after stop' };
      builder.track('dungeon.complete', { late: 1 }, details);
      builder.track('shop.open', { late: 2 }, details);
      builder.call('start', { on: 0 });
      rest();
    },
  },
  'start twice': {
    asks: true,
    write(builder, { rest }) {
      builder.call('start', { on: 0 });
      builder.call('start', { on: 0 });
      rest();
    },
  },
};

module.exports = { provocations };
