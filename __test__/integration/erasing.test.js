// A user is erased by deleting what names them: totals and counts of users keep their numbers.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('./setup');

const mongo = useMongod();

/** The commands of the README. */
async function erase(db, userId) {
  await db.collection('gsosessions').deleteMany({ userId });
  await db.collection('gsoevents').deleteMany({ userId });
  await db.collection('gsouniques').deleteMany({ '_id.u': userId });
}

async function countsAfter(database, userId) {
  const { analytics } = create({ uri: database.uri });
  if (userId) await analytics.onLogin(userId, 'name');
  const { dau, mau, today } = await analytics.getMetrics();
  await analytics.stop();
  return [dau, mau, today.sessionCount, today.dungeonsRun];
}

describe('a user who is erased', () => {
  it('is named nowhere, stays counted, and counts as new when back', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (const user of ['ann', 'bob']) {
      await analytics.onLogin(user, user);
      analytics.track('dungeon.complete', user, {});
    }
    await analytics.stop();
    await erase(database.db, 'ann');
    for (const { name } of await database.db.listCollections().toArray()) {
      assert.doesNotMatch(JSON.stringify(await database.all(name)), /ann/, name);
    }
    assert.deepStrictEqual(await countsAfter(database), [2, 2, 2, 2]);
    assert.deepStrictEqual(await countsAfter(database, 'bob'), [2, 2, 3, 2]);
    assert.deepStrictEqual(await countsAfter(database, 'ann'), [3, 3, 4, 2]);
  });
});
