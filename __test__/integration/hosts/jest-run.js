// Runs of Jest over host projects.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { startHost } = require('../../support/host');
const { ROOT } = require('./folder');

const JEST = path.join(ROOT, 'node_modules', 'jest', 'bin', 'jest.js');

/** `jest.config.json` of a host which maps './AnalyticsSystem' to the addon. */
const CONFIGURATION = {
  transform: {},
  testRegex: '\\.test\\.m?js$',
  moduleFileExtensions: ['js', 'mjs', 'json', 'node'],
  moduleNameMapper: { '^\\./AnalyticsSystem$': 'gso-analytics', '^\\./host$': '<rootDir>/host.js' },
  cacheDirectory: '<rootDir>/cache',
  testTimeout: 30_000,
};

/**
 * `connect` of the hosts. The driver of mongoose 9 loads `os` by `import()`, which Jest refuses
 * unless it runs with --experimental-vm-modules: hosts give it the module themselves.
 */
const CONNECT = `
  exports.connect = (mongoose, name) =>
    mongoose.connect(process.env[name], {
      ...(mongoose.version.startsWith('9.') && { runtimeAdapters: { os: require('node:os') } }),
    });`;

/** Everything that Jest says about a run which leaves something open, and crashes. */
const COMPLAINT = /did not exit|open handle|force exited|failed to exit|after the test|ANALYTICS/i;

/**
 * Runs Jest, in one process, over the test files of a folder of the host. Fails unless all pass, Jest
 * ends by itself and complains about nothing. Answers with the number of tests and of files.
 * @param {Record<string, { uri: string }>} databases by the names of environment variables
 */
async function runJest(
  cwd,
  folder,
  databases,
  { args = [], nodeArgs = [], timeoutMs = 120_000 } = {},
) {
  const entries = Object.entries(databases).map(([name, { uri }]) => [name, uri]);
  // Of mongoose, about fake timers.
  const env = { ...Object.fromEntries(entries), SUPPRESS_JEST_WARNINGS: 'true' };
  const host = startHost(JEST, {
    ...{ cwd, nodeArgs, env, timeoutMs },
    args: ['--config', 'jest.config.json', '--runInBand', '--json', ...args, `${folder}/`],
  });
  const { code, timedOut, stdout, stderr } = await host.finished;
  assert.ok(!timedOut && code === 0, `Jest ended with ${code}\n${stderr}`);
  assert.doesNotMatch(stderr, COMPLAINT);
  const { numPassedTests, numTotalTests, numPassedTestSuites } = JSON.parse(stdout);
  assert.strictEqual(numPassedTests, numTotalTests);
  return { tests: numPassedTests, files: numPassedTestSuites };
}

module.exports = { CONFIGURATION, CONNECT, runJest };
