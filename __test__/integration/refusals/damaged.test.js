// What is stored and cannot be read, as after an import or a hand-made correction, costs only itself: other users
// are counted, sessions are stored, and events with a dedupe key are written and answered.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { waitFor, within } = require('../../support/wait');

const mongo = useMongod();

const LIMIT_MS = 5_000;
const PAYMENT = 'stripe.payment';

const today = () => new Date().toISOString().slice(0, 10);
const flush = (analytics) => within(analytics.flush(), { timeoutMs: LIMIT_MS, what: 'flush()' });

function pay(analytics, key, amountCents = 499) {
  analytics.track(PAYMENT, 'payer', { amountCents }, { dedupeKey: key });
}

async function revenue(database) {
  const days = await database.days();
  return days.map((day) => day.stripeRevenue ?? 0).reduce((sum, one) => sum + one, 0);
}

const toldOf = (lines) =>
  waitFor(() => lines.some((line) => /under its dedupeKey has no day or ts/.test(line)), {
    what: 'the line',
  });

describe('a document that cannot be read', { concurrency: 2 }, () => {
  for (const [what, marker] of Object.entries({
    'whose number is a double': { w: 'abc', s: 1.5, d: today(), x: new Date(8e14) },
    'that holds nothing else': {},
  })) {
    it(`a marker ${what}: its user counts as counted, and everybody else is`, async () => {
      const database = mongo.database();
      const ids = [`d:${today()}`, `m:${today().slice(0, 7)}`].map((p) => ({ p, u: 'ann' }));
      const markers = ids.map((_id) => ({ _id, ...marker }));
      await database.db.collection('gsouniques').insertMany(markers);
      const { analytics } = create({ uri: database.uri });
      await Promise.all(['ann', 'bob', 'cid'].map((user) => analytics.onLogin(user, user)));
      await flush(analytics);
      const [day] = await database.days();
      assert.deepStrictEqual([day.dau, day.sessionCount], [2, 3]);
      assert.strictEqual(analytics.getHealth().totals, 'ok');
    });
  }

  it('a baseline: sessions are stored and counted, and getMetrics() names it', async () => {
    const database = mongo.database();
    const _id = { p: 'base', d: today() };
    await database.db.collection('gsouniques').insertOne({ _id, cut: 'lost', state: 'done' });
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('ann', 'Ann');
    await analytics.onLogout('ann');
    await flush(analytics);
    const [day] = await database.days();
    assert.deepStrictEqual([day.dau, day.sessionCount], [1, 1]);
    assert.strictEqual(await database.count('gsosessions', { logoutAt: { $ne: null } }), 1);
    await assert.rejects(analytics.getMetrics(), /baseline of \d{4}-\d\d-\d\d .* cannot be read/);
  });

  for (const [what, purchase] of Object.entries({
    'without a day': { ts: new Date() },
    'whose time is a text': { cents: 499, ts: '2026-11-30T10:00:00Z' },
    'whose day is none': { cents: 499, day: '30.11.2026', ts: new Date() },
  })) {
    it(`a purchase ${what}: the delivery counts, once`, async () => {
      const database = mongo.database();
      const _id = { e: PAYMENT, k: 'evt_1' };
      await database.db.collection('gsopurchases').insertOne({ _id, ...purchase });
      const { analytics, lines } = create({ uri: database.uri });
      for (const key of ['evt_1', 'evt_2', 'evt_1']) pay(analytics, key);
      await flush(analytics);
      pay(analytics, 'evt_1');
      await flush(analytics);
      assert.strictEqual(await revenue(database), 998);
      assert.strictEqual(await database.count('gsoevents'), 2);
      assert.strictEqual(analytics.getHealth().redelivered, 2);
      await toldOf(lines);
    });
  }

  it('an event with a dedupe key: the delivery counts, once', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    const key = { dedupeKey: 'run_1' };
    analytics.track('credits.earn', 'ann', { amount: 5 }, key);
    await flush(analytics);
    await database.db.collection('gsoevents').updateMany({}, { $unset: { day: 1, amount: 1 } });
    await database.db.collection('gsouniques').deleteMany({ '_id.p': 'k:credits.earn' });
    for (let i = 0; i < 2; i++) analytics.track('credits.earn', 'ann', { amount: 5 }, key);
    await flush(analytics);
    assert.strictEqual((await database.days())[0].creditsEarned, 10);
    await toldOf(lines);
  });

  it('the marker of a dedupe key: the event is a redelivery, and others are not', async () => {
    const database = mongo.database();
    const _id = { p: 'k:credits.earn', u: 'run_1' };
    await database.db.collection('gsouniques').insertOne({ _id, x: new Date(8e14) });
    const { analytics } = create({ uri: database.uri });
    for (const dedupeKey of ['run_1', 'run_2']) {
      analytics.track('credits.earn', 'ann', { amount: 5 }, { dedupeKey });
    }
    await flush(analytics);
    assert.strictEqual((await database.days())[0].creditsEarned, 5);
    const { redelivered, dropped } = analytics.getHealth();
    assert.deepStrictEqual([redelivered, dropped], [1, {}]);
  });
});

describe('a collation that takes two dedupe keys for the same', { concurrency: 2 }, () => {
  const collation = { locale: 'en', strength: 1 };

  it('of purchases: both events are stored and count, one purchase is', async () => {
    const database = mongo.database();
    await database.db.createCollection('gsopurchases', { collation });
    const { analytics } = create({ uri: database.uri });
    for (const keys of [['evt_1', 'EVT_1', 'evt_2'], ['EVT_2']]) {
      for (const key of keys) pay(analytics, key);
      await flush(analytics);
    }
    assert.strictEqual(await revenue(database), 4 * 499);
    assert.strictEqual(await database.count('gsoevents'), 4);
    assert.deepStrictEqual(analytics.getHealth().warnings, { purchase_lost: 2 });
  });

  it('of markers: the second is dropped, also in one batch', async () => {
    const database = mongo.database();
    await database.db.createCollection('gsouniques', { collation });
    const { analytics } = create({ uri: database.uri });
    for (const key of ['evt_1', 'EVT_1', 'evt_2']) pay(analytics, key);
    await flush(analytics);
    assert.strictEqual(await revenue(database), 2 * 499);
    assert.deepStrictEqual(analytics.getHealth().dropped, { refused_by_server: 1 });
  });
});
