// The oracle of the fault tests finds every kind of damage: each is done by hand to a database that holds
// exactly what was tracked.
'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const { create, useMongod } = require('../support/setup');
const { install } = require('./clock');
const { verify } = require('./oracle');
const { Writer, closedOf } = require('./writer');

const mongo = useMongod();

const NAME = 'server';
const EVENTS = 60;
const LOGINS = 12;

/** The clock of the writer is stopped, as in the servers of the fault tests. */
async function play(database) {
  const { analytics } = create({ uri: database.uri });
  const writer = new Writer(analytics, NAME);
  const clock = install();
  try {
    writer.turn({ events: EVENTS, logins: LOGINS });
  } finally {
    clock.restore();
  }
  await analytics.flush();
  return writer.account;
}

/** The damage, and the problem that the oracle reports. */
const DAMAGE = {
  'an event is missing': {
    damage: (db) => db.collection('gsoevents').deleteOne({ 'data.mark': `${NAME}:7` }),
    expected: { lost: 1 },
    says: /lost: server:7/,
  },
  'an event is stored twice': {
    async damage(db) {
      const { _id, ...event } = await db.collection('gsoevents').findOne();
      await db.collection('gsoevents').insertOne(event);
    },
    expected: { duplicated: 1 },
    says: /1 stored twice/,
  },
  'an event has other data': {
    damage: (db) => db.collection('gsoevents').updateOne({}, { $set: { 'data.more': 1 } }),
    says: /event server:\d+: /,
  },
  'an event is of nobody': {
    async damage(db) {
      const { _id, ...event } = await db.collection('gsoevents').findOne();
      event.data.mark = `${NAME}:${EVENTS}`;
      await db.collection('gsoevents').insertOne(event);
    },
    says: /event of nobody/,
  },
  'a session is missing': {
    damage: (db) => db.collection('gsosessions').deleteOne({ logoutAt: null }),
    expected: { lost: 1 },
    says: /sessionCount/,
  },
  'a logout is missing': {
    damage: (db) =>
      db
        .collection('gsosessions')
        .updateOne({ logoutAt: { $ne: null } }, { $set: { logoutAt: null } }),
    expected: { lost: 1 },
    says: /lost: logout server:\d+/,
  },
  'a total is too high': {
    damage: (db) => db.collection('gsodailies').updateOne({}, { $inc: { marketSales: 2 } }),
    expected: { counterError: 2 },
    says: /marketSales/,
  },
  'a user is not counted': {
    damage: (db) => db.collection('gsodailies').updateOne({}, { $inc: { dau: -1 } }),
    expected: { counterError: 1 },
    says: /dau/,
  },
  'a user of the month is not counted': {
    damage: (db) => db.collection('gsodailies').updateOne({}, { $inc: { '_a.mau': -1 } }),
    expected: { counterError: 1 },
    says: /sum of mau/,
  },
};

const RIGHT = { lost: 0, duplicated: 0, counterError: 0, problems: [] };

describe('the oracle', () => {
  let account;
  let database;

  before(async () => {
    database = mongo.database();
    account = await play(database);
  });

  /** Another database with the same content. */
  async function copy() {
    const other = mongo.database();
    for (const name of ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques']) {
      const documents = await database.db.collection(name).find().toArray();
      await other.db.collection(name).insertMany(documents);
    }
    return other.db;
  }

  it('reports no problem of exact data', async () => {
    const { accepted, stored, ...row } = await verify(database.db, [account]);
    assert.deepStrictEqual(row, RIGHT);
    const records = EVENTS + LOGINS + closedOf(LOGINS);
    assert.deepStrictEqual([accepted, stored], [records, records]);
  });

  for (const [what, { damage, expected = {}, says }] of Object.entries(DAMAGE)) {
    it(`sees that ${what}`, async () => {
      const db = await copy();
      await damage(db);
      const row = await verify(db, [account]);
      for (const [key, value] of Object.entries(expected)) assert.strictEqual(row[key], value, key);
      assert.match(row.problems.join('\n'), says);
    });
  }

  it('allows records to be missing that were not promised, and totals to lag up to the bound', async () => {
    const db = await copy();
    await db.collection('gsoevents').deleteMany({ event: 'chat.message' });
    const dead = { ...account, promised: { events: 0, logins: 0 } };
    assert.deepStrictEqual((await verify(db, [dead])).problems, []);
    await db.collection('gsodailies').updateOne({}, { $inc: { marketSales: -1 } });
    assert.deepStrictEqual((await verify(db, [dead], { mayLag: 1 })).problems, []);
    assert.strictEqual((await verify(db, [dead])).problems.length, 1);
    await db.collection('gsodailies').updateOne({}, { $inc: { marketSales: 2 } });
    assert.strictEqual((await verify(db, [dead], { mayLag: 1 })).problems.length, 1);
  });
});
