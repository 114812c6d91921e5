// Values that change while they are read, and methods that a host has patched: a record that cannot be stored
// costs only itself.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const bson = require('bson');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const AROUND = 20;

/** `value` with a property that has one value for `reads` reads, and another from then on. */
function turning(value, name, reads, first, then) {
  let count = 0;
  const get = () => (count++ < reads ? first : then);
  return Object.defineProperty(value, name, { get, configurable: true });
}

/** Values by name, each made for a number of reads, which the tests try in turn. */
const LIARS = {
  'a RegExp whose source changes': (reads) => turning(/x/, 'source', reads, 'x', 'a\0\u0002zz'),
  'a RegExp whose source gets a NUL': (reads) => turning(/x/i, 'source', reads, 'x', '\0'),
  'a Binary whose position changes': (reads) =>
    turning(new bson.Binary(Buffer.alloc(32)), 'position', reads, 32, 7),
  'a Binary whose position is beyond its end': () =>
    Object.assign(new bson.Binary(Buffer.alloc(4)), { position: 100 }),
  'a Binary whose subtype becomes the old one': (reads) =>
    turning(new bson.Binary(Buffer.alloc(9)), 'sub_type', reads, 0, 2),
  'bytes whose length changes': (reads) => turning(new Uint8Array(8), 'length', reads, 8, 3),
  'Code whose text changes': (reads) => turning(new bson.Code('x'), 'code', reads, 'x', 'yyyyyyy'),
  'a symbol whose text changes': (reads) =>
    turning(new bson.BSONSymbol('x'), 'value', reads, 'x', 'y\0y'),
  'a pattern that changes': (reads) =>
    turning(new bson.BSONRegExp('x', 'i'), 'pattern', reads, 'x', 'y\0y'),
};

/** Tracks it between good records, and returns what is stored and counted. */
async function storedAround(trackIt) {
  const database = mongo.database();
  const { analytics, lines } = create({ uri: database.uri, operationTimeoutMs: 20_000 });
  const earn = () => analytics.track('credits.earn', 'innocent', { amount: 1 });
  for (let i = 0; i < AROUND; i++) earn();
  await trackIt(analytics);
  for (let i = 0; i < AROUND; i++) earn();
  await analytics.flush();
  const innocent = await database.count('gsoevents', { userId: 'innocent' });
  const [{ creditsEarned }] = await database.days();
  assert.deepStrictEqual([innocent, creditsEarned], [2 * AROUND, 2 * AROUND]);
  const health = analytics.getHealth();
  const lost = Object.values(health.dropped).reduce((sum, count) => sum + count, 0);
  assert.deepStrictEqual(
    [health.accepted, health.queued, health.queuedBytes],
    [health.written + lost, 0, 0],
  );
  // Everything that is stored can be read, as here.
  return { ...health, lost, lines, stored: await database.events() };
}

describe('a value that changes while it is read', { concurrency: 4 }, () => {
  for (const [what, make] of Object.entries(LIARS)) {
    it(`costs its own record at most: ${what}`, async () => {
      const { stored, lost, accepted } = await storedAround((analytics) => {
        for (let reads = 0; reads < 8; reads++) {
          analytics.track('lie', 'liar', { before: 1, value: make(reads), after: 1 });
          analytics.track('credits.spend', 'liar', { amount: 0, nested: [{ value: make(reads) }] });
        }
      });
      assert.strictEqual(stored.length + lost, accepted);
    });
  }

  it('is dropped and counted, with one line', async () => {
    const { dropped, stored, lines } = await storedAround((analytics) => {
      for (let times = 0; times < 3; times++) {
        analytics.track('lie', 'liar', { value: LIARS['a RegExp whose source gets a NUL'](3) });
        analytics.track('lie', 'liar', { value: /x/ });
      }
    });
    assert.deepStrictEqual(dropped, { malformed: 3 });
    assert.strictEqual(stored.filter(({ event }) => event === 'lie').length, 3);
    const told = lines.filter((line) => /malformed/.test(line));
    assert.match(told.join('\n'), /^warn \[ANALYTICS\] what was encoded of a record is no BSON;/);
    assert.strictEqual(told.length, 1);
  });
});

/** Patches a method as long as `during` runs. */
async function patched([owner, name, method], during) {
  const { [name]: original } = owner;
  owner[name] = method;
  try {
    return await during();
  } finally {
    owner[name] = original;
  }
}

const PATCHES = {
  'charCodeAt gives 0': [String.prototype, 'charCodeAt', () => 0],
  'charCodeAt gives a letter': [String.prototype, 'charCodeAt', () => 65],
  'charCodeAt gives a number beyond ASCII': [String.prototype, 'charCodeAt', () => 233],
  'includes denies a NUL': [String.prototype, 'includes', () => false],
  'Buffer.write lies': [Buffer.prototype, 'write', () => 1e9],
  'Buffer.write writes nothing': [Buffer.prototype, 'write', () => 0],
  'Buffer.utf8Write lies': [Buffer.prototype, 'utf8Write', () => 5],
  'Buffer.byteLength lies': [Buffer, 'byteLength', () => 1],
  'set does nothing': [Object.getPrototypeOf(Uint8Array.prototype), 'set', () => {}],
  'subarray gives nothing': [Buffer.prototype, 'subarray', () => new Uint8Array(0)],
  'setUint32 does nothing': [DataView.prototype, 'setUint32', () => {}],
  'setInt32 does nothing': [DataView.prototype, 'setInt32', () => {}],
  'setFloat64 throws': [DataView.prototype, 'setFloat64', () => assert.fail()],
  'hasOwnProperty throws': [Object.prototype, 'hasOwnProperty', () => assert.fail()],
};

describe('a method that a host has patched', () => {
  for (const [what, patch] of Object.entries(PATCHES)) {
    it(`costs no record that is tracked without it: ${what}`, async () => {
      const promises = [];
      await storedAround(async (analytics) => {
        await patched(patch, () => {
          const odd = {
            amount: 0,
            text: 'é'.repeat(50),
            'key\0': 1,
            'a longer key': [1, { b: 2 }],
          };
          analytics.track('credits.spend', 'odd', odd);
          analytics.track('odd', 'odd', { ...odd, 'key\0': undefined, value: Buffer.alloc(9) });
          promises.push(analytics.onLogin('odd', 'é'.repeat(30)), analytics.onLogout('odd'));
        });
      });
      await Promise.all(promises);
    });
  }
});
