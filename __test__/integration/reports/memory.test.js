// A report of a day with very many different names takes little memory in the process of the game.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { dayOf, session, startOf, store } = require('./days');

const mongo = useMongod();
const MIB = 1_048_576;

/** In a process of its own: how much memory it takes to report a day, in bytes. */
async function report({ uri, day }, answer) {
  const AnalyticsSystem = require('./index.js');
  const analytics = new AnalyticsSystem({
    ...{ uri, presence: 'off', operationTimeoutMs: 60_000 },
    logger: { info() {}, warn() {}, error() {} },
  });
  const rss = () => process.resourceUsage().maxRSS * 1_024;
  await analytics.getHealth();
  const before = rss();
  analytics.start();
  const [{ days }] = await analytics.getEconomy({ days: 1, to: day, currency: 'gems' });
  answer({ sunk: days[0].sunk, bytes: rss() - before });
  await analytics.stop();
}

describe('a day of 100,000 items', () => {
  it('takes little memory to report', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 1)] });
    const COUNT = 100_000;
    const ids = { $range: [0, COUNT] };
    // Made by the server, which is faster.
    await database.db
      .collection('gsosessions')
      .aggregate([
        { $project: { _id: 0, i: ids } },
        { $unwind: '$i' },
        {
          $project: {
            ...{ event: 'gems.spend', userId: 'ann', day: dayOf(1) },
            ts: { $add: [new Date(startOf(1)), '$i'] },
            data: { amount: { $literal: 1 }, item: { $concat: ['item-', { $toString: '$i' }] } },
          },
        },
        { $merge: 'gsoevents' },
      ])
      .toArray();
    assert.strictEqual(await database.count('gsoevents'), COUNT);
    const { result } = await runProgram(report, { given: { uri: database.uri, day: dayOf(1) } });
    assert.strictEqual(result.sunk, COUNT);
    assert.ok(result.bytes < 80 * MIB, `${Math.round(result.bytes / MIB)} MiB`);
  });
});
