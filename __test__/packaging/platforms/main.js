// `npm run test:platforms`: builds the addon for platforms that this one is not, and runs it there: under
// their C library, an emulated processor, or Wine. Needs Linux x64; fetches the rest. Not optimised.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { check } = require('../../parity/check');
const { chosenImplementation } = require('../../parity/implementation');
const { observe } = require('../../parity/runner');
const { groups } = require('../../parity/scenarios');
const { MongoClient } = require('../../support/driver');
const { cleanEnvironment } = require('../../support/environment');
const { startMongod } = require('../../support/mongod');
const { succeeds } = require('../../support/wait');
const { checkInstall } = require('./install');
const { HOSTS, playScenes } = require('../smoke/scenes');
const { commitNumber } = require('../../../scripts/lib/commit');
const { main, say, step } = require('../../../scripts/lib/steps');
const { problemsOf, symbolsOf } = require('../../../scripts/package/symbols');
const { OUTPUT, build, testCore } = require('../../../scripts/platforms/build');
const { PLATFORMS } = require('../../../scripts/platforms/platforms');
const { provide } = require('../../../scripts/platforms/system');

const NAMES = PLATFORMS.map(({ name }) => name);
const USAGE = `npm run test:platforms -- [options]
  --chosen               one platform, which the commit chooses
  --only linux-x64-musl  these platforms of ${NAMES.join(', ')}`;
const OPTIONS = {
  chosen: { type: 'boolean', default: false },
  only: { type: 'string', default: NAMES.join(',') },
  help: { type: 'boolean', default: false },
};
/** What differs most between platforms: processes and their ends, requests, and the values of JavaScript. */
const GROUPS = ['host', 'several', 'webhook'];
/**
 * Of a scene or scenario where the machine is emulated. The limits of the product are for a whole one: a process that
 * ends has 1.5 s to write, in which one that is emulated may not on a busy one.
 */
const ATTEMPTS = 3;
/** Of one process: an emulated one takes ten times as long, on a busy machine longer still. */
const TIMEOUT_MS = 300_000;

function chosenPlatforms({ chosen, only }) {
  if (chosen) return [PLATFORMS[commitNumber() % PLATFORMS.length]];
  const names = only.split(',');
  const unknown = names.filter((name) => !NAMES.includes(name));
  if (unknown.length > 0) throw new Error(`no platform ${unknown.join(', ')}\n${USAGE}`);
  return PLATFORMS.filter(({ name }) => names.includes(name));
}

/** Inside of this package, which finds itself and its packages from there. */
function makeFolder() {
  const folder = fs.mkdtempSync(path.join(OUTPUT, 'smoke-'));
  fs.cpSync(HOSTS, folder, { recursive: true });
  return folder;
}

async function checkSymbols(addon) {
  const problems = problemsOf(symbolsOf(addon));
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

async function checkScenes({ node, ...host }, { hasSignals }, { server, client }) {
  const folder = makeFolder();
  try {
    const surroundings = { ...host, hasSignals, folder, server, client };
    const failed = await playScenes(node, surroundings);
    if (failed.length > 0) throw new Error(`${failed.length} scenes fail`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Whether it is played as the class plays it. */
async function isSame(group, scenario, context) {
  try {
    check(scenario, await observe(scenario, context), context.implementation.kind);
    return true;
  } catch (error) {
    console.log(`  FAILS: ${group}: ${scenario.name}\n${error.message}`);
    return false;
  }
}

/** The names of those that differ each time, one after the other. */
async function checkGroup(group, context) {
  const failed = [];
  for (const scenario of groups[group]) {
    const isSameOnce = await succeeds(() => isSame(group, scenario, context), context.attempts);
    if (!isSameOnce) failed.push(scenario.name);
  }
  console.log(`  ${group}: ${groups[group].length - failed.length} of ${groups[group].length}`);
  return failed;
}

async function checkParity({ attempts, ...host }, { server }) {
  const context = { implementation: chosenImplementation('addon'), server, host, attempts };
  const failed = await Promise.all(GROUPS.map((group) => checkGroup(group, context)));
  if (failed.flat().length > 0) throw new Error(`${failed.flat().length} scenarios differ`);
}

async function testOn(platform, database) {
  const building = 'build the addon and the tests of the core (minutes the first time)';
  const [{ node, runner, env, forNpm }, addon] = await Promise.all([
    platform.prepare(),
    step(building, () => build(platform)),
  ]);
  const host = {
    ...{ node, timeoutMs: TIMEOUT_MS },
    env: { ...env, NAPI_RS_NATIVE_LIBRARY_PATH: addon },
    attempts: platform.isEmulated ? ATTEMPTS : 1,
  };
  const { name, published = name } = platform;
  const checks = {
    'symbols of the addon': () => checkSymbols(addon),
    'scenes of the smoke test': () => checkScenes(host, platform, database),
    'a part of the parity suite': () => checkParity(host, database),
    'npm install': () =>
      checkInstall(
        { node, env: { ...env, ...forNpm } },
        { platform: published, addon, server: database.server },
      ),
    'tests of the Rust core': () => testCore(platform, { runner, env }),
  };
  const failures = [];
  for (const [what, work] of Object.entries(checks)) {
    await step(what, work).catch((error) => {
      say(`${what}: FAILED, ${error.message}`);
      failures.push(what);
    });
  }
  if (failures.length > 0) throw new Error(failures.join(', '));
}

/** What came of it, in one line. */
async function outcome(platform, database) {
  const { name } = platform;
  const command = await provide(platform.programs);
  if (command) return { line: `${name}: skipped, since it needs: ${command}` };
  const hindrance = platform.hindrance?.();
  if (hindrance) return { line: `${name}: skipped, since ${hindrance}` };
  try {
    await step(name, () => testOn(platform, database));
    return { line: `${name}: passed` };
  } catch (error) {
    return { line: `${name}: FAILED, ${error.message}`, isFailure: true };
  }
}

main(async () => {
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) {
    console.log(USAGE);
    return;
  }
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error('it needs Linux on x64');
  cleanEnvironment();
  const platforms = chosenPlatforms(options);
  const server = await startMongod({ say });
  const client = new MongoClient(server.uri);
  const outcomes = [];
  try {
    for (const platform of platforms) outcomes.push(await outcome(platform, { server, client }));
  } finally {
    await client.close();
    await server.stop();
  }
  const left = PLATFORMS.filter((platform) => !platforms.includes(platform));
  const lines = [...outcomes, ...left.map(({ name }) => ({ line: `${name}: not chosen` }))];
  say(lines.map(({ line }) => line).join('\n'));
  if (outcomes.some(({ isFailure }) => isFailure)) throw new Error('not all platforms passed');
});
