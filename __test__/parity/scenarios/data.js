// How `data` is stored, value for value and type for type.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';
const EVENT = 'shop.open';
const HEX = '64b7f0c2a1d3e4f506172839';

/** One event for each entry; the user id tells which one a stored document is. */
function dataScenario(name, entries, extra = {}) {
  return {
    name,
    clock: CLOCK,
    async run(host) {
      const system = host.create();
      for (const [label, data] of Object.entries(entries(host.bson))) {
        host.attempt(label, () => system.track(EVENT, label, data));
      }
    },
    ...extra,
  };
}

class Sword {
  #secret = 1;
  static kind = 'static';

  constructor() {
    this.damage = 5;
    this.owner = { name: 'ann' };
    this.empty = {};
  }

  get price() {
    return this.#secret;
  }

  swing() {}
}

function cyclic() {
  const value = { a: 1 };
  value.self = value;
  return value;
}

function cyclicArray() {
  const value = [1];
  value.push(value);
  return { value };
}

function inherited() {
  return Object.assign(Object.create({ fromPrototype: 1 }), { own: 2 });
}

function hiddenMembers() {
  const value = { shown: 1, [Symbol('symbol')]: 2 };
  Object.defineProperty(value, 'hidden', { value: 3, enumerable: false });
  Object.defineProperty(value, 'getter', { get: () => 4, enumerable: true });
  return value;
}

function sparse() {
  const value = [1];
  value[3] = 4;
  return value;
}

function failing() {
  const error = new RangeError('too far');
  error.stack = 'RangeError: too far\n    at somewhere';
  return error;
}

module.exports = [
  dataScenario('top-level values that are no plain objects are stored as they are', () => ({
    text: 'hello',
    'empty text': '',
    whole: 5,
    fraction: 1.5,
    zero: 0,
    'not a number': NaN,
    yes: true,
    no: false,
    array: [1, 'two', null, { three: 3 }],
    'empty array': [],
    'missing data': undefined,
  })),
  dataScenario('empty plain objects are removed, but not inside arrays', () => ({
    empty: {},
    nested: { a: {}, b: { c: {} }, d: [], e: [{}] },
    'nested only': { a: { b: { c: {} } } },
    'beside others': { a: {}, b: 1, c: { d: {}, e: 2 } },
    'in arrays': { list: [{}, { a: {} }, [{}], []] },
    'no prototype': Object.create(null),
    'no prototype inside': { a: Object.create(null), b: 1 },
  })),
  dataScenario('undefined and functions are dropped, in arrays they are null', () => ({
    object: { a: undefined, b: () => 1, c: null, d: 2 },
    array: { list: [undefined, () => 1, null, 2] },
    'nothing left': { a: undefined, b: () => 1 },
    'nothing left inside': { inner: { a: undefined }, b: 1 },
    'top-level array': [undefined, () => 1],
    sparse: { list: sparse() },
    'top-level function': () => 1,
  })),
  dataScenario('numbers keep their BSON type', () => ({
    ints: { zero: 0, max: 2147483647, min: -2147483648, whole: 1.0 },
    doubles: { over: 2147483648, under: -2147483649, big: 2 ** 40, half: 0.5, huge: 1e300 },
    odd: { nan: NaN, infinity: Infinity, minus: -Infinity, negativeZero: -0 },
    limits: { safe: Number.MAX_SAFE_INTEGER, tiny: Number.MIN_VALUE, max: Number.MAX_VALUE },
    bigint: { one: 1n, max: 2n ** 63n - 1n, min: -(2n ** 63n) },
    'in an array': [1, 2.5, 2 ** 40, 1n, -0],
  })),
  dataScenario('BSON types of the host are stored as such', (bson) => ({
    date: { value: new Date('2020-02-03T04:05:06.789Z'), early: new Date(-1) },
    buffer: { value: Buffer.from('bytes'), empty: Buffer.alloc(0) },
    objectId: { value: new bson.ObjectId(HEX) },
    regexp: { value: /a+b/i, flags: /x/gimsu },
    map: {
      value: new Map([
        ['b', 1],
        ['a', new Date(0)],
      ]),
      empty: new Map(),
    },
    decimal: { value: bson.Decimal128.fromString('12.340') },
    long: { value: bson.Long.fromString('9007199254740993'), small: bson.Long.fromNumber(5) },
    numbers: { int32: new bson.Int32(5), double: new bson.Double(5) },
    binary: { value: new bson.Binary(Buffer.from('b'), 128) },
    uuid: { value: new bson.UUID('00112233-4455-6677-8899-aabbccddeeff') },
    others: {
      timestamp: new bson.Timestamp({ t: 5, i: 6 }),
      minKey: new bson.MinKey(),
      maxKey: new bson.MaxKey(),
      code: new bson.Code('return 1'),
      symbol: new bson.BSONSymbol('s'),
      regexp: new bson.BSONRegExp('a', 'i'),
      dbref: new bson.DBRef('players', new bson.ObjectId(HEX)),
    },
    list: [new Date(0), Buffer.from('x'), new bson.ObjectId(HEX), new Map([['k', 1]])],
  })),
  dataScenario('BSON types are stored as top-level data too', (bson) => ({
    date: new Date(0),
    buffer: Buffer.from('bytes'),
    objectId: new bson.ObjectId(HEX),
    regexp: /a+b/i,
    map: new Map([['k', 1]]),
    decimal: bson.Decimal128.fromString('1.5'),
    long: bson.Long.fromNumber(7),
    bigint: 7n,
  })),
  dataScenario('keys with dots, dollars and odd names are plain keys', () => ({
    odd: { 'a.b': 1, $set: 2, '$a.$b': 3, '': 4, ' ': 5, ключ: 6, '💰': 7 },
    special: { _id: 1, constructor: 2, toString: 3, __v: 4, _bsontypes: 5, length: 6 },
    numeric: { b: 1, 2: 2, a: 3, 1: 4, '01': 5 },
    order: { z: 1, a: 2, m: { y: 1, b: 2 } },
  })),
  dataScenario('text is stored as UTF-8, lone surrogates as U+FFFD', () => ({
    text: { euro: '€', emoji: '💰', nul: 'a\0b', long: 'x'.repeat(300), combining: 'e\u0301' },
    lone: { high: 'a\ud83d', low: '\udcb0b', pair: '\ud83d\udcb0', only: '\ud800' },
    'lone in keys': { 'k\ud800': 1 },
  })),
  dataScenario('objects with members of their own kind are stored by their own fields', () => ({
    instance: { sword: new Sword() },
    'instance as data': new Sword(),
    inherited: { value: inherited() },
    hidden: { value: hiddenMembers() },
    'hidden as data': hiddenMembers(),
    symbols: { [Symbol('key')]: 1, value: Symbol('value'), other: 2 },
    frozen: Object.freeze({ a: Object.freeze([1]) }),
    'no prototype': Object.assign(Object.create(null), { a: 1 }),
    shared: (() => {
      const part = { x: 1 };
      return { first: part, second: part };
    })(),
  })),
  dataScenario('containers that BSON does not know are stored as empty documents', () => ({
    set: { value: new Set([1, 2]) },
    weakMap: { value: new WeakMap() },
    arrayBuffer: { value: new ArrayBuffer(4) },
    error: { value: failing() },
    promise: { value: Promise.resolve(1) },
    'in arrays': { list: [new Set([1]), new WeakMap(), failing()] },
  })),
  dataScenario('errors, sets and their like as data', () => ({
    error: failing(),
    set: new Set([1, 2]),
    weakMap: new WeakMap(),
    arrayBuffer: new ArrayBuffer(4),
  })),
  dataScenario('typed arrays are stored as documents of their elements', () => ({
    bytes: { value: new Uint8Array([1, 2, 3]) },
    shorts: { value: new Uint16Array([1, 65535]) },
    floats: { value: new Float64Array([1.5, 2]) },
    'bytes as data': new Uint8Array([1, 2]),
    empty: { value: new Uint8Array(0) },
  })),
  dataScenario('boxed values and an invalid date', () => ({
    number: { value: new Number(5), fraction: new Number(5.5) },
    text: { value: new String('abc') },
    boolean: { value: new Boolean(true) },
    'invalid date': { value: new Date(NaN) },
    'far date': { value: new Date(8.64e15) },
  })),
  dataScenario('toBSON is honoured, toJSON is not', () => ({
    toBSON: { value: { a: 1, toBSON: () => ({ b: 2 }) } },
    toJSON: { value: { a: 1, toJSON: () => ({ b: 2 }) } },
    'toBSON to a scalar': { value: { toBSON: () => 'text' } },
    'toBSON in an array': { list: [{ toBSON: () => 5 }] },
    'toBSON as data': { a: 1, toBSON: () => ({ b: 2 }) },
    'toJSON as data': { a: 1, toJSON: () => ({ b: 2 }) },
  })),
  dataScenario('what cannot be stored is lost, what comes after it is not', () => ({
    'key with NUL': { 'a\0b': 1 },
    cycle: cyclic(),
    'cycle in an array': cyclicArray(),
    getter: {
      get a() {
        throw new Error('no');
      },
    },
    after: { fine: true },
  })),
  dataScenario('events over 16 MiB are lost', () => ({
    big: { text: 'x'.repeat(17 * 1024 * 1024) },
    after: { fine: true },
  })),
  dataScenario(
    'events over 256 KiB are refused',
    () => ({ big: { kind: 'big', text: 'x'.repeat(300 * 1024) }, after: { fine: true } }),
    { differences: ['big events'] },
  ),
  dataScenario('events of 200 KiB are stored', () => ({ big: { text: 'x'.repeat(200 * 1024) } })),
  dataScenario(
    'a BigInt over 64 bits is refused',
    () => ({
      huge: { value: 2n ** 64n + 5n },
      under: { value: -(2n ** 63n) - 1n },
      fine: { v: 5n },
    }),
    { differences: ['BigInt over 64 bits'] },
  ),
  dataScenario('deep nesting is stored', () => {
    let value = { bottom: true };
    for (let depth = 0; depth < 20; depth += 1) value = { d: value };
    return { deep: value };
  }),
];
