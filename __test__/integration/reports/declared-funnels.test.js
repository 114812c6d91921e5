// Funnels that are declared: the cohorts of their days are kept.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { DAY_MS, assertNear, dayOf, insert, instance, today } = require('./funnel-events');

const mongo = useMongod();

const DECLARED = { buy: { steps: ['see', 'buy'], windowS: 3_600 } };
const KEPT = { _id: /^f:/ };

/** Of each day before today as many users as it is days ago see, and the first of them buys. */
async function insertDays(database) {
  for (let ago = 1; ago <= 6; ago++) {
    const noon = today() - ago * DAY_MS + DAY_MS / 2;
    const users = Array.from({ length: ago }, (_, i) => [`u${i}`, [['see', noon]]]);
    users[0][1].push(['buy', noon + 2_000]);
    await insert(database, Object.fromEntries(users));
  }
}

const usersOf = ({ days }) => days.map(({ users }) => users);
/** What is known of the days before today, oldest first. */
const KNOWN = [6, 5, 4, 3, 2, 1].map((ago) => [ago, 1]);

describe('the cohorts of a declared funnel', () => {
  it('are kept in the background, and known when the events are gone', async () => {
    const database = mongo.database();
    await insertDays(database);
    const { analytics } = create({ uri: database.uri, funnels: DECLARED });
    analytics.start();
    const isKept = async () => (await database.count('gsoreports', KEPT)) >= 6;
    await waitFor(isKept, { what: 'kept cohorts' });
    await database.db.collection('gsoevents').deleteMany({});
    const found = await analytics.getFunnel('buy', { days: 9 });
    const oldest = today() - 6 * DAY_MS;
    const isGone = Date.now() >= oldest + 7 * DAY_MS - 30 * 60_000;
    assert.ok(!isGone, 'the test began too near to midnight');
    assert.deepStrictEqual(usersOf(found), [null, null, ...KNOWN, [0, 0]]);
    assert.deepStrictEqual(
      found.steps.map(({ users, medianS }) => [users, medianS]),
      [
        [21, 0],
        [6, found.steps[1].medianS],
      ],
    );
    assertNear(found.steps[1].medianS, 2);
    const { days } = await analytics.getFunnel('buy', { days: 1, to: dayOf(today() - DAY_MS) });
    assert.deepStrictEqual(days[0].medianS, [0, 2]);
    await analytics.stop();
  });

  it('begin anew with another definition, and where something else is in their place', async () => {
    const database = mongo.database();
    await insertDays(database);
    const analytics = await instance(database, { funnels: DECLARED });
    assert.deepStrictEqual(usersOf(await analytics.getFunnel('buy', { days: 6 })), [
      ...KNOWN.slice(1),
      [0, 0],
    ]);
    const reports = database.db.collection('gsoreports');
    const [first] = await database.all('gsoreports', KEPT);
    assert.deepStrictEqual([first.steps, first.windowS], [['see', 'buy'], 3_600]);
    await reports.updateMany(KEPT, { $set: { users: 'many', times: [[1]] } });
    assert.deepStrictEqual(usersOf(await analytics.getFunnel('buy', { days: 3 })), [
      ...KNOWN.slice(4),
      [0, 0],
    ]);
    const funnels = { buy: { ...DECLARED.buy, windowS: 1 } };
    const other = await instance(database, { funnels });
    assert.deepStrictEqual(usersOf(await other.getFunnel('buy', { days: 2 })), [
      [1, 0],
      [0, 0],
    ]);
  });

  it('are not kept without reports', async () => {
    const database = mongo.database();
    await insertDays(database);
    const analytics = await instance(database, { funnels: DECLARED, reports: 'off' });
    assert.deepStrictEqual(usersOf(await analytics.getFunnel('buy', { days: 3 })), [
      ...KNOWN.slice(4),
      [0, 0],
    ]);
    assert.strictEqual(await database.count('gsoreports', KEPT), 0);
  });
});
