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
