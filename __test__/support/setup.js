// What the integration tests share: a server with fresh databases, instances that are stopped when
// the file ends, and host programs that are written inside the tests.
'use strict';

require('./environment').cleanEnvironment();

const path = require('node:path');
const { after, before } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { MongoClient } = require('./driver');
const { startHost } = require('./host');
const support = require('./mongod');
const AnalyticsSystem = require('../..');

const ROOT = path.join(__dirname, '..', '..');
/** Tests look at today's totals: a file that takes less begins after midnight instead of before. */
const NEAR_MIDNIGHT_MS = 150_000;
const DAY_MS = 86_400_000;
/** Nothing listens there. */
const NOBODY = 'mongodb://127.0.0.1:1';
const RESULT = '@@result ';

const instances = [];

/**
 * One server for a test file; the databases made through it are dropped at the end. `options` as
 * `startMongod` takes them, for tests that need a server of their own; or a function that makes them.
 */
function useMongod(options = {}) {
  const names = [];
  let server;
  let client;
  before(async () => {
    await keepClearOfMidnight();
    const wanted = typeof options === 'function' ? await options() : options;
    server = await support.startMongod({ ...wanted, say() {} });
    client = new MongoClient(server.uri);
  });
  after(async () => {
    await stopAll();
    await client.close();
    await support.dropDatabases(server.uri, names);
    await server.stop();
  });
  return {
    get uri() {
      return server.uri;
    },
    get server() {
      return server;
    },
    get client() {
      return client;
    },
    database() {
      const name = support.freshDatabaseName();
      names.push(name);
      return new Database(client, server.uri, name);
    },
  };
}

async function keepClearOfMidnight() {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < NEAR_MIDNIGHT_MS) await delay(leftMs + 100);
}

class Database {
  constructor(client, serverUri, name) {
    this.name = name;
    this.serverUri = serverUri;
    this.uri = support.withDatabase(serverUri, name);
    this.db = client.db(name);
  }

  /** Documents of a collection in the order of their insertion. */
  all(collection, filter = {}) {
    return this.db.collection(collection).find(filter).sort({ _id: 1 }).toArray();
  }

  events(filter) {
    return this.all('gsoevents', filter);
  }

  sessions(filter) {
    return this.all('gsosessions', filter);
  }

  days(filter) {
    return this.all('gsodailies', filter);
  }

  count(collection, filter = {}) {
    return this.db.collection(collection).countDocuments(filter);
  }
}

/** An instance with a logger that keeps its lines: `{ analytics, lines }`, a line is `level text`. */
function create(options) {
  const { logger, lines } = keepingLogger();
  // What waits for a server that is not there is not worth waiting for at the end of a test.
  const hopeless = options?.uri?.startsWith(NOBODY) ? { shutdownTimeoutMs: 100 } : {};
  const analytics = new AnalyticsSystem({ logger, ...hopeless, ...options });
  instances.push(analytics);
  return { analytics, lines };
}

function keepingLogger() {
  const lines = [];
  const keep = (level) => (line) => lines.push(`${level} ${line}`);
  return { logger: { info: keep('info'), warn: keep('warn'), error: keep('error') }, lines };
}

async function stopAll() {
  await Promise.all(instances.map((analytics) => analytics.stop()));
}

/**
 * Starts `program` as a process of its own. It is written as a function in the test and sees the
 * globals of that process only, `require` from the top of the project, `given` as its argument, and
 * `report(value)`, whose last value comes back as `result`.
 */
function startProgram(program, { given = {}, nodeArgs = [], ...options } = {}) {
  const source = `
    const report = (value) =>
      require('node:fs').writeSync(1, '\\n${RESULT}' + JSON.stringify(value) + '\\n');
    (${program})(${JSON.stringify(given)}, report);`;
  const host = startHost('program', {
    nodeArgs: [...nodeArgs, '-e', source],
    cwd: ROOT,
    ...options,
  });
  return { ...host, finished: host.finished.then((end) => ({ ...end, result: resultOf(end) })) };
}

function resultOf({ stdout }) {
  const lines = stdout.split('\n').filter((line) => line.startsWith(RESULT));
  return lines.length > 0 ? JSON.parse(lines.at(-1).slice(RESULT.length)) : undefined;
}

/** Runs `program` to its end and answers with it; throws unless it ended by itself with `code`. */
async function runProgram(program, { code = 0, ...options } = {}) {
  const end = await startProgram(program, options).finished;
  if (end.code === code && !end.timedOut) return end;
  const how = end.timedOut ? 'did not end in time' : `ended with ${end.code ?? end.signal}`;
  throw new Error(`the program ${how}\n--- stdout\n${end.stdout}\n--- stderr\n${end.stderr}`);
}

module.exports = {
  AnalyticsSystem,
  NOBODY,
  create,
  keepingLogger,
  runProgram,
  startProgram,
  stopAll,
  useMongod,
};
