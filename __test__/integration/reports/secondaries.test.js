// Reports that are read from secondaries: they are read there, and lack nothing that was written before.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { create, useMongod } = require('../../support/setup');
const { ask } = require('../exactness/primaries');
const { dayOf, event, session, store } = require('./days');

const mongo = useMongod({ replSet: 3 });
const FROZEN_MS = 3_000;
const OPTIONS = {
  reportsReadPreference: 'secondaryPreferred',
  presence: 'off',
  operationTimeoutMs: 60_000,
};

/** How many pipelines each member has been sent. */
async function pipelines() {
  const count = async (member) => {
    const { metrics } = await ask(member, { serverStatus: 1 });
    return [member, Number(metrics.commands.aggregate.total)];
  };
  return new Map(await Promise.all(mongo.server.members.map(count)));
}

describe('reports from secondaries', () => {
  it('are read there, and are what the primary would answer', async () => {
    const database = mongo.database();
    await store(database, {
      sessions: [session('ann', 2), session('ann', 1), session('bob', 1)],
      events: [event('gems.earn', 1, { amount: 3 })],
    });
    const before = await pipelines();
    const { analytics } = create({ uri: database.uri, ...OPTIONS });
    analytics.start();
    const rows = await analytics.getActivity({ days: 2, to: dayOf(1) });
    assert.deepStrictEqual(
      rows.map(({ dau, newUsers, wau }) => [dau, newUsers, wau]),
      [
        [1, 1, 1],
        [2, 1, 2],
      ],
    );
    const [top] = await analytics.getTopEvents({ days: 1, to: dayOf(1) });
    assert.deepStrictEqual([top.event, top.count], ['gems.earn', 1]);
    const primary = await mongo.server.primary();
    const after = await pipelines();
    const read = (member) => after.get(member) - before.get(member);
    const secondaries = mongo.server.members.filter((member) => member !== primary);
    const there = secondaries.reduce((sum, member) => sum + read(member), 0);
    assert.ok(there >= 10, `${there} pipelines on secondaries`);
  });

  it('wait for a member that was frozen', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('ann', 0, { atMs: 0 })] });
    const { analytics } = create({ uri: database.uri, ...OPTIONS });
    analytics.start();
    await analytics.getActivity({ days: 1 });
    const primary = await mongo.server.primary();
    const frozen = mongo.server.members.find((member) => member !== primary);
    await frozen.kill('SIGSTOP');
    try {
      await database.db.collection('gsosessions').insertOne(session('bob', 0, { atMs: 1 }));
      await database.db.collection('gsoreports').deleteMany({ _id: /^d:/ });
      // What is known of the days is believed for 10 s.
      const other = create({ uri: database.uri, ...OPTIONS });
      other.analytics.start();
      const answer = other.analytics.getActivity({ days: 1 });
      await delay(FROZEN_MS);
      await frozen.kill('SIGCONT');
      const [row] = await answer;
      assert.strictEqual(row.dau, 2);
    } finally {
      await frozen.kill('SIGCONT');
    }
  });
});
