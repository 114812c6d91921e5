// Arbitrary values through the public API: what is accepted is stored as the replaced class would store
// it, what is refused is counted by its reason, and nothing throws. FUZZ_SEED repeats a run, FUZZ_RUNS
// makes it longer; what has failed once is kept in examples.js.
'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const bson = require('bson');
const fc = require('fast-check');
const { create, useMongod } = require('../../support/setup');
const oracle = require('../../unit/oracle');
const { amountExamples, nameExamples, payloadExamples } = require('./examples');
const { amounts, anyPayloads, names, payloads } = require('./values');

const mongo = useMongod();

const RUNS = Number(process.env.FUZZ_RUNS) || 500;
const seed = Number(process.env.FUZZ_SEED) || Date.now() % 2 ** 31;
/** What this package refuses and the class stores, as docs/differences.md says. */
const REFUSED_HERE_ONLY = [
  'event_too_large',
  'bigint_out_of_range',
  'id_too_long',
  'name_too_long',
];
const GREATEST = 2 ** 53;

let database;
let analytics;
let calls = 0;

/** In each suite: at the top they would not wait for the server. */
async function prepare() {
  if (analytics !== undefined) return;
  console.log(`fuzz: FUZZ_SEED=${seed}`);
  database = mongo.database();
  analytics = create({ uri: database.uri }).analytics;
  await analytics.flush();
}

/** `{ reason }` of a refusal, or `{ event }` as raw BSON, of one call. */
async function tracked(event, userId, data) {
  const before = analytics.getHealth();
  assert.strictEqual(analytics.track(event, userId, data), undefined);
  const after = analytics.getHealth();
  const reasons = Object.entries(after.rejected).filter(
    ([reason, count]) => count !== (before.rejected[reason] ?? 0),
  );
  assert.deepStrictEqual(
    [after.accepted - before.accepted, reasons.length],
    reasons.length === 0 ? [1, 0] : [0, 1],
  );
  await analytics.flush();
  const { dropped, queued, queuedBytes } = analytics.getHealth();
  assert.deepStrictEqual([dropped, queued, queuedBytes], [{}, 0, 0]);
  if (reasons.length > 0) return { reason: reasons[0][0] };
  const newest = { sort: { _id: -1 }, raw: true };
  return { event: await database.db.collection('gsoevents').findOne({}, newest) };
}

const idOf = () => `call ${calls++}`;

/** The element of that name, as hex; '' when there is none. */
function elementOf(bytes, wanted) {
  for (const [, at, length, offset, size] of bson.onDemand.parseToElements(bytes)) {
    const name = Buffer.from(bytes.subarray(at, at + length)).toString();
    if (name !== wanted) continue;
    return Buffer.from(bytes.subarray(at - 1, offset + size)).toString('hex');
  }
  return '';
}

async function property(arbitrary, check, examples, runs = RUNS) {
  for (const make of examples) await check(make());
  await fc.assert(fc.asyncProperty(arbitrary, check), { seed, numRuns: runs });
}

/** The text that mongoose makes of an id or a name: `{ text }`, or `{ isLost: true }`. */
async function castByMongoose(value) {
  try {
    const document = new oracle.model({ userId: value });
    await document.validate();
    return { text: document.toObject().userId };
  } catch {
    return { isLost: true };
  }
}

describe('arbitrary data', { skip: !oracle.available && 'needs mongoose' }, () => {
  before(prepare);

  it('is stored as the class stores it', async (t) => {
    const seen = { stored: 0, refused: 0 };
    const check = async (data) => {
      const userId = idOf();
      const { reason, event } = await tracked('fuzz', userId, data);
      const expected = await oracle.stored(data);
      seen[reason ? 'refused' : 'stored'] += 1;
      if (reason) {
        assert.ok(expected === 'lost' || REFUSED_HERE_ONLY.includes(reason), reason);
        return;
      }
      assert.strictEqual(bson.deserialize(event).userId, userId);
      assert.strictEqual(elementOf(event, 'data'), expected);
    };
    await property(payloads, check, payloadExamples);
    t.diagnostic(JSON.stringify(seen));
    assert.ok(seen.stored > RUNS / 2);
  });

  it('of every kind is stored or refused, never both, and throws nothing', async (t) => {
    const reasons = {};
    const check = async (data) => {
      const userId = idOf();
      const { reason, event } = await tracked('fuzz', userId, data);
      reasons[reason ?? 'stored'] = (reasons[reason ?? 'stored'] ?? 0) + 1;
      const stored = await database.count('gsoevents', { userId });
      assert.strictEqual(stored, reason ? 0 : 1);
      // Whatever it is, it is a document that can be read.
      if (event) assert.strictEqual(bson.deserialize(event).event, 'fuzz');
    };
    await property(anyPayloads, check, payloadExamples);
    t.diagnostic(JSON.stringify(reasons));
    assert.ok(Object.keys(reasons).length > 3, 'hardly anything was refused');
  });
});

describe('an arbitrary id', { skip: !oracle.available && 'needs mongoose' }, () => {
  before(prepare);

  it('is stored as the class stores it', async (t) => {
    const seen = { stored: 0, refused: 0 };
    const check = async (userId) => {
      const { reason, event } = await tracked('fuzz', userId, { n: calls++ });
      const { text, isLost } = await castByMongoose(userId);
      seen[reason ? 'refused' : 'stored'] += 1;
      if (reason) {
        const isTooLong = typeof text === 'string' && Buffer.byteLength(text) > 256;
        assert.ok(isLost || (reason === 'id_too_long' && isTooLong), `${reason}: ${text}`);
        return;
      }
      assert.ok(!isLost, 'the class loses it');
      const expected = text === undefined ? {} : { userId: text };
      assert.strictEqual(
        elementOf(event, 'userId'),
        elementOf(bson.serialize({ ...expected, event: 'fuzz' }), 'userId'),
      );
    };
    await property(names, check, nameExamples);
    t.diagnostic(JSON.stringify(seen));
  });

  it('of an event neither throws nor counts, and is stored like one of a user', async () => {
    const check = async (name) => {
      const { reason, event } = await tracked(name, 'u', { n: calls++ });
      const { text, isLost } = await castByMongoose(name);
      if (reason) assert.ok(isLost || reason === 'name_too_long', reason);
      else assert.strictEqual(bson.deserialize(event).event, utf8(text));
    };
    await property(names, check, nameExamples);
  });

  it('of a player logs in and out, or is counted as refused', async () => {
    const check = async (userId) => {
      const before = analytics.getHealth();
      const sessions = await database.count('gsosessions');
      assert.strictEqual(await analytics.onLogin(userId, userId), undefined);
      const { accepted, rejected, activeSessions } = analytics.getHealth();
      const isIn = accepted > before.accepted;
      assert.strictEqual(activeSessions, isIn ? 1 : 0);
      assert.strictEqual(await database.count('gsosessions'), sessions + activeSessions);
      assert.strictEqual(sum(rejected) - sum(before.rejected), isIn ? 0 : 1);
      assert.strictEqual(await analytics.onLogout(userId), undefined);
      assert.strictEqual(analytics.getHealth().activeSessions, 0);
      assert.strictEqual(await database.count('gsosessions', { logoutAt: null }), 0);
    };
    await property(names, check, nameExamples, RUNS / 2);
  });
});

const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);

/** As it comes back from the database: without halves of characters. */
const utf8 = (text) => (typeof text === 'string' ? Buffer.from(text).toString() : text);

describe('an arbitrary amount', () => {
  before(prepare);

  it('adds what it is worth, and never spoils a total', async (t) => {
    const warnings = () => analytics.getHealth().warnings;
    const check = async (amount) => {
      const [before, warningsBefore] = [await total(), warnings()];
      await tracked('credits.earn', 'u', { amount });
      const added = worthOf(amount);
      const isLeftOut = Math.abs(before + added) > GREATEST;
      assert.strictEqual(await total(), isLeftOut ? before : before + added);
      const leftOut = (warnings().total_left_out ?? 0) - (warningsBefore.total_left_out ?? 0);
      assert.strictEqual(leftOut, isLeftOut ? 1 : 0);
    };
    await property(amounts, check, amountExamples);
    t.diagnostic(`warnings ${JSON.stringify(warnings())}; the total is ${await total()}`);
    assert.ok(Number.isFinite(await total()) && warnings().invalid_amount > 0);
  });
});

async function total() {
  const days = await database.days();
  return days.reduce((credits, day) => credits + day.creditsEarned, 0);
}

/** Numbers of every type and numeric strings up to 2^53, and 0 for everything else. */
function worthOf(amount) {
  const isText = typeof amount === 'string' && amount.trim() !== '';
  const isNumber = ['number', 'bigint'].includes(typeof amount) || amount instanceof Number;
  const isNumeric = ['Double', 'Int32', 'Long', 'Decimal128'].includes(amount?._bsontype);
  const number = isText || isNumber || isNumeric ? Number(amount.toString()) : 0;
  return Number.isFinite(number) && Math.abs(number) <= GREATEST ? number : 0;
}
