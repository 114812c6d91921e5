// Arbitrary JavaScript values for fast-check: what it makes by itself, and what games, libraries and
// accidents put beside it.
'use strict';

const bson = require('bson');
const fc = require('fast-check');

/** Keys that the replaced class drops, and this package stores: see docs/differences.md. */
const DROPPED_KEYS = ['__proto__', 'prototype', 'constructor'];

const hex = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'),
  minLength: 24,
  maxLength: 24,
});
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

const texts = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  // Halves of characters, which UTF-8 cannot hold.
  fc.constantFrom('\ud800', 'a\udfff', '\0', 'ö'.repeat(90), 'x'.repeat(41)),
);

const keys = fc
  .oneof(
    { weight: 4, arbitrary: fc.string() },
    fc.constantFrom('amount', 'a.b', '$set', '$', '', '_id', '0', '10', 'toString', 'length'),
    fc.constantFrom('k'.repeat(70), 'ключ', 'then', 'valueOf', 'hasOwnProperty'),
  )
  .filter((key) => !DROPPED_KEYS.includes(key));

const scalars = fc.oneof(
  { weight: 3, arbitrary: texts },
  { weight: 3, arbitrary: fc.double() },
  { weight: 2, arbitrary: fc.integer() },
  fc.maxSafeInteger(),
  fc.constantFrom(0, -0, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  int64,
);

const boxed = fc.oneof(fc.string(), fc.double(), fc.boolean()).map((value) => Object(value));

const things = fc.oneof(
  fc.date({ noInvalidDate: true }),
  fc.constant(new Date(NaN)),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 20 }),
  fc.uint16Array({ maxLength: 20 }),
  fc.float64Array({ maxLength: 20 }),
  fc.constantFrom(/a+/gi, /^$/, /ü/),
  fc.constantFrom(
    Symbol('s'),
    () => 1,
    class Made {},
    function named() {},
  ),
  fc.array(scalars, { maxLength: 4 }).map((items) => new Set(items)),
  fc.array(fc.tuple(keys, scalars), { maxLength: 4 }).map((entries) => new Map(entries)),
  fc.constantFrom(new WeakMap(), new ArrayBuffer(8), Promise.resolve(1)),
  boxed,
  hex.map((digits) => new bson.ObjectId(digits)),
  int64.map((value) => bson.Long.fromBigInt(value)),
  fc.constantFrom('1.25', '-0', 'NaN', '1E+6000').map((text) => bson.Decimal128.fromString(text)),
  fc.constantFrom(new bson.MinKey(), new bson.MaxKey(), new bson.Timestamp({ t: 1, i: 2 })),
  fc.double().map((value) => new bson.Double(value)),
  fc.integer().map((value) => new bson.Int32(value)),
  fc.uuid().map((text) => new bson.UUID(text)),
  fc.constant(new bson.Code('x', { a: 1 })),
);

/** What throws when it is read, does not end, or is too much. */
const hostile = fc
  .constantFrom(
    ...['getter', 'toBSON', 'cycle', 'deep', 'huge', 'wide', 'proxy'],
    ...['NUL in a key', 'big BigInt', 'endless array'],
  )
  .map(hostileOf);

function hostileOf(kind) {
  return {
    getter: () => ({
      get a() {
        throw new Error('thrown by a getter');
      },
    }),
    toBSON: () => ({
      toBSON() {
        throw new Error('thrown by toBSON');
      },
    }),
    'revoked proxy': () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    cycle: () => {
      const value = { a: [] };
      value.a.push(value);
      return value;
    },
    deep: () => Array.from({ length: 400 }).reduce((inner) => ({ a: inner }), 1),
    huge: () => 'x'.repeat(300_000),
    wide: () => Object.fromEntries(Array.from({ length: 30_000 }, (_, i) => [`key${i}`, i])),
    'NUL in a key': () => ({ 'a\0b': 1 }),
    'big BigInt': () => 2n ** 70n,
    'endless array': () => new Array(2 ** 32 - 1),
    proxy: () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('thrown by a proxy');
          },
        },
      ),
  }[kind]();
}

class Sword {
  #secret = 1;

  get price() {
    return this.#secret;
  }

  swing() {}
}

/** Values in arrays, objects and instances, a few levels deep. */
function nested(leaf) {
  return fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      leaf,
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
      tie('object'),
      tie('instance'),
      tie('converted'),
    ),
    fields: fc.dictionary(keys, tie('value'), { maxKeys: 5, noNullPrototype: true }),
    object: fc.oneof(
      tie('fields'),
      tie('fields').map((fields) => Object.assign(Object.create(null), fields)),
      tie('fields').map((fields) => Object.assign(Object.create({ inherited: 1 }), fields)),
      fc.tuple(tie('fields'), tie('value')).map(([fields, value]) => {
        return Object.defineProperty({ ...fields }, 'unseen', { value, enumerable: false });
      }),
    ),
    instance: tie('fields').map((fields) => Object.assign(new Sword(), fields)),
    converted: tie('value').map((value) => ({ a: 1, toBSON: () => value })),
  })).value;
}

const payloads = nested(fc.oneof({ weight: 3, arbitrary: scalars }, things));
const anyPayloads = fc.oneof(
  nested(fc.oneof({ weight: 4, arbitrary: scalars }, { weight: 2, arbitrary: things }, hostile)),
  fc.anything({
    ...{ withBigInt: true, withBoxedValues: true, withDate: true, withMap: true, withSet: true },
    ...{ withNullPrototype: true, withObjectString: true, withSparseArray: true },
    ...{ withTypedArray: true, withUnicodeString: true },
  }),
);

/** What may stand for an id or a name. */
const names = fc.oneof(
  { weight: 3, arbitrary: texts },
  scalars,
  things,
  fc.constantFrom('x'.repeat(256), 'x'.repeat(257), 'ö'.repeat(128), 'ö'.repeat(129)),
  fc.record({ _id: fc.oneof(texts, scalars) }),
  texts.map((text) => ({ toString: () => text })),
  fc.constantFrom('getter', 'cycle', 'proxy').map(hostileOf),
  fc.array(texts, { maxLength: 2 }),
);

/** What may stand where an amount is expected. */
const amounts = fc.oneof(
  { weight: 4, arbitrary: fc.double() },
  { weight: 3, arbitrary: fc.integer() },
  fc.double({ min: -1e6, max: 1e6 }).map(String),
  fc.constantFrom('', ' ', '7', ' 7 ', '1e3', '0x10', '7 apples', 'NaN', '-0', '1e400'),
  scalars,
  boxed,
  fc.constantFrom([5], { a: 1 }, true, 2 ** 53, 2 ** 53 + 2, -(2 ** 53)),
  fc.bigInt({ min: -(2n ** 60n), max: 2n ** 60n }),
  fc.double().map((value) => new bson.Double(value)),
  fc.integer().map((value) => new bson.Int32(value)),
  fc.bigInt({ min: -(2n ** 55n), max: 2n ** 55n }).map((value) => bson.Long.fromBigInt(value)),
  fc.double({ noNaN: true }).map((value) => bson.Decimal128.fromString(String(value))),
);

module.exports = { amounts, anyPayloads, names, payloads };
