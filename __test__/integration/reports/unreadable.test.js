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
  sessions: [3, 2, 1].map((ago) => session('ann', ago)),
  events: [3, 2, 1].map((ago) => event('gems.earn', ago, { amount: 10 ** ago })),
});

/** An instance whose aggregations are refused for which `isRefused` holds. */
async function refusedOf(database, isRefused) {
  const proxy = await startProxy(mongo.server.port);
  const when = ({ command, body }) => command === 'aggregate' && isRefused(body);
  const error = { code: 22, codeName: 'InvalidBSON', errmsg: 'not UTF-8' };
  const rule = proxy.rule({ when, fate: fates.refuse(error) });
  const made = create({
    uri: proxy.uri(database.name),
    presence: 'off',
    operationTimeoutMs: 20_000,
  });
  made.analytics.start();
  return { ...made, rule };
}

describe('a day', { concurrency: true }, () => {
  it('whose events cannot be read is reported without them, and later days with theirs', async () => {
    const database = mongo.database();
    await store(database, history());
    const isOfDay = ({ aggregate, pipeline }) =>
      aggregate === 'gsoevents' && pipeline[0].$match?.ts?.$gte?.getTime() === startOf(2);
    const { analytics, lines } = await refusedOf(database, isOfDay);
    const [{ days }] = await analytics.getEconomy({ days: 3, to: dayOf(1), currency: 'gems' });
    assert.deepStrictEqual(
      days.map(({ sourced }) => sourced),
      [1_000, null, 10],
    );
    const rows = await analytics.getActivity({ days: 3, to: dayOf(1) });
    assert.deepStrictEqual(
      rows.map(({ dau }) => dau),
      [1, 1, 1],
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
      [1, undefined, 1],
    );
    assert.ok(lines.some((line) => line.includes(`the day ${dayOf(2)} cannot be reported`)));
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
      assert.deepStrictEqual(users.byFirstDay, [{ f: dayOf(3), u: 1 }]);
    } finally {
      await reader.stop();
    }
  });
});
