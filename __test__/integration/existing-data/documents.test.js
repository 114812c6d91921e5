// The generator of old data writes what the mongoose-based class writes, to the last BSON type.
'use strict';

const assert = require('node:assert');
const { after, describe, it } = require('node:test');
const { figuresOf, insertOldData, makePlan } = require('../../support/old-data');
const { SKIPPED, takeReference } = require('../../support/reference');
const { readDatabase, readIndexes } = require('../../parity/read-database');
const { makeManySessions } = require('../../support/old-data-many');
const { json, newestFirst, play, useMongod } = require('./setup');

const mongo = useMongod();
const reference = takeReference();
after(() => reference?.remove());

const DAYS = ['2031-04-29', '2031-04-30', '2031-05-01', '2031-05-02', '2031-05-04'];
const NOW = '2031-05-04T23:59:59.999Z';

describe('generated old data', { concurrency: true }, () => {
  for (const seed of [1, 2, 3]) {
    it(`is what the class itself writes, seed ${seed}`, { skip: SKIPPED }, async () => {
      const plan = makePlan({ seed, days: DAYS });
      const [real, made] = [mongo.database(), mongo.database()];
      const played = await play(real, { file: reference.file, plan, now: NOW });
      const documents = await insertOldData(made.db, plan);
      const [written, generated] = [await readDatabase(real.db), await readDatabase(made.db)];
      assert.deepStrictEqual(nameless(generated.database), nameless(written.database));
      assert.deepStrictEqual(await readIndexes(made.db), await readIndexes(real.db));
      const { today, activeSessions, ...figures } = played.metrics;
      assert.deepStrictEqual(figuresOf(documents, NOW), figures);
    });
  }

  it('in bulk has the form of the class, and the figures it is said to have', async () => {
    const [bulk, single] = [mongo.database(), mongo.database()];
    const wanted = { month: '2031-05', lastDay: 4, sessions: 5_000, users: 700, events: 300 };
    const figures = await makeManySessions(bulk.db, wanted);
    await insertOldData(single.db, makePlan({ seed: 1, days: DAYS, logins: 40 }));
    for (const [collection, filter] of [
      ['gsosessions', { logoutAt: null }],
      ['gsosessions', { logoutAt: { $ne: null } }],
      ['gsoevents', { event: 'shop.opened', data: { $exists: true } }],
    ]) {
      const forms = await formsOf(bulk, collection, filter);
      assert.deepStrictEqual(forms, await formsOf(single, collection, filter));
    }
    assert.strictEqual(await bulk.count('gsoevents'), 300);
    const [sessions, days] = [await bulk.sessions(), await bulk.days()];
    const { users, avgSessionMin } = figures;
    const { dau, ...computed } = figuresOf({ sessions, days }, NOW);
    assert.deepStrictEqual(computed, { mau: users, avgSessionMin });
    const named = new Set(sessions.map(({ userId }) => userId));
    assert.ok(named.has(figures.userOf(0)) && named.has(figures.userOf(4_999)));
    const seconds = days.reduce((sum, { totalSessionS }) => sum + totalSessionS, 0);
    assert.strictEqual(seconds, figures.seconds);
    assert.strictEqual(dau, new Set(sessions.slice(-1_250).map((one) => one.userId)).size);
  });
});

/** Without ids, which differ between any two runs. */
function nameless(database) {
  const entries = Object.entries(database);
  return entries.map(([name, list]) => [name, list.map(({ _id, ...document }) => document)]);
}

/** The field names and BSON types of these documents. */
async function formsOf({ db }, collection, filter) {
  const types = {
    $map: { input: { $objectToArray: '$$ROOT' }, in: ['$$this.k', { $type: '$$this.v' }] },
  };
  const found = await db
    .collection(collection)
    .aggregate([{ $match: filter }, { $group: { _id: types } }])
    .toArray();
  return found.map(({ _id }) => _id);
}

describe('on the same data', { concurrency: true }, () => {
  for (const seed of [4, 5, 6, 7]) {
    it(`both sides answer the same, seed ${seed}`, { skip: SKIPPED }, async () => {
      const days = seed % 2 ? DAYS.slice(0, -1) : DAYS;
      const size = { users: 5 * seed, logins: 6 * seed, events: 9 * seed };
      const plan = makePlan({ seed, days, ...size });
      const database = mongo.database();
      const documents = await insertOldData(database.db, plan);
      const old = await play(database, { file: reference.file, now: NOW });
      const now = await play(database, { now: NOW });
      assert.deepStrictEqual(now.metrics, old.metrics);
      assert.deepStrictEqual(now.days, old.days);
      assert.deepStrictEqual(now.days, json(newestFirst(documents.days)));
    });
  }
});
