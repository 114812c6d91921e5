// Data with values of the host's own `bson`, which is another major version than ours with mongoose
// 8: stored as mongoose itself would store them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { BSON } = require('../../support/driver');
const { makeHost } = require('./folder');

const mongo = useMongod();

/** As they are in the database: no type is turned into a JavaScript one. */
const AS_STORED = { promoteValues: false, promoteBuffers: false, bsonRegExp: true };

/** Runs in the host: one event per value, and the same value by the host's own mongoose. */
async function trackEach(given, report) {
  const load = () => require('mongoose');
  const early = given.isLate ? undefined : load();
  const AnalyticsSystem = require('gso-analytics');
  const analytics = new AnalyticsSystem();
  const mongoose = early ?? load();
  const { Schema, mongo, Types } = mongoose;
  const oid = () => new Types.ObjectId('507f1f77bcf86cd799439011');
  const Item = mongoose.model('Item', new Schema({ name: String, tags: [String], by: Map }));
  const item = new Item({ _id: oid(), name: 'sword', tags: ['a'], by: { x: 1 } });
  const values = {
    objectId: oid(),
    decimal: Types.Decimal128.fromString('1234.5678'),
    long: mongo.Long.fromString('9007199254740993'),
    int: new mongo.Int32(7),
    double: new mongo.Double(7),
    binary: new mongo.Binary(Buffer.from('bytes')),
    ownBinary: new mongo.Binary(Buffer.from('bytes'), 0x80),
    uuid: new mongo.UUID('01234567-89ab-4def-8123-456789abcdef'),
    timestamp: new mongo.Timestamp({ t: 1_700_000_000, i: 3 }),
    minKey: new mongo.MinKey(),
    maxKey: new mongo.MaxKey(),
    code: new mongo.Code('return 1'),
    scopedCode: new mongo.Code('return x', { x: oid() }),
    regExp: new mongo.BSONRegExp('^a', 'i'),
    symbol: new mongo.BSONSymbol('s'),
    reference: new mongo.DBRef('items', oid()),
    document: item,
    buffer: new Types.Buffer('bytes'),
    plain: { date: new Date(0), regExp: /a/i, big: 5n, map: new Map([['id', oid()]]) },
  };
  for (const [event, value] of Object.entries(values)) {
    analytics.track(event, 'u', { value, list: [value] });
  }
  await mongoose.connect(given.uri);
  const Expected = mongoose.model(
    'Expected',
    new Schema({ event: String, data: Schema.Types.Mixed }),
  );
  for (const [event, value] of Object.entries(values)) {
    await Expected.create({ event, data: { value, list: [value] } });
  }
  await analytics.stop();
  const { accepted, rejected } = analytics.getHealth();
  report({ accepted, rejected, names: Object.keys(values), major: mongoose.version[0] });
  await mongoose.disconnect();
}

async function storedIn(database, collection) {
  const documents = await database.db.collection(collection).find({}, AS_STORED).toArray();
  return Object.fromEntries(
    documents.map(({ event, data }) => [event, BSON.EJSON.stringify(data, { relaxed: false })]),
  );
}

for (const [major, source] of [
  [9, 'mongoose'],
  [8, 'mongoose8'],
]) {
  describe(`values of the bson of mongoose ${major}`, { concurrency: 2 }, () => {
    const cwd = makeHost({ mongoose: source });

    for (const isLate of [false, true]) {
      it(`are stored as its own types, loaded ${isLate ? 'late' : 'first'}`, async () => {
        const database = mongo.database();
        const given = { uri: database.uri, isLate };
        const { result, stderr } = await runProgram(trackEach, { cwd, given });
        assert.strictEqual(stderr, '');
        assert.deepStrictEqual([result.accepted, result.rejected], [result.names.length, {}]);
        const [stored, expected] = await Promise.all(
          ['gsoevents', 'expecteds'].map((collection) => storedIn(database, collection)),
        );
        for (const name of result.names) assert.strictEqual(stored[name], expected[name], name);
      });
    }
  });
}

describe('values of the bson of the mongoose that is connected', () => {
  /** Runs in the host. */
  async function trackAtOnce(given, report) {
    require('mongoose');
    const connected = require('mongoose8');
    await connected.connect(given.uri);
    const AnalyticsSystem = require('gso-analytics');
    const analytics = new AnalyticsSystem();
    analytics.track('event', 'u', { long: connected.mongo.Long.fromString('9007199254740993') });
    await analytics.stop();
    report(analytics.getHealth().rejected);
    await connected.disconnect();
  }

  it('are stored when another copy was loaded before it', async () => {
    const cwd = makeHost({ mongoose: 'mongoose', mongoose8: 'mongoose8' });
    const database = mongo.database();
    const { result } = await runProgram(trackAtOnce, { cwd, given: { uri: database.uri } });
    assert.deepStrictEqual(result, {});
    const stored = await storedIn(database, 'gsoevents');
    assert.strictEqual(stored.event, '{"long":{"$numberLong":"9007199254740993"}}');
  });
});
