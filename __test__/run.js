// Runs the test files on one shared mongod: `node __test__/run.js [--except] [part of a file name …]`.
// With --except those run whose names contain none of the parts. Expects a built tree. Prints each step
// with its time; the exit code is that of the tests.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cleanEnvironment } = require('./support/environment');
const { startMongod } = require('./support/mongod');
const { ROOT, say, step } = require('../scripts/lib/steps');

const OPTIONS = { except: { type: 'boolean', default: false } };
/** Files at once. They wait half of the time; more of them make tests with many processes miss their time limits. */
const CONCURRENCY = os.availableParallelism() + 1;
/** Of one file; a longer soak has its time on top. */
const TEST_TIMEOUT_MS = 600_000 + 1000 * Number(process.env.GSO_ANALYTICS_SOAK_SECONDS ?? 0);

function testFiles(folder = path.join(ROOT, '__test__')) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return testFiles(full);
    // Filters have slashes, also on Windows.
    const name = path.relative(ROOT, full).replaceAll(path.sep, '/');
    return name.endsWith('.test.js') ? [name] : [];
  });
}

function chosenFiles(filters, isExcept) {
  const files = testFiles().sort();
  const isNamed = (file) => filters.some((filter) => file.includes(filter));
  const chosen = files.filter((file) => (filters.length ? isNamed(file) !== isExcept : true));
  if (chosen.length === 0) throw new Error(`no test file matches ${filters.join(', ') || '**'}`);
  return chosen;
}

function runNodeTest(files, server) {
  const env = { ...process.env, ANALYTICS_TEST_MONGODB_URI: server.uri };
  // Tests that kill their server start one of their own: with the same program, found once.
  if (server.binary) env.MONGOD_BINARY = server.binary;
  const args = ['--test', `--test-concurrency=${CONCURRENCY}`, '--test-reporter=spec'];
  args.push(`--test-timeout=${TEST_TIMEOUT_MS}`, ...files);
  const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Runs the files that the arguments choose; answers the exit code. */
async function runTests() {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  cleanEnvironment();
  const files = chosenFiles(positionals, values.except);
  const server = await step('finding and starting mongod', () => startMongod({ say }));
  try {
    return await step(`${files.length} test files`, () => runNodeTest(files, server));
  } finally {
    await step('stopping mongod', () => server.stop());
  }
}

runTests().then(
  (code) => {
    process.exitCode = code;
  },
  (error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
