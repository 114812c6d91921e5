// Which database of its server a host means: `dbName`, the path of the URI, or none of them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { withDatabase } = require('../../support/mongod');
const { VERSIONS, assertAdopted } = require('./setup');

/** A server of its own: without a name, documents go to a database that is not made for tests. */
const mongo = useMongod({ own: true });

function databaseNamed(name) {
  const db = mongo.client.db(name);
  const all = (collection) => db.collection(collection).find().toArray();
  return {
    events: () => all('gsoevents'),
    sessions: () => all('gsosessions'),
    days: () => all('gsodailies'),
    drop: () => db.dropDatabase(),
  };
}

describe('the database of a host', { concurrency: 2 }, () => {
  for (const version of VERSIONS) {
    it(`${version}: is that of dbName rather than of the path`, async () => {
      const [named, byPath] = [mongo.database(), mongo.database()];
      const options = { dbName: named.name };
      await assertAdopted(named, { mongoose: version, uri: byPath.uri, options });
      assert.strictEqual(await byPath.count('gsoevents'), 0);
    });
  }

  it('is not the other database that it uses by useDb()', async () => {
    const [connected, beside] = [mongo.database(), mongo.database()];
    await runProgram(trackBesideUseDb, { given: { uri: connected.uri, beside: beside.name } });
    assert.deepStrictEqual(
      [await connected.count('gsoevents'), await beside.count('gsoevents')],
      [1, 0],
    );
  });
});

describe('a host that names no database', () => {
  for (const version of VERSIONS) {
    it(`${version}: has its documents in test`, async () => {
      const database = databaseNamed('test');
      await assertAdopted(database, { mongoose: version, uri: withDatabase(mongo.uri, '') });
      await database.drop();
    });
  }
});

/** Runs in the host's process. */
async function trackBesideUseDb({ uri, beside }) {
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('.');
  await mongoose.connect(uri);
  const other = mongoose.connection.useDb(beside);
  await other.asPromise();
  const analytics = new AnalyticsSystem();
  analytics.start();
  analytics.track('event', 'player');
  await analytics.stop();
  await mongoose.disconnect();
}
