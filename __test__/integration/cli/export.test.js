// `export` writes what exportUser() yields, and only reads.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { EJSON } = require('bson');
const { childEnvironment } = require('../../support/environment');
const { create, useMongod } = require('../../support/setup');
const { MAIN, cli, linesOf, watchedCli } = require('./command');

const mongo = useMongod();

describe('export', () => {
  it('writes a line for every document, with ids and dates as they are', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('ann', 'Ann');
    analytics.track('chat', 'ann', { text: 'hello' });
    analytics.track('chat', 'bob', { text: 'hello' });
    await analytics.stop();
    const { code, stdout, writes } = await watchedCli(['export', 'ann'], {
      server: mongo.server,
      database,
    });
    assert.deepStrictEqual([code, writes], [0, []]);
    const found = linesOf(stdout).map((line) => EJSON.parse(line));
    const [session] = await database.sessions();
    const [event] = await database.events({ userId: 'ann' });
    const of = (collection) => found.filter((one) => one.collection === collection);
    assert.deepStrictEqual(of('sessions'), [{ collection: 'sessions', document: session }]);
    assert.deepStrictEqual(of('events'), [{ collection: 'events', document: event }]);
    assert.strictEqual(of('uniques').length, 2);
    assert.ok(!stdout.includes('bob'));
  });

  it('says that nothing is stored, and makes neither collections nor indexes', async () => {
    const database = mongo.database();
    const { code, stdout, problems } = await cli(['export', 'nobody'], { uri: database.uri });
    assert.deepStrictEqual([code, stdout], [0, '']);
    assert.deepStrictEqual(problems, ['nothing is stored of this user']);
    assert.deepStrictEqual(await database.db.listCollections().toArray(), []);
  });

  it('ends quietly when its reader has seen enough', async () => {
    const database = mongo.database();
    const events = Array.from({ length: 3_000 }, (_, n) => ({ userId: 'ann', event: `e${n}` }));
    await database.db.collection('gsoevents').createIndex({ userId: 1 });
    await database.db.collection('gsoevents').insertMany(events);
    const line = `"${process.execPath}" "${MAIN}" export ann | head -n 1`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', line], {
      encoding: 'utf8',
      env: childEnvironment({ ANALYTICS_MONGODB_URI: database.uri }),
    });
    const problems = linesOf(stderr).filter((text) => !text.startsWith('reading, '));
    assert.deepStrictEqual([status, linesOf(stdout).length, problems], [0, 1, []]);
  });
});
