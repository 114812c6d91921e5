/** Random payloads from a seed, of everything that a game server may put into `data`. */
'use strict';

const bson = require('bson');
const { generator } = require('../support/random');

const KEYS = [
  'a',
  'b',
  'amount',
  'level',
  '$x',
  'a.b',
  '',
  '_id',
  'toString',
  '0',
  '10',
  'ключ',
  'k'.repeat(70),
];
const TEXTS = [
  '',
  'quest',
  'ü',
  '€uro',
  '😀',
  '\ud800',
  '\0',
  'x'.repeat(39),
  'y'.repeat(41),
  'ö'.repeat(90),
];
const NUMBERS = [0, -0, 1, -1, 1.5, 2 ** 31, -(2 ** 31), 2 ** 53, NaN, Infinity, 1e-9];

class Item {
  constructor(field, value) {
    this[field] = value;
  }
}

function payloads(seed) {
  const random = generator(seed);
  const below = (n) => Math.floor(random() * n);
  const pick = (list) => list[below(list.length)];
  let shared = [];

  const plain = [
    () => pick(NUMBERS),
    () => below(2 ** 32) - 2 ** 31,
    () => random() * 1e6,
    () => pick(TEXTS),
    () => random() < 0.5,
    () => null,
    () => undefined,
  ];
  const special = [
    () => () => 1,
    () => Symbol('s'),
    () => new Date(below(2 ** 31) * 1000),
    () => new Date(NaN),
    () => Buffer.from(pick(TEXTS)),
    () => new Uint16Array([1, below(9)]),
    () => BigInt(below(2 ** 31)),
    () => /a+/i,
    () => new Set([1]),
    () => Object(pick(NUMBERS)),
    () => new Error('nested'),
    () => new bson.ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f'),
    () => bson.Decimal128.fromString('1.25'),
    () => bson.Long.fromNumber(below(1000)),
    () => new bson.Double(below(10)),
  ];
  const containers = [
    (depth) => object(depth, {}),
    (depth) => object(depth, {}),
    (depth) => object(depth, Object.create(null)),
    (depth) => Array.from({ length: below(5) }, () => value(depth + 1)),
    (depth) => new Map(Array.from({ length: below(3) }, () => [pick(KEYS), value(depth + 1)])),
    (depth) => new Item(pick(['a', 'b', 'c']), value(depth + 1)),
    (depth) => ({
      toBSON: (
        (inner) => () =>
          inner
      )(value(depth + 1)),
    }),
    (depth) => new Proxy(object(depth, {}), {}),
    () => ({}),
    () => (shared.length > 0 ? pick(shared) : {}),
  ];

  function object(depth, target) {
    const count = below(5);
    for (let i = 0; i < count; i++) target[pick(KEYS)] = value(depth + 1);
    return target;
  }

  function value(depth) {
    const kind = random();
    if (kind < 0.5 || depth > 5) return pick(plain)();
    if (kind < 0.62) return pick(special)();
    const made = pick(containers)(depth);
    shared.push(made);
    return made;
  }

  return () => {
    shared = [];
    return value(0);
  };
}

module.exports = { payloads };
