// The class acknowledges a session when one member has it. This package reads what a majority has, and
// must know the last of those sessions all the same before it tells old from new.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod({ replSet: 3 });

/** So that the primary stays one for as long as nobody hears of it. */
const NO_ELECTION_MS = 60_000;
const today = () => new Date().toISOString().slice(0, 10);

const oldSession = (userId) => ({
  ...{ userId, username: userId, day: today(), month: today().slice(0, 7), __v: 0 },
  ...{ loginAt: new Date(), logoutAt: new Date(), durationS: 30 },
});

async function putOffElections() {
  const admin = mongo.client.db('admin');
  const { config } = await admin.command({ replSetGetConfig: 1 });
  config.version += 1;
  config.settings.electionTimeoutMillis = NO_ELECTION_MS;
  await admin.command({ replSetReconfig: config });
}

describe('sessions that a majority does not have yet', () => {
  it('are old ones, and their users are not counted again', async () => {
    const database = mongo.database();
    const sessions = database.db.collection('gsosessions');
    const daily = database.db.collection('gsodailies');
    const majority = { writeConcern: { w: 'majority' } };
    const day = { day: today(), month: today().slice(0, 7), dau: 2, sessionCount: 2 };
    await daily.insertOne(day, majority);
    await sessions.insertOne(oldSession('early'), majority);
    const uri = `${database.uri}&readPreference=secondaryPreferred`;
    const { analytics } = create({ uri });
    // A majority has all indexes then.
    analytics.start();
    await analytics.stop();
    // And here the place is known that records go to.
    analytics.start();
    analytics.track('craft.complete', 'somebody');
    await analytics.flush();

    await putOffElections();
    const primary = await mongo.server.primary();
    const others = mongo.server.members.filter((member) => member !== primary);
    await Promise.all(others.map((member) => member.kill('SIGSTOP')));
    let login;
    try {
      await sessions.insertOne(oldSession('late'), { writeConcern: { w: 1 } });
      login = analytics.onLogin('late', 'name');
      // What is written to order old before new is there, and no majority has it.
      const isOrdering = () => database.count('gsouniques', { '_id.p': 'history' });
      const what = 'the write that orders old before new';
      await waitFor(isOrdering, { timeoutMs: NO_ELECTION_MS / 3, what });
      assert.strictEqual(await database.count('gsouniques', { '_id.p': 'base' }), 0);
    } finally {
      await Promise.all(others.map((member) => member.kill('SIGCONT')));
    }
    await login;
    await analytics.onLogin('new', 'name');

    const { dau, mau } = await analytics.getMetrics();
    assert.deepStrictEqual({ dau, mau }, { dau: 3, mau: 3 });
    const [base] = await database.all('gsouniques', { '_id.p': 'base', '_id.d': today() });
    assert.strictEqual(base.closed, 2);
  });
});
