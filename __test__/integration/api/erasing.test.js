// A user is erased by another process than those that play: totals and counts of users keep their numbers.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { withServers } = require('../exactness/servers');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const DAYS = ['2031-05-17', '2031-05-18'];

/** The markers are those of the days around that of this process. */
async function erase({ db, uri }, userId) {
  const { analytics } = create({ uri });
  await analytics.deleteUser(userId);
  await analytics.stop();
  // The servers play on other days.
  await db.collection('gsouniques').deleteMany({ '_id.u': userId });
}

async function countsAfter(database, userId) {
  const { analytics } = create({ uri: database.uri });
  if (userId) await analytics.onLogin(userId, 'name');
  const { dau, mau, today } = await analytics.getMetrics();
  await analytics.stop();
  return [dau, mau, today.sessionCount, today.dungeonsRun];
}

/** On a server where only this user plays. */
async function countsOn(server, day) {
  const { [day]: metrics } = await server.tell('metricsOf', [day]);
  return [metrics.dau, metrics.mau, metrics.today.sessionCount];
}

describe('a user who is erased', () => {
  it('is named nowhere, stays counted, and counts as new when back', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (const user of ['ann', 'bob']) {
      await analytics.onLogin(user, user);
      analytics.track('dungeon.complete', user, {});
      analytics.track('stripe.payment', user, { amountCents: 5 });
    }
    await analytics.stop();
    await erase(database, 'ann');
    for (const { name } of await database.db.listCollections().toArray()) {
      assert.doesNotMatch(JSON.stringify(await database.all(name)), /ann/, name);
    }
    assert.deepStrictEqual(await countsAfter(database), [2, 2, 2, 2]);
    assert.deepStrictEqual(await countsAfter(database, 'bob'), [2, 2, 3, 2]);
    assert.deepStrictEqual(await countsAfter(database, 'ann'), [3, 3, 4, 2]);
  });

  it('counts no second time in a process that runs on, and breaks nothing there', async () => {
    const database = mongo.database();
    const settings = { uri: database.uri, users: ['ann'], clock: `${DAYS[0]}T12:00:00.000Z` };
    const account = await withServers([settings], async ([server]) => {
      const play = (round) => server.tell('play', { rounds: 1, round });
      await server.tell('start');
      await play({ logins: 1, events: 3 });
      assert.deepStrictEqual(await countsOn(server, DAYS[0]), [1, 1, 1]);
      await erase(database, 'ann');
      // Its session is gone.
      await play({ logouts: 1, events: 3 });
      await play({ logins: 1, logouts: 1 });
      await play({ logins: 1 });
      assert.deepStrictEqual(await countsOn(server, DAYS[0]), [1, 1, 3]);
      await erase(database, 'ann');
      await server.tell('setClock', `${DAYS[1]}T12:00:00.000Z`);
      await play({ logouts: 1, logins: 2 });
      // Nobody knows any more that this month counts the user already.
      assert.deepStrictEqual(await countsOn(server, DAYS[1]), [1, 2, 2]);
      return server.leave();
    });
    const { accepted, written, queued, dropped, rejected, warnings, retried } = account.health;
    assert.deepStrictEqual([written, queued, retried], [accepted, 0, 0]);
    assert.deepStrictEqual([dropped, rejected, warnings, account.lines], [{}, {}, {}, []]);
  });
});
