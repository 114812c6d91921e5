// A host whose server asks for a password: however the host says it, the addon says it too.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, startProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { Reader } = require('../../../lib/cli/reader');
const { VERSIONS, assertAdopted, assertRefused } = require('./setup');

const mongo = useMongod({ auth: true });

const PASSWORD = 'p@ss:/%wörd?#&=+ "';
/** Where users are kept that use another database. */
const ELSEWHERE = 'gso_test_users';
const SOURCE = `authSource=${ELSEWHERE}`;
const MECHANISMS = ['SCRAM-SHA-1', 'SCRAM-SHA-256'];
/** More than a document that is refused for its content gets, of an event and a login. */
const REFUSALS = 2 * 13;

/** Retries are at most 3 s apart; the driver alone would look at the server every 10 s. */
const AGAIN_MS = 7_000;

/** A user of `database` only, kept in `source`; each test has its own. */
async function createUser(database, { source = ELSEWHERE, mechanisms, role } = {}) {
  const username = `user of ${database.name}`;
  await mongo.client.db(source).command({
    createUser: username,
    pwd: PASSWORD,
    roles: [role ?? { role: 'readWrite', db: database.name }],
    ...(mechanisms && { mechanisms }),
  });
  return username;
}

function uriOf({ username, password = PASSWORD, path = '', query = '' }) {
  const user = username ? `${encodeURIComponent(username)}:${encodeURIComponent(password)}@` : '';
  return `mongodb://${user}${mongo.server.hosts}/${path}${query && `?${query}`}`;
}

/** The same user and database, said in different ways: `{ uri, options }` for mongoose. */
const WAYS = {
  'user, password and authSource in the URI': (username, { name }) => ({
    uri: uriOf({ username, path: name, query: SOURCE }),
  }),
  'user and password in the URI, authSource in the options': (username, { name }) => ({
    uri: uriOf({ username, path: name }),
    options: { authSource: ELSEWHERE },
  }),
  'user, pass, dbName and authSource in the options': (username, { name }) => ({
    uri: uriOf({}),
    options: { user: username, pass: PASSWORD, dbName: name, authSource: ELSEWHERE },
  }),
  'auth in the options': (username, { name }) => ({
    uri: uriOf({ path: name }),
    options: { auth: { username, password: PASSWORD }, authSource: ELSEWHERE },
  }),
  'auth in the options, authSource in the URI': (username, { name }) => ({
    uri: uriOf({ path: name, query: SOURCE }),
    options: { auth: { username, password: PASSWORD } },
  }),
};

describe('a user of the host with readWrite on one database', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    for (const [way, settings] of Object.entries(WAYS)) {
      it(`${version}: ${way}`, async () => {
        const database = mongo.database();
        const username = await createUser(database);
        await assertAdopted(database, { mongoose: version, ...settings(username, database) });
      });
    }

    for (const mechanism of MECHANISMS) {
      it(`${version}: authMechanism ${mechanism}, a user who has no other`, async () => {
        const database = mongo.database();
        const username = await createUser(database, { mechanisms: [mechanism] });
        const query = `${SOURCE}&authMechanism=${mechanism}`;
        await assertAdopted(database, {
          mongoose: version,
          uri: uriOf({ username, path: database.name, query }),
        });
      });
    }
  }

  it('is kept in the database of the path where no authSource is given', async () => {
    const database = mongo.database();
    const username = await createUser(database, { source: database.name });
    await assertAdopted(database, { uri: uriOf({ username, path: database.name }) });
  });

  it('is kept in admin where neither path nor authSource is given', async () => {
    const database = mongo.database();
    const username = await createUser(database, { source: 'admin' });
    await assertAdopted(database, {
      uri: uriOf({ username }),
      options: { dbName: database.name },
    });
  });

  it('keeps their password when the options name another mechanism than the server offers first', async () => {
    const database = mongo.database();
    const username = await createUser(database, { mechanisms: MECHANISMS });
    await assertAdopted(database, {
      uri: uriOf({ path: database.name }),
      options: {
        auth: { username, password: PASSWORD },
        authSource: ELSEWHERE,
        authMechanism: 'SCRAM-SHA-1',
      },
    });
  });
});

describe('a connection string of our own', { concurrency: 2 }, () => {
  const given = async (database) => {
    const username = await createUser(database);
    return uriOf({ username, path: database.name, query: SOURCE });
  };

  it('ANALYTICS_MONGODB_URI with a password', async () => {
    const database = mongo.database();
    await assertAdopted(database, { env: { ANALYTICS_MONGODB_URI: await given(database) } });
  });

  it('options.uri with a password, beside a mongoose that is connected as somebody else', async () => {
    const [database, hosts] = [mongo.database(), mongo.database()];
    await assertAdopted(database, { uri: hosts.uri, settings: { uri: await given(database) } });
    assert.strictEqual(await hosts.count('gsoevents'), 0);
  });
});

describe('a user who may do less than readWrite', { concurrency: 2 }, () => {
  const may = async (actions) => {
    const database = mongo.database();
    const privileges = [{ resource: { db: database.name, collection: '' }, actions }];
    const role = { role: 'less than readWrite', db: database.name };
    await database.db.command({ createRole: role.role, privileges, roles: [] });
    const username = await createUser(database, { role });
    return { database, uri: uriOf({ username, path: database.name, query: SOURCE }) };
  };

  it('needs find, insert, update and createIndex, nothing else', async () => {
    const { database, uri } = await may(['find', 'insert', 'update', 'createIndex']);
    await assertAdopted(database, { uri });
  });
});

describe('a password that the server refuses', { concurrency: true }, () => {
  const WRONG = 'not the pass/word';
  const secrets = [WRONG, encodeURIComponent(WRONG), PASSWORD];

  it('of the host: promises end as documented and no line holds it', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const { result } = await assertRefused({
      uri: uriOf({ username, password: WRONG, path: database.name, query: SOURCE }),
      secrets,
    });
    assert.strictEqual(result.refusal, 'MongoServerError');
    assert.strictEqual(await database.count('gsoevents'), 0);
  });

  it('in ANALYTICS_MONGODB_URI: the same', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const uri = uriOf({ username, password: WRONG, path: database.name, query: SOURCE });
    const { lines } = await assertRefused({ env: { ANALYTICS_MONGODB_URI: uri }, secrets });
    assert.match(lines.join('\n'), /[Aa]uthentication/);
  });

  it('is tried again: what waited is written when the server has learned the password', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const uri = uriOf({ username, password: WRONG, path: database.name, query: SOURCE });
    const program = startProgram(trackAndFlush, { env: { ANALYTICS_MONGODB_URI: uri } });
    const refused = () => program.output.stderr.includes('Authentication failed');
    await waitFor(refused, { timeoutMs: 20_000, what: 'the password to be refused' });
    await mongo.client.db(ELSEWHERE).command({ updateUser: username, pwd: WRONG });
    assert.strictEqual((await program.finished).code, 0);
    assert.strictEqual(await database.count('gsoevents'), 1);
  });

  it('costs no record, however often it is refused', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const uri = uriOf({ username, password: WRONG, path: database.name, query: SOURCE });
    const { analytics, lines } = create({ uri, operationTimeoutMs: 60_000 });
    analytics.start();
    analytics.track('event', 'player');
    analytics.onLogin('player', 'name');
    const isRefusedForLong = () => {
      const { retried, dropped } = analytics.getHealth();
      return retried >= REFUSALS || Object.keys(dropped).length > 0;
    };
    await waitFor(isRefusedForLong, { timeoutMs: 120_000, what: 'many refusals' });
    const { dropped, connected } = analytics.getHealth();
    assert.deepStrictEqual({ dropped, connected }, { dropped: {}, connected: false });
    assert.match(lines.join('\n'), /cannot be written to.*Authentication failed/);
    await mongo.client.db(ELSEWHERE).command({ updateUser: username, pwd: WRONG });
    await analytics.flush();
    const counts = ['gsoevents', 'gsosessions'].map((name) => database.count(name));
    assert.deepStrictEqual(await Promise.all(counts), [1, 1]);
  });
});

describe('a user who is dropped while the instance runs', { concurrency: true }, () => {
  it('costs no record, no line about a right, and seconds when it is made again', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const uri = uriOf({ username, path: database.name, query: SOURCE });
    const { analytics, lines } = create({ uri, flushIntervalMs: 50 });
    analytics.start();
    analytics.track('before', 'player');
    await analytics.flush();
    await mongo.client.db(ELSEWHERE).command({ dropUser: username });
    analytics.track('meanwhile', 'player');
    const isRefused = () => /Authentication failed/.test(analytics.getHealth().lastError?.message);
    await waitFor(isRefused, { timeoutMs: 30_000, what: 'new connections to be refused' });
    await createUser(database);
    const again = performance.now();
    await analytics.flush();
    const tookMs = performance.now() - again;
    assert.strictEqual(await database.count('gsoevents'), 2);
    assert.ok(tookMs < AGAIN_MS, `${tookMs} ms`);
    assert.doesNotMatch(lines.join('\n'), /refuses|right/);
  });

  it('gives a process that only reads its answers when it is made again', async () => {
    const database = mongo.database();
    const username = await createUser(database);
    const reader = new Reader({
      uri: uriOf({ username, path: database.name, query: SOURCE }),
      logger: false,
    });
    await reader.instances();
    await mongo.client.db(ELSEWHERE).command({ dropUser: username });
    // Its connection has no user any more, although there is one again.
    await createUser(database);
    const again = performance.now();
    await reader.instances();
    const tookMs = performance.now() - again;
    assert.ok(tookMs < AGAIN_MS, `${tookMs} ms`);
    await mongo.client.db(ELSEWHERE).command({ dropUser: username });
    await assert.rejects(reader.instances(), /Authentication failed/);
    await reader.stop();
  });
});

/** Runs in a process of its own. */
async function trackAndFlush() {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ operationTimeoutMs: 25_000 });
  analytics.start();
  analytics.track('event', 'player');
  await analytics.flush();
  await analytics.stop();
}
