// Values that were made in another realm (a `vm` context) become what mongoose makes of them, which
// tells some of them by `instanceof` and thus takes them for something else.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const bson = require('bson');
const { castString, INVALID } = require('../../../lib/encode/cast');
const { Encoder } = require('../../../lib/encode/bson');
const oracle = require('../../unit/oracle');
const { createRealm } = require('../../support/realm');

const realm = createRealm({ outside: ['bson'] });
const { values } = realm.load(require.resolve('../../unit/values'));

const MORE = realm.run(`({
  'an object without a prototype': () => Object.create(null),
  'a promise': () => ({ p: Promise.resolve(1), q: [Promise.resolve(1)] }),
  'a shared buffer': () => ({ b: new SharedArrayBuffer(3) }),
  'weak things': () => ({ m: new WeakMap(), s: new WeakSet(), r: new WeakRef({}) }),
  'iterators': () => ({ a: [][Symbol.iterator](), m: new Map().keys() }),
  'a subclass of Map': () => ({ m: new (class Items extends Map {})([['a', {}]]) }),
  'a subclass of Error': () => ({ e: Object.assign(new (class Lost extends Error {})('m'), { stack: '' }) }),
  'an AggregateError': () => Object.assign(new AggregateError([], 'm'), { stack: '' }),
  'a class': () => class Player {},
  'formats': () => ({ n: new Intl.NumberFormat('en') }),
  'inherited values': () => Object.create({ inherited: 1 }),
  'maps in lists': () => [new Map([['x', new Set([1])]]), {}, [new Date(9)]],
})`);

/** What depends on the realm in mongoose: to it these are objects of classes that it does not know. */
const OTHERWISE_THAN_HERE = [
  ...['a boxed boolean', 'a boxed number', 'a boxed string', 'a subclass of Date', 'an error'],
];

function encoded(value) {
  const encoder = new Encoder({ bson: () => bson, maxBytes: 2 ** 18, capacity: 64 });
  try {
    const end = encoder.data(value, 3);
    return encoder.bytes.toString('hex', 3, end);
  } catch {
    return 'lost';
  }
}

describe('data of another realm', {
  skip: !oracle.available && 'mongoose is not installed',
}, () => {
  it('is from another realm indeed', () => {
    const date = values['a date']();
    assert.ok(!(date instanceof Date) && !(values['a map']() instanceof Map));
    assert.notStrictEqual(Object.getPrototypeOf(values['reference payload']()), Object.prototype);
  });

  for (const [name, make] of Object.entries({ ...values, ...MORE })) {
    it(`${name}: same bytes as mongoose stores`, async () => {
      assert.strictEqual(encoded(make()), await oracle.stored(make()));
    });
  }

  it('is mostly what data of this realm is', () => {
    const here = oracle.recorded();
    const differing = Object.keys(values).filter((name) => encoded(values[name]()) !== here[name]);
    assert.deepStrictEqual(differing.sort(), OTHERWISE_THAN_HERE);
  });
});

describe('ids and names of another realm', {
  skip: !oracle.available && 'mongoose is not installed',
}, () => {
  const IDS = realm.run(`[
    Object('text'), Object(5), new Date(0), /x/g, new TypeError('no'), new Uint8Array([1, 2]), 5n,
    Symbol('s'), ['u1'], { _id: 'document' }, { toString: () => 'own' }, Object.create(null), {},
    new Map(), new (class Id { toString() { return 'id-1'; } })(), new Proxy(['u1'], {}), NaN, true,
  ]`);

  const castByMongoose = (value) => {
    try {
      return oracle.model.schema.path('userId').applySetters(value, new oracle.model());
    } catch {
      return INVALID;
    }
  };

  it('become the strings that mongoose makes of them', () => {
    for (const value of IDS) assert.strictEqual(castString(value), castByMongoose(value));
  });
});
