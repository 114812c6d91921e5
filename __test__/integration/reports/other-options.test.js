// Reports that were made under other options than the newest one: answers mark them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Reader } = require('../../../lib/cli/reader');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, store } = require('./days');

const mongo = useMongod();
const RANGE = { days: 3, to: dayOf(1) };

const marksOf = (rows) => rows.map(({ otherOptions }) => otherOptions);

/** Days are reported by a game, and the newest of them again under other options. */
async function reportedAgain(other) {
  const database = mongo.database();
  const ago = [3, 2, 1];
  await store(database, {
    sessions: ago.flatMap((days) => [session('u1', days), session('u2', days)]),
    events: ago.map((days) => event('gems.spend', days, { amount: 2 })),
  });
  const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
  analytics.start();
  assert.deepStrictEqual(marksOf(await analytics.getActivity(RANGE)), [
    undefined,
    undefined,
    undefined,
  ]);
  const reader = new Reader({ uri: database.uri, logger: false, ...other });
  await reader.makeReport(dayOf(1));
  await reader.stop();
  return { analytics, database };
}

describe('a day that was reported under other options', { concurrency: true }, () => {
  it('is marked in all answers where other users are left out', async () => {
    const { analytics } = await reportedAgain({ excludeUsers: ['u2'] });
    const marked = [true, true, undefined];
    const rows = await analytics.getActivity(RANGE);
    assert.deepStrictEqual(marksOf(rows), marked);
    assert.deepStrictEqual(
      rows.map(({ dau }) => dau),
      [2, 2, 1],
    );
    assert.deepStrictEqual(marksOf(await analytics.getSessionLengths(RANGE)), marked);
    assert.deepStrictEqual(marksOf(await analytics.getRevenue(RANGE)), marked);
    const gems = (await analytics.getEconomy(RANGE)).find(({ currency }) => currency === 'gems');
    assert.strictEqual(gems.otherOptions, true);
    assert.deepStrictEqual(marksOf(gems.days), marked);
    assert.deepStrictEqual(marksOf(await analytics.getTopEvents(RANGE)), [true]);
    const [before] = await analytics.getActivity({ days: 1, to: dayOf(2) });
    assert.strictEqual(before.otherOptions, undefined);
    await analytics.stop();
  });

  it('is marked in what is said of events alone where other events count', async () => {
    const { analytics } = await reportedAgain({ reasonFields: ['why'] });
    const none = [undefined, undefined, undefined];
    assert.deepStrictEqual(marksOf(await analytics.getActivity(RANGE)), none);
    const [, gems] = await analytics.getEconomy(RANGE);
    assert.deepStrictEqual(marksOf(gems.days), [true, true, undefined]);
    await analytics.stop();
  });

  it('is not marked where a report says nothing of its options', async () => {
    const { analytics, database } = await reportedAgain({ excludeUsers: ['u2'] });
    const old = { _id: `d:${dayOf(2)}` };
    await database.db.collection('gsoreports').updateOne(old, { $unset: { options: 1 } });
    assert.deepStrictEqual(marksOf(await analytics.getActivity(RANGE)), [
      true,
      undefined,
      undefined,
    ]);
    await analytics.stop();
  });
});

describe('a cohort of a declared funnel that was kept under other options', () => {
  it('is marked', async () => {
    const database = mongo.database();
    await store(database, {
      sessions: [session('u1', 2)],
      events: [2, 1].map((days) => event('gems.spend', days, {})),
    });
    const funnels = { spend: { steps: ['gems.spend', 'gems.spend'], windowS: 60 } };
    const { analytics } = create({ uri: database.uri, funnels, operationTimeoutMs: 60_000 });
    analytics.start();
    const range = { days: 2, to: dayOf(1) };
    assert.strictEqual((await analytics.getFunnel('spend', range)).otherOptions, undefined);
    const kept = { _id: { $regex: `^f:.*:${dayOf(2)}$` } };
    const change = { $set: { options: 'of others' } };
    const { matchedCount } = await database.db.collection('gsoreports').updateOne(kept, change);
    assert.strictEqual(matchedCount, 1);
    const funnel = await analytics.getFunnel('spend', range);
    assert.strictEqual(funnel.otherOptions, true);
    assert.deepStrictEqual(marksOf(funnel.days), [true, undefined]);
    await analytics.stop();
  });
});
