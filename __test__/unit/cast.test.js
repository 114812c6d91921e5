/** User ids, user names and event names become the strings that mongoose would store. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const bson = require('bson');
const { castString, INVALID } = require('../../lib/encode/cast.js');
const oracle = require('./oracle.js');

const ID = '5f5f5f5f5f5f5f5f5f5f5f5f';
const LIVE = { skip: !oracle.available && 'mongoose is not installed' };

const thrower = () => {
  throw new Error('user code');
};
const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
};

/** Name, value, cast by mongoose (INVALID: refused). */
const table = [
  ['a string', 'u1', 'u1'],
  ['an empty string', '', ''],
  ['null', null, null],
  ['undefined', undefined, undefined],
  ['true', true, 'true'],
  ['a number', 7.5, '7.5'],
  ['minus zero', -0, '0'],
  ['NaN', NaN, 'NaN'],
  ['a bigint', 2n ** 70n, '1180591620717411303424'],
  ['a boxed bigint', Object(2n ** 70n), '1180591620717411303424'],
  ['a symbol', Symbol('s'), 'Symbol(s)'],
  ['a symbol without description', Symbol(), 'Symbol()'],
  ['a boxed string', Object('x'), 'x'],
  ['a boxed number', Object(5), '5'],
  ['an ObjectId', new bson.ObjectId(ID), ID],
  ['a Decimal128', bson.Decimal128.fromString('1.50'), '1.50'],
  ['a Long', bson.Long.fromNumber(5), '5'],
  [
    'a UUID',
    new bson.UUID('00112233-4455-4677-8899-aabbccddeeff'),
    '00112233-4455-4677-8899-aabbccddeeff',
  ],
  ['a Date', new Date(0), String(new Date(0))],
  ['a Buffer', Buffer.from('abc'), 'abc'],
  ['a Uint8Array', new Uint8Array([1, 2]), '1,2'],
  ['a RegExp', /x/g, '/x/g'],
  ['an Error', new TypeError('no'), 'TypeError: no'],
  ['a URL', new URL('http://a/b'), 'http://a/b'],
  ['a function', Object.assign(() => 1, { toString: () => 'source' }), 'source'],
  ['a document with a string as _id', { _id: 'player-1', name: 'x' }, 'player-1'],
  ['an empty string as _id', { _id: '' }, ''],
  ['an array with a string as _id', Object.assign([1], { _id: 'q' }), 'q'],
  ['no prototype but a string as _id', Object.assign(Object.create(null), { _id: 'q' }), 'q'],
  ['a document with a number as _id', { _id: 5 }, INVALID],
  ['a document with an ObjectId as _id', { _id: new bson.ObjectId(ID) }, INVALID],
  ['an own toString', { toString: () => 'mine' }, 'mine'],
  [
    'a class with toString',
    new (class Id {
      toString() {
        return 'id-1';
      }
    })(),
    'id-1',
  ],
  ['a Proxy of an object with toString', new Proxy({ toString: () => 'p' }, {}), 'p'],
  ['toString giving null', { toString: () => null }, null],
  ['toString giving undefined', { toString() {} }, undefined],
  ['a plain object', {}, INVALID],
  ['an array', ['u1'], INVALID],
  ['an array with its own toString', Object.assign([1], { toString: () => 'x' }), INVALID],
  ['a Proxy of an array', new Proxy([1], {}), INVALID],
  ['a null-prototype object', Object.create(null), INVALID],
  ['a class without toString', new (class Plain {})(), INVALID],
  ['a Map', new Map(), INVALID],
  ['a Set', new Set(), INVALID],
  ['a Proxy of a plain object', new Proxy({}, {}), INVALID],
  ['a toString that is null', { toString: null }, INVALID],
];

/** Values whose cast throws: to mongoose that is an invalid value as well. */
const throwing = [
  ['a toString that is no function', { toString: 1 }],
  ['a toString that throws', { toString: thrower }],
  [
    'an _id getter that throws',
    {
      get _id() {
        return thrower();
      },
    },
  ],
  ['a Proxy with a throwing trap', new Proxy({}, { get: thrower })],
  ['a revoked Proxy', revoked()],
];

function castByMongoose(value) {
  const path = oracle.model.schema.path('userId');
  try {
    return path.applySetters(value, new oracle.model());
  } catch {
    return INVALID;
  }
}

for (const [name, value, expected] of table) {
  test(`${name} is cast as mongoose casts it`, () => {
    assert.equal(castString(value), expected);
  });
  test(`${name} agrees with the mongoose installed here`, LIVE, () => {
    assert.equal(castByMongoose(value), expected);
  });
}

for (const [name, value] of throwing) {
  test(`${name} throws, for the caller to catch`, () => {
    assert.throws(() => castString(value));
  });
  test(`${name} is refused by the mongoose installed here`, LIVE, () => {
    assert.equal(castByMongoose(value), INVALID);
  });
}

test('a toString that gives something else than a string is refused, which mongoose would store', () => {
  assert.equal(castString({ toString: () => 5 }), INVALID);
  assert.equal(castString({ toString: () => ({}) }), INVALID);
});

test('a bigint that is too long for an id is refused before it becomes text, boxed or not', () => {
  const huge = 10n ** 300n;
  let texts = 0;
  const boxed = Object(huge);
  boxed.toString = () => {
    texts++;
    return 'text';
  };
  for (const value of [huge, -huge, Object(huge), Object(-huge), boxed]) {
    assert.equal(castString(value), INVALID);
  }
  assert.equal(texts, 0);
});

test('the sentinel is nothing that a value could be cast to', () => {
  assert.equal(typeof INVALID, 'symbol');
  assert.notEqual(castString(INVALID), INVALID);
});
