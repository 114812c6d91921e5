// The audit finds each way in which a database can be wrong: each is made in a database that is right.
'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { audit } = require('./audit');
const { EVENT_TOTALS } = require('./counted');
const { storeOldDays } = require('./old-days');
const { freshMetrics, users, withServers } = require('./servers');

const mongo = useMongod();

const DAYS = ['2036-06-30', '2036-07-01'];
const NAMES = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques'];
const TOTALS = [...EVENT_TOTALS, 'sessionCount', 'totalSessionS', 'dau'];

/** The database, the account of its only writer, what was stored before, and the result of getMetrics(). */
let right;

async function playTwoDays(server) {
  for (const day of DAYS) {
    const times = Array.from({ length: 4 }, (_, i) => Date.parse(`${day}T10:00:00.000Z`) + i * 2e5);
    const round = { events: 30, logins: 3, logouts: 3 };
    await server.tell('play', { rounds: times.length, round, times });
  }
  return server.leave();
}

async function makeRight() {
  const database = mongo.database();
  const old = await storeOldDays(database.db, { days: DAYS, seed: 1 });
  const settings = { uri: database.uri, users: users(0, 5), clock: `${DAYS[0]}T08:00:00.000Z` };
  const account = await withServers([settings], ([server]) => playTwoDays(server));
  right = { db: database.db, old, account, metrics: await freshMetrics(database.uri, DAYS) };
}

/** Runs the audit after `damage`; then repairs the database. */
async function auditAfter(damage) {
  const { db, old } = right;
  const documents = await Promise.all(NAMES.map((name) => db.collection(name).find().toArray()));
  const { account, metrics } = structuredClone({
    account: right.account,
    metrics: plain(right.metrics),
  });
  try {
    await damage({ db, account, metrics });
    return await audit(db, [old, account], { metrics });
  } finally {
    for (const [i, name] of NAMES.entries()) {
      await db.collection(name).deleteMany({});
      await db.collection(name).insertMany(documents[i]);
    }
  }
}

const plain = (value) => JSON.parse(JSON.stringify(value));

/** `{ what: [damage, the line that reports it] }` */
const DAMAGES = {
  'an event that is missing': [
    ({ db }) => db.collection('gsoevents').deleteOne({ 'data.mark': 's0:3' }),
    /event s0:3: missing, should be "stored"/,
  ],
  'an event that was accepted and never stored': [
    ({ account }) => {
      account.events += 1;
    },
    /event s0:240: missing, should be "stored"/,
  ],
  'an event that is there twice': [
    async ({ db }) => {
      const { _id, ...event } = await db.collection('gsoevents').findOne({});
      await db.collection('gsoevents').insertOne(event);
    },
    /event s0:\d+, times stored: 2, should be 1/,
  ],
  'an event that nobody tracked': [
    ({ db }) => db.collection('gsoevents').insertOne({ ts: new Date(), data: { mark: 'x:1' } }),
    /event that nobody tracked: "x:1"/,
  ],
  'an event of another user': [change('gsoevents', { userId: 'x' }), /userId of event s0:\d+: "x"/],
  'an event on another day': [change('gsoevents', { day: DAYS[1] }), /day of event s0:\d+/],
  'an amount that was changed': [
    ({ db }) =>
      db
        .collection('gsoevents')
        .updateOne({ event: 'credits.earn' }, { $set: { 'data.amount': 1e6 } }),
    /creditsEarned of the stored events: \d+, should be \d+/,
  ],
  'a session that is missing': [
    ({ db }) => db.collection('gsosessions').deleteOne({}),
    /session (s0|old):\d+: missing, should be "stored"/,
  ],
  'a session that is there twice': [
    async ({ db }) => {
      const { _id, ...session } = await db.collection('gsosessions').findOne({});
      await db.collection('gsosessions').insertOne(session);
    },
    /session (s0|old):\d+, times stored: 2/,
  ],
  'a session of another user': [
    change('gsosessions', { userId: 'x' }),
    /userId of session (s0|old):\d+: "x"/,
  ],
  'a session that was never closed': [
    ({ db }) =>
      db
        .collection('gsosessions')
        .updateOne({ logoutAt: { $ne: null } }, { $set: { logoutAt: null } }),
    /logoutAt of session (s0|old):\d+: null/,
  ],
  'a session that is too long': [
    ({ db }) => db.collection('gsosessions').updateOne({}, { $inc: { durationS: 1 } }),
    /durationS of session (s0|old):\d+: \d+, should be \d+/,
  ],
  'a day that is missing': [
    ({ db }) => db.collection('gsodailies').deleteOne({ day: DAYS[0] }),
    /daily document 2036-06-30: missing/,
  ],
  'a day on which nothing was counted': [
    ({ db }) => db.collection('gsodailies').insertOne({ day: '2036-07-02', month: '2036-07' }),
    /daily document that nobody tracked: "2036-07-02"/,
  ],
  'a day of another month': [change('gsodailies', { month: '2036-08' }), /: month: "2036-08"/],
  'a total that is gone': [
    ({ db }) => db.collection('gsodailies').updateOne({}, { $unset: { dau: 1 } }),
    /dau: missing, should be \d+/,
  ],
  'a user too many in the month': [increase('_a.mau'), /2036-\d\d: sum of mau/],
  'a second too many for the mean': [increase('_a.sessionSeconds'), /sum of sessionSeconds/],
  'a session too many for the mean': [increase('_a.sessionsClosed'), /sum of sessionsClosed/],
  'a base that is not summed up': [
    changeBase({ $set: { state: 'building' } }),
    /base of 2036-06-30/,
  ],
  'a user too many in a base': [changeBase({ $inc: { mau: 1 } }), /2036-06: sum of mau/],
  'a second too many in a base': [changeBase({ $inc: { seconds: 1 } }), /sum of sessionSeconds/],
  'a session too many in a base': [changeBase({ $inc: { closed: 1 } }), /sum of sessionsClosed/],
  'a dau of getMetrics()': [raise('dau'), /getMetrics\(\) on 2036-06-30: dau: \d+, should be \d+/],
  'a mau of getMetrics()': [raise('mau'), /getMetrics\(\) on 2036-06-30: mau: \d+, should be \d+/],
  'a mean of getMetrics()': [raise('avgSessionMin'), /avgSessionMin: \d+, should be \d+/],
  'users who are online': [raise('activeSessions'), /activeSessions: 1, should be 0/],
  'a total of getMetrics()': [
    ({ metrics }) => {
      metrics[DAYS[0]].today.marketSales += 1;
    },
    /today.marketSales: \d+, should be \d+/,
  ],
  'a record that is not written': [
    ({ account }) => {
      account.health.written -= 1;
    },
    /s0: written: \d+, should be \d+/,
  ],
  'a record that was dropped': [
    ({ account }) => {
      account.health.dropped.internal = 1;
    },
    /s0: dropped/,
  ],
};

function change(collection, fields) {
  return ({ db }) => db.collection(collection).updateOne({}, { $set: fields });
}

function changeBase(change) {
  return ({ db }) =>
    db.collection('gsouniques').updateOne({ _id: { p: 'base', d: DAYS[0] } }, change);
}

function increase(field) {
  return ({ db }) =>
    db.collection('gsodailies').updateOne({ day: DAYS[0] }, { $inc: { [field]: 1 } });
}

function raise(field) {
  return ({ metrics }) => {
    metrics[DAYS[0]][field] += 1;
  };
}

describe('the audit', () => {
  before(makeRight);

  it('finds nothing where nothing is wrong', async () => {
    const { events, sessions, users: distinct } = await auditAfter(() => {});
    assert.deepStrictEqual([events, sessions, distinct], [240, 40, 11]);
  });

  for (const [what, [damage, line]] of Object.entries(DAMAGES)) {
    it(`finds ${what}`, () => assert.rejects(auditAfter(damage), line));
  }

  for (const total of TOTALS) {
    it(`finds 1 too many in ${total}`, async () => {
      const line = new RegExp(`2036-06-30: ${total}: \\d+, should be \\d+`);
      await assert.rejects(auditAfter(increase(total)), line);
    });
  }
});
