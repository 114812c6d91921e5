// On a database that the mongoose-based class wrote, nothing existing changes, and what this package
// writes adds up on top: on the same day, on a later one, in the next month.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { documentsOf, figuresOf, insertOldData, makePlan } = require('../../support/old-data');
const { waitFor } = require('../../support/wait');
const { create } = require('../../support/setup');
const { addUp } = require('./add-up');
const { assertUntouched, bytesOf, json, newestFirst } = require('./setup');
const { play, useMongod, withoutIds } = require('./setup');

const mongo = useMongod();

const OLD_DAYS = ['2031-04-30', '2031-05-01', '2031-05-02', '2031-05-09', '2031-05-17'];
const MORNING = '2031-05-17T00:00:00.000Z';
const SWITCH = '2031-05-17T12:00:00.000Z';

/** The old server of the whole time until noon of the last day. */
const oldPlan = (seed) =>
  makePlan({ seed, days: OLD_DAYS, logins: 20, users: 25 }).filter(({ at }) => at < SWITCH);

/** New and old users; sessions of the class that are still open cannot be closed by us. */
const newPlan = (seed, days) => makePlan({ seed, days, logins: 15, users: 40 });

describe('a database of the mongoose-based class', { concurrency: true }, () => {
  it('is not changed by reading it', async () => {
    const database = mongo.database();
    const documents = await insertOldData(database.db, oldPlan(1));
    const before = await bytesOf(database.db);
    const { metrics, days, health } = await play(database, { now: SWITCH });
    const after = await bytesOf(database.db);
    assert.strictEqual(after.size, before.size);
    assertUntouched(before, after);
    const { today, activeSessions, ...figures } = metrics;
    assert.deepStrictEqual(figures, figuresOf(documents, SWITCH));
    assert.deepStrictEqual(days, json(newestFirst(documents.days)));
    assert.deepStrictEqual(today, days[0]);
    assert.deepStrictEqual(health.history, { state: 'done', daysDone: 4, daysTotal: 4 });
  });

  for (const [when, days] of [
    ['on the same day', ['2031-05-17']],
    ['on a later day of the month', ['2031-05-20']],
    ['on the same day and later ones', ['2031-05-17', '2031-05-18', '2031-05-31']],
    ['in the next month', ['2031-06-01', '2031-06-02']],
  ]) {
    it(`takes new records ${when} on top and keeps every document`, async () => {
      const database = mongo.database();
      const [old, fresh] = [oldPlan(2), newPlan(3, days).filter(({ at }) => at >= SWITCH)];
      const documents = await insertOldData(database.db, old);
      const before = await bytesOf(database.db);
      const now = `${days.at(-1)}T23:59:59.999Z`;
      const played = await play(database, { plan: fresh, now });
      await assertOnTop(database, { documents, plans: [old, fresh], played, now });
      const touched = documents.days.find(({ day }) => day === days[0]);
      const except = touched ? [`gsodailies ${touched._id}`] : [];
      const after = await bytesOf(database.db);
      assertUntouched(before, after, except);
      if (touched) assert.notStrictEqual(after.get(except[0]), before.get(except[0]));
    });
  }

  it('counts who was there before once, and who is new once, over restarts', async () => {
    const database = mongo.database();
    const old = oldPlan(4);
    const documents = await insertOldData(database.db, old);
    const fresh = [11, 12, 13].map((seed, i) => hourOf(newPlan(seed, ['2031-05-17']), 13 + i));
    let played;
    for (const [i, plan] of fresh.entries()) {
      played = await play(database, { plan, now: `2031-05-17T${14 + i}:59:59.999Z` });
    }
    const now = '2031-05-17T23:00:00.000Z';
    const plans = [old, ...fresh];
    await assertOnTop(database, { documents, plans, played, now });
    assert.ok(played.metrics.dau > documents.days.at(-1).dau);
  });

  it('is the same whether a login or getMetrics() comes first', async () => {
    const documents = [];
    for (const readFirst of [true, false]) {
      const database = mongo.database();
      const old = oldPlan(5);
      await insertOldData(database.db, old);
      if (readFirst) await play(database, { now: MORNING });
      const plan = newPlan(6, ['2031-05-17']).filter(({ at }) => at >= SWITCH);
      const { metrics } = await play(database, { plan, now: '2031-05-17T23:59:59.999Z' });
      documents.push({ ...metrics, today: withoutIds([metrics.today]) });
    }
    assert.deepStrictEqual(documents[0], documents[1]);
  });

  it('needs no getMetrics(): the first login sums up the month in the background', async () => {
    const database = mongo.database();
    const month = new Date().toISOString().slice(0, 7);
    await insertOldData(database.db, makePlan({ seed: 7, days: [`${month}-01`] }));
    const { analytics, lines } = create({ uri: database.uri });
    await analytics.onLogin('somebody', 'name');
    const isDone = () => analytics.getHealth().history.state === 'done';
    await waitFor(isDone, { what: 'the history' });
    const { history } = analytics.getHealth();
    assert.deepStrictEqual(history, { state: 'done', daysDone: 1, daysTotal: 1 });
    // What is over at once is not worth a line.
    assert.deepStrictEqual(lines, []);
  });
});

/** The same plan, all of it within one hour. */
function hourOf(plan, hour) {
  return plan.map((action) => ({
    ...action,
    at: action.at.replace(/T(\d\d):(\d\d):(\d\d)\./, (_, h, m) => `T${hour}:${h}:${m}.`),
  }));
}

/** All figures are those of everything that was ever played. */
async function assertOnTop(database, { documents, plans, played, now }) {
  const parts = plans.map((plan) => documentsOf(plan));
  const sessions = parts.flatMap((part) => part.sessions);
  const days = addUp(parts);
  const { today, activeSessions, ...figures } = played.metrics;
  assert.deepStrictEqual(figures, figuresOf({ sessions, days }, now));
  assert.deepStrictEqual(withoutIds(played.days), withoutIds(newestFirst(days)));
  assert.deepStrictEqual(today, played.days[0]);
  assert.deepStrictEqual(
    withoutIds(newestFirst(await database.days())),
    withoutIds(newestFirst(days)),
  );
  assert.strictEqual(await database.count('gsosessions'), sessions.length);
  const events = parts.reduce((sum, part) => sum + part.events.length, 0);
  assert.strictEqual(await database.count('gsoevents'), events);
  assert.ok(documents.sessions.length > 0 && documents.sessions.length < sessions.length);
}
