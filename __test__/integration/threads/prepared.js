// A database whose indexes are there, for tests of time limits: making them takes long on a busy disk.
'use strict';

const { create } = require('../../support/setup');

/** Of what it took to make them, today's document stays, with one `marketSales`. */
async function preparedDatabase(mongo) {
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
  analytics.track('market.sale');
  await analytics.flush();
  await analytics.stop();
  await database.db.collection('gsoevents').deleteMany({});
  return database;
}

module.exports = { preparedDatabase };
