// Refusals of the server: a document that is refused for its content is dropped, everything else waits.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod({ replSet: 1 });

describe('a server that refuses', () => {
  it('all writes for a while loses nothing', async (t) => {
    if (Number.parseInt(mongo.server.version, 10) < 6) {
      t.skip('MongoDB can be told to refuse writes since 6.0');
      return;
    }
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.track('dungeon.complete', 'before');
    await analytics.flush();
    const block = (global) => database.db.admin().command({ setUserWriteBlockMode: 1, global });
    await block(true);
    for (let i = 0; i < 50; i++) analytics.track('dungeon.complete', 'u', { i });
    try {
      await waitFor(() => analytics.getHealth().retried > 0, { timeoutMs: 5_000, what: 'a retry' });
      assert.deepStrictEqual(analytics.getHealth().dropped, {});
    } finally {
      await block(false);
    }
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 51);
    assert.strictEqual((await database.days())[0].dungeonsRun, 51);
  });

  it('one logout for its content lets the logins after it pass', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('bad', 'Bad');
    await analytics.onLogin('good', 'Good');
    const validator = { $or: [{ logoutAt: null }, { userId: { $ne: 'bad' } }] };
    const restrict = () => database.db.command({ collMod: 'gsosessions', validator });
    await waitFor(restrict, { what: 'the indexes to be made' });
    await Promise.all([analytics.onLogout('bad'), analytics.onLogout('good')]);
    await analytics.onLogin('later', 'Later');
    await analytics.flush();
    assert.strictEqual(await database.count('gsosessions'), 3);
    assert.deepStrictEqual(analytics.getHealth().dropped, { refused_by_server: 1 });
    assert.strictEqual((await database.days())[0].sessionCount, 3);
  });

  it('one event, in words that are cut in the middle of a character, stores the others', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.flush();
    await database.db.collection('gsoevents').createIndex({ 'data.note': 1 }, { unique: true });
    // The server quotes so many bytes of the value.
    for (const note of ['a', 'b', 'b', 'c'].map((start) => `${start}${'é'.repeat(200)}`)) {
      analytics.track('dungeon.complete', 'u', { note });
    }
    await analytics.flush();
    const { dropped, retried } = analytics.getHealth();
    assert.deepStrictEqual({ dropped, retried }, { dropped: { refused_by_server: 1 }, retried: 0 });
    assert.strictEqual(await database.count('gsoevents'), 3);
    assert.strictEqual((await database.days())[0].dungeonsRun, 3);
  });
});
