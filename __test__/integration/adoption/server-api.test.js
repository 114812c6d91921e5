// A host that declares the stable API, on a server that requires it of everybody.
'use strict';

const { describe, it } = require('node:test');
const { MongoClient } = require('../../support/driver');
const { useMongod } = require('../../support/setup');
const { VERSIONS, assertAdopted } = require('./setup');

const SERVER_API = { version: '1', strict: true, deprecationErrors: true };
const mongo = useMongod({ own: true, parameters: ['enableTestCommands=1'] });

describe('a server that requires the stable API', () => {
  for (const version of VERSIONS) {
    it(`${version}: the declaration of the host is adopted`, async () => {
      const database = mongo.database();
      // Others are not even answered while it is required.
      const admin = new MongoClient(mongo.uri, { serverApi: { version: '1' } });
      const requires = (requireApiVersion) =>
        admin.db('admin').command({ setParameter: 1, requireApiVersion });
      await requires(true);
      await assertAdopted(database, {
        ...{ mongoose: version, uri: database.uri, options: { serverApi: SERVER_API } },
        played: () => requires(false),
      }).finally(async () => {
        await requires(false);
        await admin.close();
      });
    });
  }
});
