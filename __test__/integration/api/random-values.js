// Random JavaScript values from a seed, of every kind that code can pass by accident or on purpose.
'use strict';

const bson = require('bson');
const { generator } = require('../../support/random');

/** Events that are counted. */
const COUNTED = ['dungeon.complete', 'credits.earn', 'gems.purchase', 'stripe.payment'];
const USERS = ['u1', 'u2', 'u3'];
const NAMES = [
  ...[...USERS, 'constructor', '__proto__', 'a.b', '$set', 'ключ', '\ud800', 'a\0b'],
  ...['', 'x'.repeat(256), 'x'.repeat(257), 'ö'.repeat(200)],
];
const KEYS = [
  ...['amount', 'gems', 'amountCents', 'a', 'b', '', '.', '$', '_id', '__proto__', '0', '10'],
  ...['_bsontype', '$__', 'isMongooseBuffer', '$isMongooseMap', 'toBSON', 'toJSON', 'valueOf'],
  ...['constructor', 'length', 'then', 'k'.repeat(70), 'a\0b'],
];
const NUMBERS = [0, -0, 1, -1, 1.5, 2 ** 31, 2 ** 53, 2 ** 60, 1e308, NaN, Infinity, -Infinity];

function thrower() {
  throw new Error('thrown by a random value');
}

/** `{ args(), pick(list), nestedCalls() }`; getters may track through `analytics`. */
function randomValues(seed, analytics) {
  const random = generator(seed);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  let nested = 0;

  const callIn = () => {
    nested++;
    analytics.track('from.a.getter', 'u', { n: nested });
    return nested;
  };

  const scalars = [
    () => pick(NUMBERS),
    () => below(2 ** 32) - 2 ** 31,
    () => random() * 1e6,
    () => pick(NAMES),
    () => String(below(1000)),
    () => random() < 0.5,
    () => null,
    () => undefined,
    () => BigInt(below(2 ** 31)) ** BigInt(1 + below(3)),
    () => Symbol('s'),
  ];
  const things = [
    () => thrower,
    () => class Made {},
    () => new Date(pick([0, NaN, 1e12, -1e15, 8.64e15])),
    () => Buffer.from(pick(NAMES)),
    () => new Float64Array(below(4)),
    () => new ArrayBuffer(8),
    () => new DataView(new ArrayBuffer(2)),
    () =>
      new Map([
        [pick(KEYS), pick(NUMBERS)],
        [below(3), 1],
      ]),
    () => new Set([1, 'a']),
    () => new WeakMap(),
    () => Promise.resolve(1),
    () => /a+/gi,
    () => /\0/,
    () => new Error(pick(NAMES)),
    () => new URL('http://127.0.0.1/'),
    () => Object(pick([1, 'text', true, 10n, Symbol('boxed')])),
    () => Object.create(null),
    () =>
      (function inner() {
        // biome-ignore lint/complexity/noArguments: this is the value wanted here
        return arguments;
      })(1, 2),
    () => new bson.ObjectId(),
    () => bson.Decimal128.fromString('1.25'),
    () => bson.Long.fromNumber(below(1000)),
    () => new bson.Timestamp({ t: 1, i: 2 }),
    () => new bson.MinKey(),
    () => new bson.Code('x', { a: 1 }),
    () => new bson.DBRef('c', new bson.ObjectId()),
    () => globalThis.process.stdout,
    () => globalThis,
  ];
  const traps = [
    () => Object.defineProperty({}, 'a', { get: thrower, enumerable: true }),
    () => ({
      get a() {
        return callIn();
      },
    }),
    () => ({ toString: thrower, valueOf: thrower }),
    () => ({ toString: () => pick(NAMES) }),
    () => ({ toString: () => 5 }),
    () => ({ [Symbol.toPrimitive]: thrower }),
    () => ({ toBSON: pick([thrower, () => 5, () => ({ a: 1 }), () => undefined, () => [1]]) }),
    () => ({ toJSON: thrower }),
    () => ({ _bsontype: pick(['ObjectId', 'Long', 'Unknown', 5, null, thrower]), id: 1, value: 2 }),
    () => ({ _id: pick(NAMES) }),
    () =>
      new Proxy(
        {},
        {
          [pick(['get', 'ownKeys', 'has', 'getPrototypeOf', 'getOwnPropertyDescriptor'])]: thrower,
        },
      ),
    () =>
      new Proxy([1], {
        get: (target, key) => (key === 'length' ? pick([1, 2 ** 32, -1, 'x']) : target[key]),
      }),
    () => new Proxy(thrower, {}),
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    () => new Array(pick([3, 70_000, 2 ** 32 - 1])),
    () => 'x'.repeat(pick([300_000, 2 ** 24])),
    () => {
      const data = {};
      data[pick(KEYS)] = [data];
      return data;
    },
    () => Array.from({ length: 300 }).reduce((inner) => [inner], 1),
  ];

  const leaf = () => pick(pick([scalars, scalars, scalars, things, things, traps]))();

  function value(depth = 0) {
    const kind = random();
    if (depth > 3 || kind < 0.4) return leaf();
    const count = below(5);
    if (kind < 0.6) return Array.from({ length: count }, () => value(depth + 1));
    const object = kind < 0.95 ? {} : new (class Item {})();
    for (let i = 0; i < count; i++) {
      Object.defineProperty(object, pick(KEYS), {
        ...{ value: value(depth + 1), enumerable: random() < 0.95 },
        ...{ configurable: true, writable: true },
      });
    }
    return object;
  }

  /** An event name or user id: mostly a good one. */
  function name() {
    if (random() < 0.6) return pick(NAMES);
    return random() < 0.3 ? [pick(NAMES)] : leaf();
  }

  return {
    /** The arguments of one call. */
    args() {
      const names = [name(), name()];
      // Of an unusable user a counted event counts and is refused: two outcomes of one call.
      const [event, user] = random() < 0.3 ? [pick(COUNTED), pick(USERS)] : names;
      return [event, user, value()].slice(0, below(4));
    },
    pick,
    /** How many calls were made from within values that were read. */
    nestedCalls: () => nested,
  };
}

module.exports = { randomValues };
