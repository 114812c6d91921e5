// A host on a replica set: however it names the members, and whatever happens to the primary.
'use strict';

const { describe, it } = require('node:test');
const { create, startProgram, useMongod } = require('../../support/setup');
const { makeCertificates } = require('../../support/certificates');
const { MongoClient } = require('../../support/driver');
const { waitFor } = require('../../support/wait');
const { VERSIONS, assertAdopted, assertTracked, trackUntilTold } = require('./setup');

const MEMBERS = 3;
/** Longer than an election takes here. */
const ELECTION_MS = 20_000;

const mongo = useMongod({ replSet: MEMBERS });
const making = makeCertificates();
const guarded = useMongod(async () => {
  const { server: certificateKeyFile, ca: caFile } = await making;
  return {
    replSet: MEMBERS,
    auth: true,
    tls: { certificateKeyFile, caFile, client: { tlsCAFile: caFile } },
  };
});

const addressOf = ({ port }) => `127.0.0.1:${port}`;

async function roles({ server }) {
  const primary = await server.primary();
  return { primary, secondaries: server.members.filter((member) => member !== primary) };
}

/** How a host names the members: seeds and the rest of what `mongoose.connect()` is given. */
const WAYS = {
  'all hosts and replicaSet': () => ({ hosts: mongo.server.hosts, query: 'replicaSet=gso' }),
  'all hosts, no replicaSet': () => ({ hosts: mongo.server.hosts }),
  'one seed and replicaSet': ({ primary }) => ({
    hosts: addressOf(primary),
    query: 'replicaSet=gso',
  }),
  'one seed, a secondary, and replicaSet in the options': ({ secondaries }) => ({
    hosts: addressOf(secondaries[0]),
    options: { replicaSet: 'gso' },
  }),
  'one seed, a secondary, no replicaSet': ({ secondaries }) => ({
    hosts: addressOf(secondaries[1]),
  }),
  'a seed that is down, a secondary and replicaSet': ({ secondaries }) => ({
    hosts: `127.0.0.1:1,${addressOf(secondaries[0])}`,
    query: 'replicaSet=gso',
  }),
  'directConnection to the primary': ({ primary }) => ({
    hosts: addressOf(primary),
    query: 'directConnection=true',
  }),
  'w=1 and retryWrites=false': () => ({
    hosts: mongo.server.hosts,
    query: 'replicaSet=gso&w=1&retryWrites=false',
  }),
};

describe('a replica set of three', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    for (const [way, settings] of Object.entries(WAYS)) {
      it(`${version}: ${way}`, async () => {
        const database = mongo.database();
        const { hosts, query = '', options } = settings(await roles(mongo));
        const uri = `mongodb://${hosts}/${database.name}?${query}`;
        await assertAdopted(database, { mongoose: version, uri, options });
      });
    }
  }

  it('with passwords and TLS, one seed', async () => {
    const database = guarded.database();
    const { secondaries } = await roles(guarded);
    const query = 'authSource=admin&replicaSet=gso&tls=true';
    await assertAdopted(database, {
      uri: `mongodb://root:root@${addressOf(secondaries[0])}/${database.name}?${query}`,
      options: { tlsCAFile: (await making).ca },
    });
  });
});

/** Builds of indexes may wait for every member: those of `database` are made before. */
async function withIndexes(database) {
  const { analytics } = create({ uri: database.uri });
  analytics.start();
  const names = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques'];
  const made = async (name) => (await database.db.collection(name).indexes()).length > 1;
  const all = async () => (await Promise.all(names.map(made))).every(Boolean);
  await waitFor(all, { what: 'the indexes' });
  return database;
}

describe('a set with one secondary behind', () => {
  /** Nothing that is written while `action` runs reaches this secondary; others make a majority. */
  const withStaleSecondary = async (action) => {
    const { secondaries } = await roles(mongo);
    const client = new MongoClient(`mongodb://${addressOf(secondaries[0])}/?directConnection=true`);
    try {
      // Refused until the member has caught up once.
      const lock = () => client.db('admin').command({ fsync: 1, lock: true });
      await waitFor(lock, { what: 'a secondary to be locked' });
      await action();
    } finally {
      await client.db('admin').command({ fsyncUnlock: 1 });
      await client.close();
    }
  };

  const READS = {
    'readPreference in the URI': { query: '&readPreference=secondary' },
    'readPreference in the options': { options: { readPreference: 'secondaryPreferred' } },
  };

  for (const [what, { query = '', options }] of Object.entries(READS)) {
    it(`metrics hold what was tracked before them: ${what}`, async () => {
      const database = await withIndexes(mongo.database());
      await withStaleSecondary(async () => {
        const uri = `${database.uri}${query}`;
        await assertAdopted(database, { uri, options, reads: 12 });
      });
    });
  }

  it('totals are written, though indexes of collections with documents are missing', async () => {
    const database = mongo.database();
    await database.db.collection('gsouniques').insertOne({ _id: 'older' });
    await withStaleSecondary(() => assertAdopted(database, { uri: database.uri }));
  });
});

describe('a primary that is lost in the middle', () => {
  const LOSSES = {
    'steps down': async ({ port }) => {
      const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
      await client.db('admin').command({ replSetStepDown: 30, force: true });
      await client.close();
    },
    'is killed': (primary) => primary.kill('SIGKILL'),
  };

  for (const [what, lose] of Object.entries(LOSSES)) {
    it(`and ${what}: everything is stored exactly once`, async () => {
      const database = await withIndexes(mongo.database());
      const program = startProgram(trackUntilTold, {
        given: { mongoose: 'mongoose', uri: database.uri },
        ipc: true,
        timeoutMs: 60_000,
      });
      await waitForMore(database, 20);
      const { primary: lost } = await roles(mongo);
      await lose(lost);
      const replaced = async () => (await roles(mongo)).primary !== lost;
      await waitFor(replaced, { timeoutMs: ELECTION_MS, what: 'another primary' });
      await waitForMore(database, 20);
      program.child.send('enough');
      await assertTracked(await program.finished, database);
    });
  }

  async function waitForMore(database, count) {
    const before = await database.count('gsoevents');
    const more = async () => (await database.count('gsoevents')) >= before + count;
    await waitFor(more, { timeoutMs: ELECTION_MS, what: `${count} more events` });
  }
});
