// Days of which something cannot be read, and days that are reported out of turn.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Reader } = require('../../../lib/cli/reader');
const { fates, startProxy } = require('../../support/proxy');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, startOf, store } = require('./days');
const { waitFor } = require('../../support/wait');

const mongo = useMongod();

const reportOf = async (database, ago) =>
  (await database.all('gsoreports', { _id: `d:${dayOf(ago)}` }))[0];

const history = () => ({
  sessions: [...[3, 2, 1].map((ago) => session('ann', ago)), session('bob', 2), session('bob', 1)],
  events: [3, 2, 1].map((ago) => event('gems.earn', ago, { amount: 10 ** ago })),
});

/** Days whose reports are final. */
const longAgo = () => ({
  sessions: [
    ...[9, 8, 7].map((ago) => session('ann', ago)),
    ...[8, 7].map((ago) => session('bob', ago)),
    session('cid', 7),
  ],
});

/** Of rows of `getActivity()`. */
const shown = (rows) =>
  rows.map(({ state, asOf, dau, newUsers }) => [state, asOf !== null, dau, newUsers]);

/** Of the last day. */
const BY_FIRST_DAY = [
  { f: dayOf(2), u: 1 },
  { f: dayOf(3), u: 1 },
];
const UNREADABLE = { code: 22, codeName: 'InvalidBSON', errmsg: 'not UTF-8' };
const TOO_LONG = { code: 50, codeName: 'MaxTimeMSExpired', errmsg: 'took too long' };

/** Whether an aggregation reads the events of the day in the middle. */
const isOfEvents = ({ aggregate, pipeline }) =>
  aggregate === 'gsoevents' && pipeline[0].$match?.ts?.$gte?.getTime() === startOf(2);

const isOfSessions = ({ aggregate }) => aggregate === 'gsosessions';

/** An instance whose aggregations are refused for which `isRefused` holds. */
async function refusedOf(database, isRefused, error = UNREADABLE) {
  const proxy = await startProxy(mongo.server.port);
  const when = ({ command, body }) => command === 'aggregate' && isRefused(body);
  const rule = proxy.rule({ when, fate: fates.refuse(error) });
  const made = create({
    uri: proxy.uri(database.name),
    presence: 'off',
    operationTimeoutMs: 20_000,
  });
  made.analytics.start();
  return { ...made, rule };
}

/** Another process makes all reports that are due. */
async function reported(database) {
  const { analytics } = create({ uri: database.uri, presence: 'off' });
  analytics.start();
  const isDone = () => analytics.getHealth().reports.state === 'current';
  await waitFor(isDone, { what: 'all reports', timeoutMs: 20_000 });
  await analytics.stop();
}

/** What was earned on each of the three days. */
async function gemsOf(analytics) {
  const [{ days }] = await analytics.getEconomy({ days: 3, to: dayOf(1), currency: 'gems' });
  return days.map(({ sourced }) => sourced);
}

describe('a day', { concurrency: true }, () => {
  it('whose events cannot be read is reported without them, and later days with theirs', async () => {
    const database = mongo.database();
    await store(database, history());
    const { analytics, lines } = await refusedOf(database, isOfEvents);
    assert.deepStrictEqual(await gemsOf(analytics), [1_000, null, 10]);
    const rows = await analytics.getActivity({ days: 3, to: dayOf(1) });
    assert.deepStrictEqual(
      rows.map(({ dau }) => dau),
      [1, 2, 2],
    );
    const isTold = () => lines.filter((line) => line.includes(`the events of ${dayOf(2)} cannot`));
    await waitFor(() => isTold().length === 1, { what: 'a line about the events' });
  });

  it('that cannot be reported holds no other day up', async () => {
    const database = mongo.database();
    await store(database, history());
    const isOfDay = ({ aggregate, pipeline }) =>
      aggregate === 'gsosessions' && pipeline[0].$match?.day === dayOf(2);
    const { analytics, lines } = await refusedOf(database, isOfDay);
    const isFailing = () => analytics.getHealth().reports.state === 'failing';
    await waitFor(isFailing, { what: 'the end of the run', timeoutMs: 20_000 });
    const found = [3, 2, 1].map((ago) => reportOf(database, ago));
    assert.deepStrictEqual(
      (await Promise.all(found)).map((report) => report?.users.dau),
      [1, undefined, 2],
    );
    assert.ok(lines.some((line) => line.includes(`the day ${dayOf(2)} cannot be reported`)));
    await reported(database);
    const { users } = await reportOf(database, 1);
    assert.deepStrictEqual(users.byFirstDay, BY_FIRST_DAY);
  });

  it('that cannot be reported is not known in answers, nor is who was new after it', async () => {
    const database = mongo.database();
    await store(database, longAgo());
    const isOfDay = (body) => isOfSessions(body) && body.pipeline[0].$match?.day === dayOf(8);
    const { analytics } = await refusedOf(database, isOfDay);
    const range = { days: 3, to: dayOf(7) };
    assert.deepStrictEqual(shown(await analytics.getActivity(range)), [
      ['final', true, 1, 1],
      ['settling', false, null, null],
      ['settling', true, 3, null],
    ]);
    const cohorts = await analytics.getRetention({ cohorts: 10, days: [1, 2] });
    const retained = cohorts.slice(0, 3).map(({ size, retained }) => [size, retained]);
    assert.deepStrictEqual(retained, [
      [1, { 1: null, 2: 1 }],
      [null, { 1: null, 2: null }],
      [null, { 1: null, 2: null }],
    ]);
    // Another process can read it: the days after it are made again.
    await reported(database);
    assert.deepStrictEqual(shown(await analytics.getActivity(range)), [
      ['final', true, 1, 1],
      ['final', true, 2, 1],
      ['final', true, 3, 1],
    ]);
  });

  it('of which only the sessions cannot be read leaves open nothing but itself', async () => {
    const database = mongo.database();
    await store(database, longAgo());
    const isOfLengths = ({ pipeline: [match, project] }) =>
      match.$match?.day === dayOf(8) && project.$project?.s !== undefined;
    const { analytics } = await refusedOf(
      database,
      (body) => isOfSessions(body) && isOfLengths(body),
    );
    const range = { days: 3, to: dayOf(7) };
    assert.deepStrictEqual(shown(await analytics.getActivity(range)), [
      ['final', true, 1, 1],
      ['settling', false, null, null],
      ['final', true, 3, 1],
    ]);
    const lengths = await analytics.getSessionLengths(range);
    assert.deepStrictEqual(
      lengths.map(({ ended, buckets }) => [ended, buckets?.length ?? null]),
      [
        [1, 1],
        [null, null],
        [3, 1],
      ],
    );
  });

  it('that goes on and cannot be read keeps no range from being answered', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 3), session('bob', 0)] });
    const isOfToday = (body) => isOfSessions(body) && body.pipeline[0].$match?.day === dayOf(0);
    const { analytics, rule } = await refusedOf(database, isOfToday);
    const days = async () => shown(await analytics.getActivity({ days: 4 }));
    const known = await days();
    assert.deepStrictEqual(known[0], ['settling', true, 1, 1]);
    assert.deepStrictEqual(known[3], ['open', false, null, null]);
    const tries = rule.taken.length;
    await days();
    // Not again for 10 s.
    assert.strictEqual(rule.taken.length, tries);
  });

  it('whose events cannot be read keeps nothing of a report of a part of it', async () => {
    const database = mongo.database();
    await store(database, history());
    await reported(database);
    const part = { state: 'open', asOf: new Date(startOf(2) + 12 * 3_600_000) };
    await database.db.collection('gsoreports').updateOne({ _id: `d:${dayOf(2)}` }, { $set: part });
    const { analytics } = await refusedOf(database, isOfEvents);
    const isFailing = () => analytics.getHealth().reports.state === 'failing';
    await waitFor(isFailing, { what: 'the end of the run', timeoutMs: 20_000 });
    assert.deepStrictEqual(await gemsOf(analytics), [1_000, null, 10]);
  });

  it('whose events take too long to read is not reported without them', async () => {
    const database = mongo.database();
    await store(database, history());
    const { analytics } = await refusedOf(database, isOfEvents, TOO_LONG);
    const isFailing = () => analytics.getHealth().reports.state === 'failing';
    await waitFor(isFailing, { what: 'the end of the run', timeoutMs: 20_000 });
    assert.strictEqual(await reportOf(database, 2), undefined);
    assert.strictEqual((await reportOf(database, 1)).users.dau, 2);
  });

  it('is not reported on demand before the days before it', async () => {
    const database = mongo.database();
    await store(database, history());
    const reader = new Reader({ uri: database.uri, reports: 'off', operationTimeoutMs: 20_000 });
    try {
      await assert.rejects(reader.makeReport(dayOf(1)), {
        code: 'ANALYTICS_DATABASE',
        message: new RegExp(`days before ${dayOf(1)} have no report yet, 2 from ${dayOf(3)} on`),
      });
      assert.strictEqual(await database.count('gsoreports', { _id: /^d:/ }), 0);
      for (const ago of [3, 2, 1]) await reader.makeReport(dayOf(ago));
      const { users } = await reportOf(database, 1);
      assert.deepStrictEqual(users.byFirstDay, BY_FIRST_DAY);
    } finally {
      await reader.stop();
    }
  });
});
