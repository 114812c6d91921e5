// Other programs read the same collections, and people change them by hand: readers find what they
// always found, and a daily document that was tampered with is repaired or reported, never waited for in
// a hot loop, and costs no event.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { COUNTERS, insertOldData, makePlan } = require('../../support/old-data');
const { waitFor } = require('../../support/wait');
const { create, runProgram } = require('../../support/setup');
const { play, useMongod, withoutIds } = require('./setup');

const mongo = useMongod();

const NOW = '2031-05-17T23:59:59.999Z';
const MENDED_MS = 40_000;
/** What a dashboard adds to the credits of each day. */
const GIFT = 7;

/** Reads all daily documents as a dashboard does that has the schemas of the class, and changes them. */
async function readWithMongoose({ uri, version, counters, gift }, report) {
  const mongoose = require(version);
  const total = { type: Number, default: 0 };
  const totals = Object.fromEntries(counters.map((counter) => [counter, total]));
  const names = { day: { type: String, required: true }, month: { type: String, required: true } };
  const schema = new mongoose.Schema({ ...names, ...totals }, { timestamps: false });
  const Daily = mongoose.model('GSODaily', schema);
  await mongoose.connect(uri, { autoIndex: false });
  const documents = await Daily.find().sort({ day: -1 });
  const byMonth = await Daily.aggregate([
    { $group: { _id: '$month', credits: { $sum: '$creditsEarned' }, days: { $sum: 1 } } },
    { $sort: { _id: 1 } },
  ]);
  report({ documents: documents.map((document) => document.toObject()), byMonth });
  for (const document of documents) {
    document.creditsEarned += gift;
    document.set('remark', { by: 'the dashboard' }, { strict: false });
    await document.save();
  }
  await mongoose.disconnect();
}

/** The daily documents with the BSON types of all their fields. */
function typed({ db }) {
  return db.collection('gsodailies').find({}, { promoteValues: false }).sort({ day: 1 }).toArray();
}

/** Nothing but what the dashboard has changed is another than before. */
function assertChanged(before, after) {
  assert.ok(before.some(({ _a }) => Object.keys(_a?.w ?? {}).length > 0));
  for (const [i, { creditsEarned, remark, ...rest }] of after.entries()) {
    const { creditsEarned: credits, ...same } = before[i];
    assert.deepStrictEqual(rest, same);
    assert.strictEqual(Number(creditsEarned), Number(credits) + GIFT);
    assert.deepStrictEqual(remark, { by: 'the dashboard' });
  }
}

describe('a program that reads with mongoose', { concurrency: true }, () => {
  for (const version of ['mongoose', 'mongoose8']) {
    it(`${version}: finds the fields that were always there, and may change them`, async () => {
      const database = mongo.database();
      const days = ['2031-04-30', '2031-05-02', '2031-05-17'];
      await insertOldData(database.db, makePlan({ seed: 1, days }));
      const plan = makePlan({ seed: 2, days: ['2031-05-17'] });
      const before = await play(database, { plan, now: NOW });
      const stored = await typed(database);
      const given = { uri: database.uri, version, counters: COUNTERS, gift: GIFT };
      const { result } = await runProgram(readWithMongoose, { given });
      assert.deepStrictEqual(withoutIds(result.documents), withoutIds(before.days));
      const sum = (month) =>
        before.days
          .filter((day) => day.month === month)
          .reduce((credits, { creditsEarned }) => credits + creditsEarned, 0);
      assert.deepStrictEqual(result.byMonth, [
        { _id: '2031-04', credits: sum('2031-04'), days: 1 },
        { _id: '2031-05', credits: sum('2031-05'), days: 2 },
      ]);
      assertChanged(stored, await typed(database));
      await assertGoesOn(database, before);
    });
  }
});

/** Totals go on from what the dashboard has made of them, and users who are counted stay so. */
async function assertGoesOn(database, { metrics, days }) {
  const [{ userId: user }] = await database.sessions({ day: NOW.slice(0, 10) });
  const at = NOW.replace(/T.*/, 'T23:00:00.000Z');
  const earn = { at, op: 'track', user, event: 'credits.earn', data: { amount: 5 } };
  const plan = [earn, { ...earn, op: 'login' }];
  const after = await play(database, { plan, now: NOW });
  const remark = { by: 'the dashboard' };
  const expected = days.map((day) => ({
    ...{ ...day, remark },
    creditsEarned: day.creditsEarned + GIFT,
  }));
  const [today] = expected;
  today.creditsEarned += 5;
  today.sessionCount += 1;
  assert.deepStrictEqual(after.days, expected);
  assert.deepStrictEqual(after.metrics, { ...metrics, today, activeSessions: 1 });
}

/** An instance that has written: 2 gems, 1 dungeon, 1 login. */
async function written() {
  const database = mongo.database();
  const { analytics, lines } = create({ uri: database.uri });
  const track = async (user) => {
    analytics.track('gems.earn', user, { amount: 2 });
    analytics.track('dungeon.complete', user);
    await analytics.onLogin(user, 'name');
  };
  await track('first');
  await analytics.flush();
  const daily = database.db.collection('gsodailies');
  const [{ day }] = await database.days();
  const totals = async () => {
    const [{ gemsEarned, dungeonsRun, sessionCount, dau }] = await database.days();
    return [gemsEarned, dungeonsRun, sessionCount, dau];
  };
  return { database, analytics, lines, track, daily, day, totals };
}

const warnings = (lines) => lines.filter((line) => line.startsWith('warn'));

describe('a daily document that was changed by hand', { concurrency: true }, () => {
  it('a total made a string stays one, with a warning; the other totals go on', async () => {
    const { analytics, lines, track, daily, day, totals } = await written();
    await daily.updateOne({ day }, { $set: { gemsEarned: 'twelve' } });
    await track('second');
    await track('third');
    await analytics.flush();
    assert.deepStrictEqual(await totals(), ['twelve', 3, 3, 3]);
    assert.ok(analytics.getHealth().warnings.total_left_out > 0);
    assert.strictEqual(warnings(lines).length, 1);
    assert.match(lines.at(-1), /gemsEarned of [\d-]+ is not a number/);
    assert.strictEqual((await analytics.getMetrics()).today.gemsEarned, 'twelve');
    await daily.updateOne({ day }, { $set: { gemsEarned: 6 } });
    await track('fourth');
    await analytics.flush();
    assert.deepStrictEqual(await totals(), [8, 4, 4, 4]);
  });

  it('a total that was removed counts from 0', async () => {
    const { analytics, track, daily, day, totals } = await written();
    await daily.updateOne({ day }, { $unset: { gemsEarned: 1 } });
    await track('second');
    await analytics.flush();
    assert.deepStrictEqual(await totals(), [2, 2, 2, 2]);
    assert.deepStrictEqual(analytics.getHealth().warnings, {});
  });

  it('a deleted one is made again with what comes later, with a warning', async () => {
    const { database, analytics, lines, track, daily, day, totals } = await written();
    await daily.deleteOne({ day });
    await track('second');
    await analytics.flush();
    assert.deepStrictEqual(await totals(), [2, 1, 1, 1]);
    // Its share of the month is gone with it.
    assert.strictEqual((await analytics.getMetrics()).mau, 1);
    assert.deepStrictEqual(analytics.getHealth().warnings, { day_restored: 2 });
    // Its events and its logins each.
    assert.match(warnings(lines)[0], /are older than this process had written them/);
    assert.deepStrictEqual(
      [await database.count('gsoevents'), await database.count('gsosessions')],
      [4, 2],
    );
    assert.strictEqual(analytics.getHealth().queued, 0);
  });

  for (const [what, change] of [
    ['removed', { $unset: { _a: 1 } }],
    ['made a string', { $set: { _a: 'removed' } }],
  ]) {
    it(`book-keeping ${what} costs no total, and gives a warning`, async () => {
      const { database, analytics, lines, track, daily, day, totals } = await written();
      await daily.updateOne({ day }, change);
      await track('second');
      await track('third');
      await analytics.flush();
      assert.deepStrictEqual(await totals(), [6, 3, 3, 3]);
      assert.deepStrictEqual(analytics.getHealth().warnings, { day_restored: 2 });
      // Its events and its logins each.
      assert.match(warnings(lines)[0], /are older than this process had written them/);
      const { mau } = await analytics.getMetrics();
      // What it held of the month is gone with it: the first user's share.
      assert.strictEqual(mau, 2);
      assert.strictEqual(await database.count('gsoevents'), 6);
    });
  }

  it('book-keeping that cannot be understood stops the totals, gently, until it is mended', async () => {
    const { database, analytics, lines, track, daily, day, totals } = await written();
    const [{ _a: book }] = await database.days();
    const [writer] = Object.keys(book.w);
    await daily.updateOne({ day }, { $set: { [`_a.w.${writer}.e`]: 'far' } });
    await track('second');
    const isTold = () => analytics.getHealth().lastError?.message.includes('_a.w');
    await waitFor(isTold, { what: 'the error' });
    const before = analytics.getHealth().retried;
    const stored = async () => (await database.count('gsoevents')) === 4;
    await waitFor(stored, { what: 'the events' });
    assert.strictEqual(await database.count('gsosessions'), 2);
    const attempts = () => (analytics.getHealth().retried - before) / 3;
    const begun = performance.now();
    await waitFor(() => attempts() >= 8, { timeoutMs: MENDED_MS, what: 'attempts' });
    const perSecond = attempts() / ((performance.now() - begun) / 1_000);
    assert.ok(perSecond < 20, `${perSecond} attempts per second`);
    assert.strictEqual(warnings(lines).length, 1);
    await daily.updateOne({ day }, { $set: { [`_a.w.${writer}`]: book.w[writer] } });
    const isThrough = () => analytics.getHealth().queued === 0;
    await waitFor(isThrough, { timeoutMs: MENDED_MS, what: 'the totals' });
    assert.deepStrictEqual(await totals(), [4, 2, 2, 2]);
  });
});
