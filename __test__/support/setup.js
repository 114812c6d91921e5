// What the integration tests share: a server with fresh databases, instances that are stopped when
// the file ends, and host programs that are written inside the tests.
'use strict';

require('./environment').cleanEnvironment();

const path = require('node:path');
const { after, before } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { Mongo } = require('./database');
const { keepingLogger } = require('./game-server/orders');
const { startHost } = require('./host');
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
  let mongo;
  before(async () => {
    await keepClearOfMidnight();
    mongo = await Mongo.start(typeof options === 'function' ? await options() : options);
  });
  after(async () => {
    await stopAll();
    await mongo.dropDatabases();
    await mongo.stop();
  });
  return {
    get uri() {
      return mongo.uri;
    },
    get server() {
      return mongo.server;
    },
    get client() {
      return mongo.client;
    },
    database: () => mongo.database(),
  };
}

async function keepClearOfMidnight() {
  const leftMs = DAY_MS - (Date.now() % DAY_MS);
  if (leftMs < NEAR_MIDNIGHT_MS) await delay(leftMs + 100);
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
  useMongod,
};
