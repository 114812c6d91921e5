/** Payloads become the bytes that the mongoose-based class stored, within a budget. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const bson = require('bson');
const { Encoder, MAX_DEPTH } = require('../../lib/encode/bson.js');
const { Rejection } = require('../../lib/encode/rejection.js');
const oracle = require('./oracle.js');
const { payloads } = require('./random-payload.js');
const { values, deviations } = require('./values.js');

const LIVE = { skip: !oracle.available && 'mongoose is not installed' };
const BUDGET = 256 * 1024;
const SEED = Number(process.env.GSO_TEST_SEED ?? Date.now() % 2 ** 32);
const ROUNDS = 4000;

function createEncoder(options = {}) {
  return new Encoder({ bson: () => bson, maxBytes: BUDGET, capacity: 64, ...options });
}

/** The element as hex, '' when nothing is stored. */
function encoded(value, encoder = createEncoder()) {
  const end = encoder.data(value, 3);
  return encoder.bytes.toString('hex', 3, end);
}

function reasonOf(value, options) {
  try {
    encoded(value, createEncoder(options));
  } catch (error) {
    assert.ok(error instanceof Rejection, `threw ${error}`);
    return error.reason;
  }
  return null;
}

function nested(levels, wrap) {
  let value = wrap(1);
  for (let i = 1; i < levels; i++) value = wrap(value);
  return value;
}

const inObject = (value) => ({ a: value });
const inArray = (value) => [value];

const recorded = oracle.recorded();
for (const [name, create] of Object.entries(values)) {
  test(`${name}: same bytes as recorded`, () => {
    assert.ok(name in recorded, 'run node __test__/unit/oracle.js');
    if (recorded[name] === 'lost') assert.notEqual(reasonOf(create()), null);
    else assert.equal(encoded(create()), recorded[name]);
  });
  test(`${name}: same bytes as the mongoose installed here`, LIVE, async () => {
    assert.equal(await oracle.stored(create()), recorded[name]);
  });
}

for (const [name, [create]] of Object.entries(deviations)) {
  test(`${name} is plain data, which the reference drops`, () => {
    const value = create();
    const document = Buffer.from(encoded(value).slice(12), 'hex');
    assert.deepEqual(bson.deserialize(document), value);
  });
}

test(`random payloads are stored as mongoose stores them, seed ${SEED}`, LIVE, async () => {
  const next = payloads(SEED);
  const encoder = createEncoder();
  let compared = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const value = next();
    const expected = await oracle.stored(value);
    if (expected === 'lost') {
      assert.notEqual(reasonOf(value), null, `seed ${SEED}, round ${round}`);
      continue;
    }
    assert.equal(encoded(value, encoder), expected, `seed ${SEED}, round ${round}`);
    compared++;
  }
  assert.ok(compared > ROUNDS * 0.8, `only ${compared} of ${ROUNDS} could be compared`);
});

class Price {
  valueOf() {
    return 1;
  }
  toBSON() {
    return { cents: 100 };
  }
}

test(
  'mongoose documents, maps, buffers and spread documents are stored as fields',
  LIVE,
  async () => {
    const { Schema, model } = oracle.mongoose;
    const Item = model(
      'EncodeItem',
      new Schema({
        n: Number,
        any: Schema.Types.Mixed,
        tags: { type: Map, of: String },
        list: [{ x: Number }],
        bytes: Buffer,
        friend: { type: Schema.Types.ObjectId, ref: 'EncodeItem' },
      }),
    );
    const item = new Item({
      n: 1,
      any: { e: {} },
      tags: { a: 'x' },
      list: [{ x: 1 }],
      bytes: Buffer.from('q'),
    });
    const friend = new Item({ n: 2, any: new Price() });
    const outer = new Item({ friend });
    const priced = new Item({ n: 3, any: new Price() });
    const samples = [
      priced,
      { priced },
      outer,
      { outer },
      { f: outer.friend },
      friend,
      { friend },
      item,
      { item },
      [item],
      { ...item },
      { s: { ...item } },
      { m: item.tags },
      item.tags,
      { b: item.bytes },
      item.bytes,
      { l: item.list },
      item.list,
      { o: item.toObject() },
    ];
    for (const [index, sample] of samples.entries()) {
      assert.equal(encoded(sample), await oracle.stored(sample), `sample ${index}`);
    }
  },
);

test('nesting as deep as mongod takes it is accepted, one level more refused', () => {
  // Measured on mongod 6.0: 180 levels, of which the event document is the first.
  assert.equal(MAX_DEPTH, 179);
  for (const wrap of [inObject, inArray, (value) => new Map([['a', value]])]) {
    assert.equal(reasonOf(nested(MAX_DEPTH, wrap)), null);
    assert.equal(reasonOf(nested(MAX_DEPTH + 1, wrap)), 'too_deep');
    assert.equal(reasonOf(nested(100_000, wrap)), 'too_deep');
  }
});

test('what an object held that turned out to be no plain one is not copied from there', () => {
  const [empty, shared] = [{}, { text: 'here and there' }];
  const special = { shared, toBSON: () => 5 };
  const over = 'written where that was'.repeat(9);
  // The second time an empty object comes, everything is looked at again.
  const value = { once: empty, twice: empty, special, over, shared };
  const stored = (data) => {
    const hex = encoded(data);
    const length = Buffer.alloc(4);
    length.writeInt32LE(hex.length / 2 + 5);
    return bson.deserialize(Buffer.concat([length, Buffer.from(`${hex}00`, 'hex')])).data;
  };
  assert.deepEqual(stored(value), { twice: {}, special: 5, over, shared });
});

test('cycles are refused', () => {
  const object = { a: 1 };
  object.self = { object };
  const array = [];
  array.push([array]);
  const map = new Map();
  map.set('m', map);
  const instance = new (class Node {})();
  instance.next = instance;
  for (const value of [object, array, map, instance, { deep: object }]) {
    assert.equal(reasonOf(value), 'cyclic');
  }
});

test('user objects inside values of the bson package are bounded too', () => {
  const scope = {};
  scope.self = scope;
  assert.equal(reasonOf({ c: new bson.Code('x', scope) }), 'cyclic');
  assert.equal(reasonOf({ r: new bson.DBRef('c', nested(200, inObject)) }), 'too_deep');
});

test('every kind of unusable value is refused with its reason', () => {
  const fail = () => {
    throw new Error('user code');
  };
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const foreign = { _bsontype: 'Long', [Symbol.for('@@mdb.bson.version')]: 5 };
  const table = [
    [{ a: 2n ** 63n }, 'bigint_out_of_range'],
    [[-(2n ** 63n) - 1n], 'bigint_out_of_range'],
    [
      {
        a: {
          get b() {
            return fail();
          },
        },
      },
      'unreadable',
    ],
    [new Proxy({}, { ownKeys: fail }), 'unreadable'],
    [{ p: new Proxy({}, { getPrototypeOf: fail }) }, 'unreadable'],
    [{ p: revoked.proxy }, 'unreadable'],
    [{ toBSON: fail }, 'unreadable'],
    [
      {
        v: new (class V {
          valueOf() {
            return fail();
          }
        })(),
      },
      'unreadable',
    ],
    [{ 'a\0b': 1 }, 'invalid_key'],
    [{ [`${'k'.repeat(90)}\0`]: 1 }, 'invalid_key'],
    [new Map([['\0', 1]]), 'invalid_key'],
    [new Map([[1, 1]]), 'unserializable'],
    [{ l: foreign }, 'unserializable'],
    [{ o: { _bsontype: 'Nonsense' } }, 'unserializable'],
  ];
  for (const [value, reason] of table) assert.equal(reasonOf(value), reason);
  assert.equal(reasonOf({ d: new Date(0) }, { bson: fail }), 'unserializable');
});

test('an ObjectId or Decimal128 of another bson version is stored, as mongoose does it', () => {
  class ObjectId {
    _bsontype = 'ObjectId';
    id = Buffer.from('5f5f5f5f5f5f5f5f5f5f5f5f', 'hex');
  }
  assert.equal(encoded({ i: new ObjectId() }), recorded.ObjectId);
});

test('what is over the budget is refused, what just fits is not', () => {
  const fits = 'x'.repeat(BUDGET - 5);
  assert.equal(reasonOf(fits), null);
  assert.equal(reasonOf(`${fits}x`), 'event_too_large');
  assert.equal(reasonOf({ a: [fits] }), 'event_too_large');
  assert.equal(reasonOf({ a: 'é'.repeat(BUDGET / 2) }), 'event_too_large');
  assert.equal(reasonOf({ a: Buffer.alloc(BUDGET) }), 'event_too_large');
  assert.equal(reasonOf({ a: 1 }, { maxBytes: 12 }), null);
  assert.equal(reasonOf({ a: 1 }, { maxBytes: 11 }), 'event_too_large');
});

test('huge values are refused in a time that the budget bounds', () => {
  const keys = {};
  for (let i = 0; i < 1e6; i++) keys[`key${i}`] = i;
  const undefineds = {};
  for (let i = 0; i < 1e6; i++) undefineds[`key${i}`] = undefined;
  let doubling = {};
  for (let i = 0; i < 60; i++) doubling = { a: doubling, b: { c: doubling } };
  let wide = { x: 1 };
  for (let i = 0; i < 60; i++) wide = { a: wide, b: wide };
  const huge = {
    text: 'x'.repeat(500e6),
    key: { ['k'.repeat(100e6)]: 1 },
    keys,
    undefineds,
    wide,
    doubling,
    sparse: new Array(2 ** 32 - 1),
    longArray: new Array(1e7).fill(undefined),
    functions: new Array(1e7).fill(() => 1),
    bytes: Buffer.alloc(20 * 2 ** 20),
    typed: new Float64Array(5e7),
    boxed: new String('x'.repeat(100e6)),
    map: new Map(Array.from({ length: 1e6 }, (_, i) => [`k${i}`, i])),
    binary: new bson.Binary(Buffer.alloc(20 * 2 ** 20)),
    code: new bson.Code('x', { keys }),
    regexp: new RegExp('x'.repeat(1e6)),
  };
  for (const [name, value] of Object.entries(huge)) {
    // Time on the processor: other programs may be busy.
    const begin = process.cpuUsage();
    assert.equal(reasonOf(value), 'event_too_large', name);
    const { user, system } = process.cpuUsage(begin);
    const took = (user + system) / 1000;
    // Only listing the keys of an object cannot be cut short; everything else takes a few ms.
    assert.ok(took < 2000, `${name} took ${took} ms`);
  }
  assert.equal(reasonOf({ set: new Set([keys]), weak: new WeakMap() }), null);
});

test('an encoder is unharmed by a rejection and by growing', () => {
  const encoder = createEncoder({ capacity: 1024 });
  for (let round = 0; round < 3; round++) {
    assert.throws(
      () =>
        encoder.data(
          {
            a: {
              b: {
                get c() {
                  throw 1;
                },
              },
            },
          },
          3,
        ),
      Rejection,
    );
    assert.throws(() => encoder.data(nested(200, inObject), 3), { reason: 'too_deep' });
    encoder.data({ t: 'x'.repeat(5000) }, 3);
    assert.ok(encoder.bytes.length > 5000);
    encoder.shrink();
    assert.equal(encoder.bytes.length, 1024);
    const name = 'reference payload';
    assert.equal(encoded(values[name](), encoder), recorded[name]);
  }
});

test('each property of a plain payload is read once', () => {
  let reads = 0;
  const counted = {
    get a() {
      return ++reads;
    },
    list: [
      {
        get b() {
          return ++reads;
        },
      },
    ],
  };
  encoded(counted);
  assert.equal(reads, 2);
});

test('the official module is not loaded for plain payloads', () => {
  const bsonLoader = () => assert.fail('loaded');
  assert.equal(reasonOf(values['reference payload'](), { bson: bsonLoader }), null);
});

test('a payload from another realm counts as plain', () => {
  const make = 'JSON.parse(\'{"a":1,"e":{},"l":[{}],"n":{"x":"y"}}\')';
  const foreign = require('node:vm').runInNewContext(make);
  assert.equal(encoded(foreign), encoded(JSON.parse(JSON.stringify(foreign))));
});
