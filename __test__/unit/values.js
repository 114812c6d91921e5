/** Payloads for `encode.test.js`: each is created afresh, so that no test sees another's changes. */
'use strict';

const bson = require('bson');

const ID = '5f5f5f5f5f5f5f5f5f5f5f5f';
const empty = () => ({});

class Player {
  constructor() {
    this.level = 1;
    this.empty = {};
    this.missing = undefined;
    this.method = () => 1;
  }
}
class Money {
  valueOf() {
    return 42;
  }
}
class LaterDate extends Date {}
class Jsonable {
  constructor() {
    this.kept = 1;
  }
  toJSON() {
    return 5;
  }
}
class Bsonable {
  toBSON() {
    return { b: 1, empty: {}, missing: undefined };
  }
}

function fixedError(type, fields = {}) {
  const error = new type('boom');
  error.stack = 'the stack';
  return Object.assign(error, fields);
}

const values = {
  'reference payload': () => ({ amount: 5, reason: 'quest', questId: 'q17', level: 42 }),
  null: () => null,
  undefined: () => undefined,
  string: () => 'text',
  number: () => 1.5,
  boolean: () => true,
  'array of scalars': () => [1, 'a', null, false, 2.5],
  'empty object': empty,
  'empty array': () => [],
  numbers: () => ({
    zero: 0,
    minusZero: -0,
    max: 2 ** 31 - 1,
    over: 2 ** 31,
    min: -(2 ** 31),
    under: -(2 ** 31) - 1,
    big: 2 ** 40,
    half: 0.5,
    nan: NaN,
    infinity: Infinity,
    minusInfinity: -Infinity,
    huge: 1e300,
    tiny: 5e-324,
  }),
  'texts of all widths': () => ({ a: 'é', b: '€', c: '😀', d: '\0', ключ: '值'.repeat(60) }),
  'long ASCII text': () => ({ t: 'x'.repeat(1000), [`k${'y'.repeat(100)}`]: 1 }),
  'lone surrogates': () => ({ '\ud800k': 'a\udc00b', x: `${'z'.repeat(80)}\ud800` }),
  'empty objects at all places': () => ({
    a: {},
    b: { c: {} },
    d: [],
    e: [{}],
    f: [{ g: {} }],
    h: { i: { j: {} }, k: 1 },
  }),
  undefineds: () => ({ a: undefined, b: [undefined, 1], c: { d: undefined } }),
  // biome-ignore lint/suspicious/noSparseArray: the hole is the point
  'sparse array': () => [1, , 3],
  functions: () => ({ f() {}, g: { h() {} }, i: [1, () => 2, 3] }),
  'only a function': () => ({ f() {} }),
  'a function': () => () => 1,
  symbols: () => ({ s: Symbol('s'), [Symbol('key')]: 1, a: [1, Symbol('x'), 3] }),
  'a symbol': () => Symbol('x'),
  'more than ten elements': () => Array.from({ length: 120 }, (_, i) => i),
  'peculiar keys': () => ({
    $set: { a: 1 },
    'a.b': 1,
    '': 2,
    _id: 3,
    toString: 4,
    length: 5,
    7: 6,
  }),
  'same object twice': () => {
    const part = { k: 1, e: {} };
    return { a: part, b: part, c: [part] };
  },
  'same empty object twice': () => {
    const part = {};
    return { a: part, b: part };
  },
  'same empty object in an array and outside': () => {
    const part = {};
    return { a: [part], b: part, c: { d: part } };
  },
  'object with an empty one twice': () => {
    const part = {};
    const whole = { y: part, z: 1 };
    return { p: whole, q: whole, r: [part, whole], s: [[whole]] };
  },
  'same array below a class instance and outside': () => {
    const list = [{ x: {} }, undefined, new Map([['u', undefined]])];
    const part = {};
    return { p: Object.assign(new Player(), { list }), q: list, r: part, s: part };
  },
  date: () => ({ d: new Date(1234567890123) }),
  'date before 1970': () => ({ d: new Date(-1) }),
  'a date': () => new Date(5),
  'invalid date': () => ({ d: new Date(NaN) }),
  'an invalid date': () => new Date(NaN),
  'subclass of Date': () => ({ d: new LaterDate(5) }),
  'a subclass of Date': () => new LaterDate(5),
  buffer: () => ({ b: Buffer.from('ab'), e: Buffer.alloc(0) }),
  'a buffer': () => Buffer.from('abc'),
  'typed arrays': () => ({
    u8: new Uint8Array([1, 2]),
    u16: new Uint16Array([1, 2]),
    f64: new Float64Array([1.5]),
    clamped: new Uint8ClampedArray([1]),
    view: new DataView(new ArrayBuffer(2)),
    raw: new ArrayBuffer(2),
  }),
  'a typed array': () => new Uint16Array([1, 2]),
  'boxed values': () => ({
    n: Object(5),
    s: Object('ab'),
    b: Object(false),
    y: Object(Symbol('x')),
    i: Object(5n),
  }),
  'a boxed number': () => Object(5),
  'a boxed string': () => Object('ab'),
  'a boxed boolean': () => Object(true),
  bigints: () => ({ a: 5n, min: -(2n ** 63n), max: 2n ** 63n - 1n, list: [1n] }),
  'a bigint': () => 5n,
  regexps: () => ({ r: /x/gimsuy, n: /\0/ }),
  'a regexp': () => /x/i,
  maps: () => ({
    m: new Map([
      ['a', {}],
      ['b', undefined],
      ['c', () => 1],
      ['9', 1],
      ['1', 2],
    ]),
  }),
  'empty map': () => ({ m: new Map() }),
  'a map': () => new Map([['a', new Map([['b', 1]])]]),
  'a map with keys of other types': () => new Map([[1, 2]]),
  sets: () => ({
    s: new Set([1]),
    w: new WeakMap(),
    p: Promise.resolve(),
    u: new URL('http://a/'),
  }),
  'a set': () => new Set([1]),
  'an error': () => fixedError(TypeError, { code: 'E', cause: fixedError(Error), empty: {} }),
  'nested error': () => ({ e: fixedError(Error), f: fixedError(Error, { code: 'E', o: {} }) }),
  'class instance': () => ({ p: new Player(), list: [new Player()] }),
  'a class instance': () => new Player(),
  valueOf: () => ({ m: new Money() }),
  toJSON: () => ({ j: new Jsonable() }),
  toBSON: () => ({ b: new Bsonable(), list: [new Bsonable()] }),
  'a toBSON': () => new Bsonable(),
  'toBSON of a plain object': () => ({ o: { toBSON: () => ({ x: {} }) } }),
  'toBSON giving a scalar': () => ({ o: { toBSON: () => 7 } }),
  'toBSON giving a date': () => ({ o: { toBSON: () => new Date(3) } }),
  'toBSON giving nothing': () => ({ o: { toBSON() {} }, list: [{ toBSON() {} }] }),
  'toBSON giving an array': () => ({ o: { toBSON: () => [1, undefined, {}] } }),
  'no prototype': () => Object.assign(Object.create(null), { a: 1, e: {}, n: Object.create(null) }),
  'inherited properties': () => ({
    o: Object.create({ not: 1 }, { own: { value: 2, enumerable: true } }),
  }),
  'properties that are not enumerable': () => Object.defineProperty({ a: 1 }, 'b', { value: 2 }),
  getters: () => ({
    get a() {
      return 1;
    },
    get b() {
      return { c: {} };
    },
  }),
  'array with properties': () => Object.assign([1], { x: 1 }),
  'subclass of Array': () => new (class List extends Array {})(3).fill({}),
  arguments: () =>
    (function list() {
      // biome-ignore lint/complexity/noArguments: the point
      return arguments;
    })(1, 2),
  proxies: () => ({
    o: new Proxy({ a: 1, e: {} }, {}),
    l: new Proxy([1, {}], {}),
    p: new Proxy(new Player(), {}),
  }),
  namespaces: () => ({ m: Math, j: JSON }),
  ObjectId: () => ({ i: new bson.ObjectId(ID) }),
  'an ObjectId': () => new bson.ObjectId(ID),
  'bson types': () => ({
    dec: bson.Decimal128.fromString('1.50'),
    long: bson.Long.fromNumber(5),
    int: new bson.Int32(5),
    double: new bson.Double(5),
    time: new bson.Timestamp({ t: 1, i: 2 }),
    binary: new bson.Binary(Buffer.from('a'), 5),
    uuid: new bson.UUID('00112233-4455-4677-8899-aabbccddeeff'),
    code: new bson.Code('x'),
    scoped: new bson.Code('x', { s: {}, u: undefined }),
    ref: new bson.DBRef('c', new bson.ObjectId(ID)),
    regexp: new bson.BSONRegExp('a', 'i'),
    min: new bson.MinKey(),
    max: new bson.MaxKey(),
    symbol: new bson.BSONSymbol('x'),
  }),
  'a Long': () => bson.Long.fromNumber(5),
  'a Decimal128': () => bson.Decimal128.fromString('1.50'),
  'looks like a bson type': () => ({ o: { _bsontype: 'ObjectId', id: 'x' } }),
  'looks like a Double': () => ({ o: { _bsontype: 'Double', value: 5 } }),
  'has toObject': () => ({ o: { toObject: () => ({ z: 1 }), a: 1 } }),
  'looks like a mongoose document': () => ({ o: { $__: 1, a: 1 } }),
  'a key constructor': () => ({ a: { constructor: 1, e: {}, u: undefined } }),
  'a key constructor, empty': () => ({ a: { constructor: {}, e: {} } }),
  'NUL in a text': () => ({ a: 'x\0y' }),
  'NUL in a key': () => ({ 'a\0': 1 }),
  'NUL in the key of a map': () => new Map([['a\0b', 1]]),
  'NUL in a regexp': () => ({ r: new RegExp(['a', 'b'].join('\0')) }),
};

/** What the project stores otherwise than the reference, on purpose: name to [value, as stored]. */
const deviations = {
  'own key __proto__': [() => JSON.parse('{"__proto__":{"a":1},"b":1}'), null],
  'own key constructor': [() => ({ constructor: 'x', b: 1 }), null],
  'own key prototype': [() => ({ prototype: 1, b: 2 }), null],
};

module.exports = { values, deviations };
