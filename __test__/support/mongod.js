// A real MongoDB server for tests and the demo: the one a developer names, or one started here.
// Nothing is started that is not stopped, and no database is dropped that a test did not make.
'use strict';

const crypto = require('node:crypto');
const { MongoClient } = require('./driver');
const { findMongodBinary } = require('./mongod-binary');
const { MongodProcess } = require('./mongod-process');
const { Security } = require('./mongod-security');
const { waitFor, within } = require('./wait');

const PREFIX = 'gso_test_';
const GIVEN_TIMEOUT_MS = 5_000;
const ELECTION_TIMEOUT_MS = 30_000;

/**
 * A server: the one in ANALYTICS_TEST_MONGODB_URI when it answers, else one of its own.
 * `own: true` or `replSet: <members>` always starts one (to be killed and restarted).
 * So do `auth` and `tls`, see mongod-security.js, and `parameters`, what mongod takes as
 * `--setParameter`, for one of its own. `say` receives progress lines; by default they go
 * to stderr.
 */
async function startMongod({ replSet = 0, own = false, parameters = [], ...rest } = {}) {
  const { auth, tls, say = toStderr } = rest;
  const given = process.env.ANALYTICS_TEST_MONGODB_URI;
  if (given && !replSet && !own && !auth && !tls) {
    const version = await versionOf(given).catch((error) => {
      say(`mongod: ANALYTICS_TEST_MONGODB_URI skipped: ${error.message}`);
    });
    if (version) return givenServer(given, version);
  }
  const binary = await findMongodBinary(say);
  const security = new Security({ auth, tls });
  if (replSet) return startReplicaSet(binary, replSet, security);
  return startSingle(binary, { security, parameters });
}

function toStderr(line) {
  process.stderr.write(`${line}\n`);
}

async function versionOf(uri) {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: GIVEN_TIMEOUT_MS });
  try {
    const question = client.db('admin').command({ buildInfo: 1 });
    const { version } = await within(question, { timeoutMs: GIVEN_TIMEOUT_MS, what: 'an answer' });
    return version;
  } finally {
    await client.close();
  }
}

function givenServer(uri, version) {
  const refuse = async () => {
    throw new Error('this server is not ours to kill: use startMongod({ own: true })');
  };
  const port = Number(/:(\d+)/.exec(uri.replace(/^.*@/, ''))?.[1] ?? 27017);
  const parts = { uri, version, port, pid: undefined, own: false, binary: undefined };
  return { ...parts, members: [], stop: async () => {}, kill: refuse, restart: refuse };
}

async function startSingle(binary, { security, parameters }) {
  const extra = parameters.flatMap((parameter) => ['--setParameter', parameter]);
  const mongod = await startProcess(binary, extra, security);
  try {
    await security.createRoot(`mongodb://${address(mongod)}`);
  } catch (error) {
    await mongod.stop();
    throw error;
  }
  return {
    uri: security.uri(address(mongod)),
    hosts: address(mongod),
    version: binary.version,
    binary: binary.path,
    own: true,
    port: mongod.port,
    get pid() {
      return mongod.pid;
    },
    members: [mongod],
    stop: () => mongod.stop(),
    kill: (signal) => mongod.kill(signal),
    restart: () => mongod.restart(),
    log: () => mongod.log(),
  };
}

async function startProcess(binary, extraArguments, security) {
  const mongod = new MongodProcess(binary.path, extraArguments, security);
  try {
    await mongod.start();
    return mongod;
  } catch (error) {
    await mongod.stop();
    throw error;
  }
}

/** `server.members[i]` has `port`, `pid`, `kill(signal)`, `restart()`; `kill` and `restart` of the
 *  server itself act on the member that is primary now. */
async function startReplicaSet(binary, count, security) {
  const extra = ['--replSet', 'gso', '--oplogSize', '64'];
  const starts = Array.from({ length: count }, () => startProcess(binary, extra, security));
  const settled = await Promise.allSettled(starts);
  const members = settled.filter((one) => one.value).map((one) => one.value);
  const stop = async () => {
    await Promise.all(members.map((member) => member.stop()));
  };
  try {
    await Promise.all(starts);
    await initiate(members);
    await security.createRoot(`mongodb://${members.map(address)}/?replicaSet=gso`);
  } catch (error) {
    await stop();
    throw error;
  }
  return replicaSet(binary, members, { stop, security });
}

function replicaSet(binary, members, { stop, security }) {
  let killed;
  return {
    uri: security.uri(members.map(address), { replicaSet: 'gso' }),
    hosts: members.map(address).join(','),
    version: binary.version,
    binary: binary.path,
    own: true,
    port: members[0].port,
    pid: members[0].pid,
    members,
    stop,
    primary: () => primaryOf(members),
    async kill(signal) {
      killed = await primaryOf(members);
      await killed.kill(signal);
    },
    async restart() {
      await (killed ?? (await primaryOf(members))).restart();
    },
  };
}

function address(member) {
  return `127.0.0.1:${member.port}`;
}

async function initiate(members) {
  const hosts = members.map((member, _id) => ({ _id, host: address(member) }));
  // Quick elections: a fail-over in a test takes about two seconds instead of ten.
  const elections = { electionTimeoutMillis: 2_000, heartbeatIntervalMillis: 500 };
  // A member that a test holds up must not hold up those that would read from it.
  const settings = { ...elections, chainingAllowed: false };
  await asking(members[0], { replSetInitiate: { _id: 'gso', members: hosts, settings } });
  await primaryOf(members);
  const areReady = async () => (await Promise.all(members.map(helloOf))).every(isUsable);
  await waitFor(areReady, { timeoutMs: ELECTION_TIMEOUT_MS, what: 'the secondaries' });
}

function isUsable(hello) {
  return hello?.isWritablePrimary || hello?.secondary;
}

/** Nothing of a member that does not answer. */
function helloOf(member) {
  return asking(member, { hello: 1 }).catch(() => undefined);
}

async function primaryOf(members) {
  const search = async () => {
    for (const member of members) {
      if ((await helloOf(member))?.isWritablePrimary) return member;
    }
    return undefined;
  };
  return waitFor(search, { timeoutMs: ELECTION_TIMEOUT_MS, what: 'a primary' });
}

async function asking(member, command) {
  const uri = `mongodb://${address(member)}/?directConnection=true`;
  const options = { ...member.security.clientOptions, serverSelectionTimeoutMS: 2_000 };
  const client = new MongoClient(uri, options);
  try {
    return await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}

function freshDatabaseName() {
  return PREFIX + crypto.randomBytes(8).toString('hex');
}

/** The URI of `database` on the server at `uri`, other parts of the URI kept. */
function withDatabase(uri, database) {
  const parts = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  if (!parts) throw new Error('not a MongoDB URI');
  const [, server, path, query] = parts;
  const options = new URLSearchParams(query);
  // The path of a URI with credentials says where they are kept, unless an option does.
  if (server.includes('@') && !options.has('authSource'))
    options.set('authSource', path || 'admin');
  const asked = options.size > 0 ? `?${options}` : '';
  return `${server}/${database}${asked}`;
}

/** Drops the named databases; refuses any that freshDatabaseName() could not have made. */
async function dropDatabases(uri, names) {
  const foreign = names.find((name) => !name.startsWith(PREFIX));
  if (foreign !== undefined) throw new Error(`${foreign} is not a database of the tests`);
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: GIVEN_TIMEOUT_MS });
  try {
    for (const name of names) await client.db(name).dropDatabase();
  } finally {
    await client.close();
  }
}

module.exports = { startMongod, freshDatabaseName, withDatabase, dropDatabases };
