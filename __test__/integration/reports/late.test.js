// What changes the report of a day that is over: sessions that come late, and clocks that were wrong. And what does
// not: samples that are deleted.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');
const { dayOf, session, store } = require('./days');

const mongo = useMongod();
const HOUR_MS = 3_600_000;

const reportOf = async (database, ago) =>
  (await database.all('gsoreports', { _id: `d:${dayOf(ago)}` }))[0];

/** A run over all days that are due: `{ analytics, lines }`. */
async function reported(database) {
  const made = create({ uri: database.uri, presence: 'off', operationTimeoutMs: 60_000 });
  made.analytics.start();
  const isDone = () => made.analytics.getHealth().reports.state === 'current';
  await waitFor(isDone, { what: 'the end of the run', timeoutMs: 60_000 });
  return made;
}

async function reportedOnce(database) {
  const { analytics, lines } = await reported(database);
  await analytics.stop();
  return lines;
}

const reports = ({ db }) => db.collection('gsoreports');

describe('a late session', { concurrency: true }, () => {
  it('that makes a first day earlier changes every later day', async () => {
    const database = mongo.database();
    const sessions = [session('ann', 50), session('bob', 40), session('bob', 12)];
    await store(database, { sessions });
    await reportedOnce(database);
    const before = await reportOf(database, 12);
    assert.deepStrictEqual(before.users.byFirstDay, [{ f: dayOf(40), u: 1 }]);
    const untouched = await reportOf(database, 48);
    await database.db.collection('gsosessions').insertOne(session('bob', 45));
    await reports(database).insertOne({ _id: `late:${dayOf(45)}`, at: new Date() });
    await reportedOnce(database);
    // It is 33 days after the late one, whose month it has left.
    const after = await reportOf(database, 12);
    assert.deepStrictEqual(after.users.byFirstDay, [{ f: dayOf(45), u: 1 }]);
    assert.deepStrictEqual(await reportOf(database, 48), untouched);
    const runs = after.runs;
    await reportedOnce(database);
    assert.strictEqual((await reportOf(database, 12)).runs, runs);
  });

  it('of a user whose first day stays changes its month only', async () => {
    const database = mongo.database();
    const sessions = [session('ann', 50), session('ann', 40), session('ann', 12)];
    await store(database, { sessions });
    await reportedOnce(database);
    await database.db.collection('gsosessions').insertOne(session('ann', 45));
    await reports(database).insertOne({ _id: `late:${dayOf(45)}`, at: new Date() });
    await reportedOnce(database);
    const runs = await Promise.all(
      [40, 12].map(async (ago) => (await reportOf(database, ago)).runs),
    );
    assert.deepStrictEqual(runs, [2, 1]);
  });
});

describe('a clock that was ahead', { concurrency: true }, () => {
  it('is told in one line, and its reports are made again', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 9), session('ann', 1)] });
    await reportedOnce(database);
    const asOf = new Date(Date.now() + HOUR_MS);
    await reports(database).updateMany({ _id: /^d:/ }, { $set: { asOf, 'users.dau': 99 } });
    const lines = await reportedOnce(database);
    const told = lines.filter((line) => line.includes('begun at a time that is still to come'));
    assert.strictEqual(told.length, 1, lines.join('\n'));
    assert.ok(
      told[0].startsWith(`warn [ANALYTICS] the report of ${dayOf(9)}, one of 9, `),
      told[0],
    );
    assert.ok(told[0].includes(asOf.toISOString()), told[0]);
    const { asOf: again, users } = await reportOf(database, 9);
    assert.ok(again < asOf);
    assert.strictEqual(users.dau, 1);
  });

  it('keeps nobody from reporting by its lease', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    const until = new Date(Date.now() + HOUR_MS);
    await reports(database).insertOne({ _id: 'lease', owner: 'other', until });
    await reportedOnce(database);
    assert.strictEqual((await reportOf(database, 1)).users.dau, 1);
  });

  it('by less than five minutes leaves the row of today as it is, and stops no caller', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 0, { atMs: 0 })] });
    const { analytics } = await reported(database);
    await analytics.getActivity({ days: 1 });
    const asOf = new Date(Date.now() + 120_000);
    await reports(database).updateOne({ _id: `d:${dayOf(0)}` }, { $set: { asOf } });
    const other = await reported(database);
    const [row] = await other.analytics.getActivity({ days: 1 });
    assert.deepStrictEqual([row.dau, row.asOf], [1, asOf]);
  });
});

describe('the clock of the host', () => {
  it('a day ahead changes no row', async (t) => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1), session('ann', 0, { atMs: 0 })] });
    const days = [dayOf(1), dayOf(0)];
    const ahead = Date.now() + 24 * HOUR_MS;
    t.mock.timers.enable({ apis: ['Date'], now: ahead });
    const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
    analytics.start();
    const rows = await analytics.getActivity({ days: 2 });
    const shown = rows.map(({ day, state, dau, newUsers }) => [day, state, dau, newUsers]);
    assert.deepStrictEqual(shown, [
      [days[0], rows[0].state, 1, 1],
      [days[1], 'open', 1, 0],
    ]);
    assert.ok(rows.every(({ asOf }) => asOf < ahead - 12 * HOUR_MS));
  });
});

describe('presence in a report', { concurrency: true }, () => {
  const hour = (ago, minutes) => ({ _id: `p:${dayOf(ago)}T12:0a0b0c0d0e`, m: minutes });

  it('is of samples, and stays when they are deleted', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    await reports(database).insertOne(hour(1, { '00': 5, '01': 7 }));
    await reportedOnce(database);
    const { presence } = await reportOf(database, 1);
    const peakAt = new Date(`${dayOf(1)}T12:01:00Z`);
    assert.deepStrictEqual(
      [presence.peak, presence.peakAt, presence.stepS, presence.source],
      [7, peakAt, 300, 'samples'],
    );
    assert.deepStrictEqual([presence.curve.length, presence.curve[144]], [288, 7]);
    await reports(database).deleteMany({ _id: /^p:/ });
    await reports(database).updateOne({ _id: /^d:/ }, { $set: { asOf: new Date(0) } });
    const { analytics } = await reported(database);
    const again = await reportOf(database, 1);
    assert.deepStrictEqual([again.runs, again.presence], [2, presence]);
    const { now, processes, byInstance, asOf, day, ...answer } = await analytics.getConcurrency({
      day: dayOf(1),
    });
    assert.deepStrictEqual(answer, presence);
  });

  it('is of sessions where there are no samples, and of samples when they are found', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1), session('bob', 1, { durationS: 600 })] });
    await reportedOnce(database);
    const { presence } = await reportOf(database, 1);
    assert.deepStrictEqual([presence.peak, presence.source], [2, 'sessions']);
    assert.deepStrictEqual(presence.curve.slice(11, 15), [0, 2, 1, 0]);
    await reports(database).insertOne(hour(1, { '00': 5 }));
    await reports(database).updateOne({ _id: /^d:/ }, { $set: { asOf: new Date(0) } });
    await reportedOnce(database);
    assert.strictEqual((await reportOf(database, 1)).presence.peak, 5);
  });

  it('that somebody has changed is not answered', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    const { analytics } = await reported(database);
    for (const presence of [null, 7, {}, { peak: 9, source: 'samples', curve: 'none' }]) {
      await reports(database).updateOne({ _id: /^d:/ }, { $set: { presence } });
      const { peak, curve } = await analytics.getConcurrency({ day: dayOf(1) });
      assert.deepStrictEqual([peak, curve.length], [1, 288]);
    }
  });
});
