// How userId, username and event are cast, and what is lost by it.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';
const HEX = '64b7f0c2a1d3e4f506172839';

class Player {
  constructor(id) {
    this.id = id;
  }

  toString() {
    return `player-${this.id}`;
  }
}

/** Values that have a cast, by what they are. */
function castable(bson) {
  return {
    text: 'ann',
    'text of digits': '007',
    whole: 7,
    fraction: 1.5,
    zero: 0,
    negativeZero: -0,
    huge: 1e21,
    nan: NaN,
    yes: true,
    no: false,
    bigint: 12345678901234567890n,
    date: new Date('2020-01-01T00:00:00.000Z'),
    buffer: Buffer.from('bytes'),
    regexp: /a+/i,
    symbol: Symbol('s'),
    decimal: bson.Decimal128.fromString('1.50'),
    long: bson.Long.fromString('9007199254740993'),
    objectId: new bson.ObjectId(HEX),
    uuid: new bson.UUID('00112233-4455-6677-8899-aabbccddeeff'),
    'document with a text _id': { _id: 'doc-1', name: 'x' },
    'own toString': { toString: () => 'mine' },
    'toString of a class': new Player(5),
    'boxed text': new String('boxed'),
    'boxed number': new Number(9),
    error: new TypeError('bad'),
    map: new Map([['a', 1]]),
  };
}

/** Values whose cast fails. */
function uncastable(bson) {
  return {
    'plain object': { a: 1 },
    'empty object': {},
    array: ['a'],
    'empty array': [],
    'no prototype': Object.create(null),
    'numeric _id': { _id: 5 },
    'ObjectId as _id': { _id: new bson.ObjectId(HEX) },
    'toString that throws': {
      toString() {
        throw new Error('no');
      },
    },
  };
}

function eachOf(values, play) {
  return async (host) => {
    const system = host.create();
    for (const [label, value] of Object.entries(values(host.bson))) {
      await play(host, system, label, value);
    }
  };
}

module.exports = [
  {
    name: 'user ids of events are cast to text',
    clock: CLOCK,
    run: eachOf(castable, (host, system, label, value) => {
      host.attempt(label, () => system.track('shop.open', value, { label }));
    }),
  },
  {
    name: 'user ids of events may be null, undefined or empty',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('dungeon.complete', null, { label: 'null' });
      system.track('dungeon.complete', undefined, { label: 'undefined' });
      system.track('dungeon.complete', '', { label: 'empty' });
      system.track('dungeon.complete');
    },
  },
  {
    name: 'events whose user id has no cast are lost, and still counted',
    clock: CLOCK,
    run: eachOf(uncastable, (host, system, label, value) => {
      host.attempt(label, () => system.track('dungeon.complete', value, { label }));
      host.attempt(`${label} amount`, () => system.track('credits.earn', value, { amount: 2 }));
    }),
  },
  {
    name: 'event names are cast to text',
    clock: CLOCK,
    run: eachOf(castable, (host, system, label, value) => {
      host.attempt(label, () => system.track(value, 'ann', { label }));
    }),
  },
  {
    name: 'event names may be null or undefined',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('null', () => system.track(null, 'ann', { label: 'null' }));
      host.attempt('undefined', () => system.track(undefined, 'ann', { label: 'undefined' }));
      host.attempt('nothing', () => system.track());
    },
  },
  {
    name: 'event names without a cast are lost',
    clock: CLOCK,
    run: eachOf(
      (bson) => {
        const { 'no prototype': _a, 'toString that throws': _b, ...rest } = uncastable(bson);
        return rest;
      },
      (host, system, label, value) => {
        host.attempt(label, () => system.track(value, 'ann', { label }));
      },
    ),
  },
  {
    name: 'an object that reads as a counted event is counted and stored',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      const event = { toString: () => 'credits.earn' };
      host.attempt('toString', () => system.track(event, 'ann', { amount: 5 }));
      host.attempt('boxed', () => system.track(new String('raid.complete'), 'ann'));
    },
  },
  {
    name: 'an array that reads as a counted event is counted and lost',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('array', () => system.track(['dungeon.complete'], 'ann', { label: 'array' }));
    },
  },
  {
    name: 'an event object with a text _id is stored under it and not counted',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      host.attempt('_id', () => system.track({ _id: 'dungeon.complete' }, 'ann', { a: 1 }));
    },
  },
  {
    name: 'event names that cannot be read do not throw',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      const unreadable = {
        toString() {
          throw new Error('no');
        },
      };
      host.attempt('no prototype', () => system.track(Object.create(null), 'ann', { a: 1 }));
      host.attempt('throwing', () => system.track(unreadable, 'ann', { a: 1 }));
      system.track('dungeon.complete', 'ann');
    },
    differences: ['unreadable event names'],
  },
  {
    name: 'user ids of logins are cast to text, and the same value logs out',
    clock: CLOCK,
    run: eachOf(castable, async (host, system, label, value) => {
      await host.attemptAsync(`login ${label}`, () => system.onLogin(value, label));
      host.clock.advance(3_000);
      await host.attemptAsync(`logout ${label}`, () => system.onLogout(value));
    }),
  },
  {
    name: 'logins without a user id are dropped',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('undefined', () => system.onLogin(undefined, 'a'));
      await host.attemptAsync('null', () => system.onLogin(null, 'b'));
      await host.attemptAsync('empty', () => system.onLogin('', 'c'));
      await host.attemptAsync('nothing', () => system.onLogin());
      host.note('metrics', await system.getMetrics());
    },
  },
  {
    name: 'logins whose user id has no cast are dropped',
    clock: CLOCK,
    run: eachOf(uncastable, async (host, system, label, value) => {
      await host.attemptAsync(`login ${label}`, () => system.onLogin(value, label));
      await host.attemptAsync(`logout ${label}`, () => system.onLogout(value));
      host.note('metrics', await system.getMetrics());
    }),
  },
  {
    name: 'usernames are cast to text',
    clock: CLOCK,
    run: eachOf(castable, async (host, system, label, value) => {
      await host.attemptAsync(label, () => system.onLogin(`user ${label}`, value));
    }),
  },
  {
    name: 'usernames may be missing, null or empty',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      await host.attemptAsync('missing', () => system.onLogin('missing'));
      await host.attemptAsync('undefined', () => system.onLogin('undefined', undefined));
      await host.attemptAsync('null', () => system.onLogin('null', null));
      await host.attemptAsync('empty', () => system.onLogin('empty', ''));
    },
  },
  {
    name: 'logins whose username has no cast are dropped',
    clock: CLOCK,
    run: eachOf(uncastable, async (host, system, label, value) => {
      await host.attemptAsync(label, () => system.onLogin(`user ${label}`, value));
      host.note('metrics', await system.getMetrics());
    }),
  },
  {
    name: 'lone surrogates in ids are stored as U+FFFD',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      system.track('shop\ud800', 'ann\udc00', { a: 1 });
      await system.onLogin('bob\ud800', 'Bob\udc00');
    },
  },
  {
    name: 'names and ids over 256 bytes are refused',
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      const long = 'x'.repeat(257);
      host.attempt('event', () => system.track(long, 'long event', { a: 1 }));
      host.attempt('user', () => system.track('long.user', long, { a: 1 }));
      await host.attemptAsync('login', () => system.onLogin(long, 'Long'));
      const fits = 'y'.repeat(256);
      system.track(fits, fits, { a: 1 });
      await system.onLogin(fits, 'Fits');
    },
    differences: ['long names'],
  },
];
