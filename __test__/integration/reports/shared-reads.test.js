// Reads that take long: equal ones share the next, the database is told when nobody waits any more, and a report that
// is being made for a person is finished.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Reader } = require('../../../lib/cli/reader');
const { fates, startProxy } = require('../../support/proxy');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, startOf, store } = require('./days');
const { waitFor } = require('../../support/wait');

const mongo = useMongod();
const LIMIT_MS = 20_000;

const purchase = {
  ...{ _id: { i: 1 }, event: 'stripe.payment', userId: 'ann', cents: 500, currency: 'USD' },
  ...{ day: dayOf(1), ts: new Date(`${dayOf(1)}T05:00:00Z`) },
};
const passesOver = (collection) => {
  return ({ command, body }) => command === 'aggregate' && body.aggregate === collection;
};

/** Whether a command sums up purchases by day and currency. */
const isPassOfRows = ({ command, body }) => {
  return (
    passesOver('gsopurchases')({ command, body }) && body.pipeline[1].$group?._id.d !== undefined
  );
};

/** Whether a command reads the events of today for its report. */
const isPassOfToday = ({ command, body }) => {
  const isPass = passesOver('gsoevents')({ command, body });
  const [{ $match }, { $project }] = isPass ? body.pipeline : [{}, {}];
  return $project !== undefined && $match.ts?.$gte.getTime() === startOf(0);
};

describe('equal reads', { concurrency: true }, () => {
  it('are one that is under way and one that waits', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    await database.db.collection('gsopurchases').insertOne(purchase);
    const proxy = await startProxy(mongo.server.port);
    const options = { uri: proxy.uri(database.name), operationTimeoutMs: LIMIT_MS };
    const { analytics } = create({ ...options, presence: 'off' });
    analytics.start();
    await analytics.getRevenue();
    const { taken } = proxy.rule({ when: isPassOfRows, fate: fates.hold });
    const first = analytics.getRevenue();
    await waitFor(() => taken.length === 1, { what: 'a pass of a read' });
    const others = [];
    for (let turn = 0; turn < 3; turn += 1) {
      others.push(...Array.from({ length: 10 }, () => analytics.getRevenue()));
      // It is answered after these have come.
      await analytics.getLast30Days();
    }
    assert.strictEqual(taken.length, 1);
    const limits = taken.map(({ request }) => request.body.maxTimeMS);
    assert.ok(
      limits.every((limit) => limit > 0 && limit <= LIMIT_MS),
      `${limits}`,
    );
    taken.forEach((exchange) => void exchange.forward());
    assert.strictEqual((await first).at(-2).cents, 500);
    await waitFor(() => taken.length === 2, { what: 'the next read' });
    taken.slice(1).forEach((exchange) => void exchange.forward());
    const answers = await Promise.all(others);
    assert.ok(answers.every((rows) => rows.at(-2).cents === 500));
    assert.strictEqual(taken.length, 2);
  });

  it('begin again when the time of one is over that never ends', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    const proxy = await startProxy(mongo.server.port);
    const options = { uri: proxy.uri(database.name), operationTimeoutMs: 2_000 };
    const { analytics } = create({ ...options, presence: 'off' });
    analytics.start();
    await analytics.getConcurrency({ day: dayOf(5) });
    const rule = proxy.rule({ when: passesOver('gsosessions'), fate: fates.hold, times: 1 });
    const lost = analytics.getConcurrency({ day: dayOf(5) });
    await waitFor(() => rule.taken.length === 1, { what: 'a read' });
    await assert.rejects(lost, {
      code: 'ANALYTICS_TIMEOUT',
      message:
        /^getConcurrency\(\) was not finished after 2000 ms, the limit of operationTimeoutMs/,
    });
    assert.strictEqual((await analytics.getConcurrency({ day: dayOf(5) })).day, dayOf(5));
    rule.taken[0].forward();
  });
});

describe('the report of today', () => {
  it('is waited for by those alone who ask for it, who share one', async () => {
    const database = mongo.database();
    const events = [event('gems.earn', 0, { amount: 7 }, { atMs: 0 })];
    await store(database, { sessions: [session('ann', 1)], events });
    const proxy = await startProxy(mongo.server.port);
    const options = { uri: proxy.uri(database.name), operationTimeoutMs: LIMIT_MS };
    const { analytics } = create({ ...options, presence: 'off' });
    analytics.start();
    await analytics.getActivity({ to: dayOf(1) });
    const { taken } = proxy.rule({ when: isPassOfToday, fate: fates.hold });
    const today = [analytics.getTopEvents({ days: 1 }), analytics.getEconomy({ days: 1 })];
    await waitFor(() => taken.length === 1, { what: 'its pass' });
    const [row] = await analytics.getActivity({ days: 1, to: dayOf(1) });
    assert.strictEqual(row.dau, 1);
    await taken[0].forward();
    const [[top], [, gems]] = await Promise.all(today);
    assert.deepStrictEqual([top.count, gems.sourced], [1, 7]);
    assert.strictEqual(taken.length, 1);
    await analytics.stop();
    await proxy.close();
  });
});

describe('funnels that are not declared', () => {
  it('are read one after the other', async () => {
    const database = mongo.database();
    const events = [event('a', 0, {}, { atMs: 0 }), event('b', 0, {}, { atMs: 0 })];
    await store(database, { sessions: [session('u1', 1)], events });
    await database.db.collection('gsoevents').createIndex({ event: 1 });
    const proxy = await startProxy(mongo.server.port);
    const options = { uri: proxy.uri(database.name), operationTimeoutMs: LIMIT_MS };
    const { analytics } = create({ ...options, presence: 'off' });
    analytics.start();
    await analytics.getActivity({ days: 1 });
    let isHeld = true;
    const { taken } = proxy.rule({
      when: ({ command, body }) => {
        return (
          passesOver('gsoevents')({ command, body }) && body.pipeline.some((one) => one.$count)
        );
      },
      fate: (exchange) => (isHeld ? fates.hold() : exchange.forward()),
    });
    const asked = [
      ['a', 'b'],
      ['b', 'a'],
    ].map((steps) => analytics.getFunnel({ steps, windowS: 60 }));
    await waitFor(() => taken.length > 0, { what: 'the first pass' });
    for (let turn = 0; turn < 10; turn += 1) await analytics.getLast30Days();
    assert.strictEqual(taken.length, 1);
    isHeld = false;
    await taken[0].forward();
    const [ab, ba] = await Promise.all(asked);
    assert.deepStrictEqual(
      [ab, ba].map(({ steps }) => steps.map(({ users }) => users)),
      [
        [1, 1],
        [1, 1],
      ],
    );
    await analytics.stop();
    await proxy.close();
  });
});

describe('a report that is being made on demand', () => {
  it('is finished after the time limit', async () => {
    const database = mongo.database();
    const events = [event('gems.earn', 1, { amount: 7 })];
    await store(database, { sessions: [session('ann', 1)], events });
    const proxy = await startProxy(mongo.server.port);
    proxy.rule({ when: passesOver('gsoevents'), fate: fates.delay(1_500) });
    const reader = new Reader({
      ...{ uri: proxy.uri(database.name), reports: 'off' },
      operationTimeoutMs: 2_000,
    });
    try {
      await reader.makeReport(dayOf(1));
      const [{ eventsTotal }] = await database.all('gsoreports', { _id: `d:${dayOf(1)}` });
      assert.strictEqual(eventsTotal, 1);
    } finally {
      await reader.stop();
    }
  });
});
