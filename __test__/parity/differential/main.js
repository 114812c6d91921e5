// `npm run test:differential`: plays random scenarios on the mongoose-based class and on the addon,
// and compares databases, answers, stdout and webhook bodies; then does so with faults in the addon,
// which must be found. Expects a built tree. Without the class it says so and ends with 0.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cleanEnvironment } = require('../../support/environment');
const { generator } = require('../../support/random');
const { startHost } = require('../../support/host');
const { startMongod } = require('../../support/mongod');
const { Coverage } = require('./coverage');
const { AREAS } = require('./faults');
const { generateScenario } = require('./generate');
const { describeFailure, playAll } = require('./run');
const { chosenImplementation } = require('../implementation');
const { ROOT, say, step } = require('../../../scripts/lib/steps');

const REFERENCE = '../shared/reference/AnalyticsSystem.js';

const USAGE = `npm run test:differential -- [options]
  --reference <path>   the mongoose-based class (${REFERENCE})
  --scenarios <n>      how many are played (320); coverage is asserted from 300 on
  --seed <n>           of the run (1)
  --only <index>       plays this scenario alone
  --fault <area>       puts a fault into the addon, which must fail the run:
                       ${AREAS.join(', ')}
  --no-faults          leaves the runs with faults out`;

const OPTIONS = {
  reference: { type: 'string' },
  scenarios: { type: 'string', default: '320' },
  seed: { type: 'string', default: '1' },
  only: { type: 'string' },
  fault: { type: 'string' },
  'no-faults': { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};
const WHOLE_RUN = 300;
/** Some that hold every occasion that a fault needs; the first of all takes long. */
const FAULT_SCENARIOS = [1, 2, 3, 4, 5];
const FAULT_TIMEOUT_MS = 3 * 60_000;
const SHOWN_FAILURES = 5;

async function main() {
  cleanEnvironment();
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const file = options.reference ?? path.join(ROOT, REFERENCE);
  if (!fs.existsSync(file)) {
    // One that was asked for is missed, the usual one is not everybody's.
    if (options.reference !== undefined) throw new Error(`--reference: ${file} does not exist`);
    say(`differential skipped: there is no mongoose-based class at ${REFERENCE}`);
    return;
  }
  const reference = { ...chosenImplementation(file), source: file };
  const implementations = [reference, chosenImplementation('addon')];
  const server = await startMongod({ say });
  try {
    await runs(options, { server, implementations });
  } finally {
    await server.stop();
    reference.remove();
  }
}

async function runs(options, context) {
  const seed = wholeNumber('seed', options.seed);
  if (options.fault !== undefined && !AREAS.includes(options.fault)) {
    throw new Error(`--fault: none of ${AREAS.join(', ')}`);
  }
  await run(options, seed, context);
  const isWhole = options.only === undefined && options.fault === undefined;
  if (!isWhole || options['no-faults']) return;
  for (const area of AREAS) {
    await step(`a fault in the addon (${area}) must turn the run red`, () =>
      redRun(area, seed, context),
    );
  }
}

/** Runs this script with the fault: it has to fail, by differences of that area only. */
async function redRun(area, seed, { server, implementations: [{ source }] }) {
  const { code, stdout, stderr } = await startHost(__filename, {
    args: ['--fault', area, '--seed', String(seed), '--reference', source],
    env: { ANALYTICS_TEST_MONGODB_URI: server.uri },
    timeoutMs: FAULT_TIMEOUT_MS,
  }).finished;
  const [differs, areas] = /^scenario .* differs in: (.*)$/m.exec(stdout) ?? [];
  const isRed = code === 1 && areas === area && stdout.includes('failed: 1 of ');
  if (!isRed) throw new Error(`the fault was not found: exit code ${code}\n${stdout}${stderr}`);
  console.log(differs);
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0)
    throw new Error(`--${name}: not a whole number\n${USAGE}`);
  return number;
}

async function run(options, seed, context) {
  const scenarios = indexesOf(options).map((index) => generateScenario(seed, index));
  const faultFor = options.fault && oneFault(options.fault, seed, scenarios);
  const coverage = new Coverage();
  const failures = await step(`${scenarios.length} scenarios of seed ${seed} on both sides`, () =>
    play(scenarios, { ...context, coverage, seed, faultFor }),
  );
  if (!options.fault) coverage.print();
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${scenarios.length} scenarios differ`);
  }
  checkCoverage(coverage, scenarios.length);
}

function indexesOf({ only, fault, scenarios }) {
  if (only !== undefined) return [wholeNumber('only', only)];
  if (fault !== undefined) return FAULT_SCENARIOS;
  return Array.from({ length: wholeNumber('scenarios', scenarios) }, (_, index) => index);
}

/** One fault in one scenario, both chosen by the seed. */
function oneFault(area, seed, scenarios) {
  const random = generator(seed + AREAS.indexOf(area));
  const able = scenarios.filter(({ webhook }) => webhook || area !== 'webhook');
  const chosen = able[Math.floor(random() * able.length)];
  const fault = { area, nth: Math.floor(random() * 3) };
  say(`the addon gets a fault (${area}) in scenario ${chosen.index}`);
  return (scenario) => (scenario === chosen ? fault : undefined);
}

async function play(scenarios, { implementations, server, coverage, seed, faultFor }) {
  const failures = [];
  const onResult = (result) => {
    const { scenario, reference, used, unmeant, error } = result;
    if (reference) coverage.scenario(scenario, reference, used);
    if (!error && unmeant.length === 0) return;
    failures.push(result);
    if (failures.length <= SHOWN_FAILURES) showFailure(result, seed);
  };
  await playAll(scenarios, { implementations, server, onResult, faultFor });
  return failures;
}

function showFailure(failure, seed) {
  const again = `npm run test:differential -- --seed ${seed} --only ${failure.scenario.index}`;
  console.log(`\n${describeFailure(failure)}\nto repeat it: ${again}`);
}

function checkCoverage(coverage, played) {
  const missing = coverage.missing();
  if (played < WHOLE_RUN) {
    say(`coverage is not asserted: that takes ${WHOLE_RUN} scenarios (${missing.length} missing)`);
    return;
  }
  if (missing.length === 0) return;
  const list = missing.map((line) => `  ${line}`).join('\n');
  throw new Error(`never played, or never needed as an exception:\n${list}`);
}

main().catch((error) => {
  say(`failed: ${error.message}`);
  process.exitCode = 1;
});
