// `npm run bench`: measures the addon beside the mongoose-based class, the best plain JavaScript and a
// pure Rust client, on one mongod, in one run. Prints the tables; `--save` keeps them in the
// README beside this, with pictures.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cleanEnvironment } = require('../__test__/support/environment');
const { MongoClient } = require('../__test__/support/driver');
const { startMongod } = require('../__test__/support/mongod');
const { chosenImplementation } = require('../__test__/parity/implementation');
const { ROOT, say, step } = require('../scripts/lib/steps');
const { aboutThisRun } = require('./about');
const { againstTable, playAgainst } = require('./against');
const { Bench } = require('./peers');
const { buildAddon, buildRustClient, nodeWithThreadCpu } = require('./tools');
const { chooseFastest, playRounds } = require('./rounds');
const { playCurves } = require('./curves');
const { playForwarding } = require('./forwarding');
const { playReports } = require('./reports');
const { reportsTables } = require('./reports-tables');
const { playMetrics } = require('./metrics');
const { playCost } = require('./cost');
const { playSpool } = require('./spool');
const { report, reportSaved } = require('./report');
const { forwardingTable } = require('./tables');

const REFERENCE = path.join(ROOT, '..', 'shared', 'reference', 'AnalyticsSystem.js');

const USAGE = `npm run bench -- [options]
  --reference <path>  the mongoose-based class (or BENCH_REFERENCE)
  --rounds <n>        of each measurement (5)
  --no-curves         leaves payloads, processes, latencies, getMetrics(), one more process,
                      forwarding and reports out
  --only-forwarding   measures nothing else, and saves nothing
  --only-reports      the same for reports
  --scale <n>         of the documents that reports are made of, and of the events that are forwarded, in a
                      run of these alone (1); 0.01 shows that everything works
  --against <folder>  another build of this package, made with npm run build: compares it with this one,
                      and saves nothing
  --save              writes benchmark/results and the last run in benchmark/README.md
  --report            measures nothing: writes pictures and last run anew out of the saved numbers`;

const OPTIONS = {
  reference: { type: 'string', default: process.env.BENCH_REFERENCE ?? REFERENCE },
  rounds: { type: 'string', default: '5' },
  'no-curves': { type: 'boolean', default: false },
  'only-forwarding': { type: 'boolean', default: false },
  'only-reports': { type: 'boolean', default: false },
  scale: { type: 'string', default: '1' },
  against: { type: 'string' },
  save: { type: 'boolean', default: false },
  report: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

async function main() {
  cleanEnvironment();
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) console.log(USAGE);
  else if (options.report) reportSaved();
  else await runAll(options);
}

async function runAll(options) {
  await step('build the addon, optimised', buildAddon);
  const run = chosenRun(options);
  // Only the whole run measures it.
  const rust =
    run === runWhole ? await step('build the Rust client, optimised', buildRustClient) : undefined;
  const node = await step('find a Node that measures the CPU of a thread', nodeWithThreadCpu);
  const reference = findReference(options.reference);
  const server = await step('start mongod', () => startMongod({ own: true, say }));
  const client = new MongoClient(server.uri);
  try {
    const bench = new Bench({ server, client, node, rust, reference: reference?.file });
    await run(bench, { options, server, node });
  } finally {
    await client.close();
    await server.stop();
    reference?.remove();
  }
}

function chosenRun(options) {
  if (options.against) return runAgainst;
  if (options['only-reports']) return runReports;
  return options['only-forwarding'] ? runForwarding : runWhole;
}

async function runAgainst(bench, { options: { against: folder, rounds } }) {
  const results = await step('two builds', () =>
    playAgainst(bench, { folder, rounds: Number(rounds) }),
  );
  console.log(`\n${againstTable(results)}`);
}

async function runForwarding(bench, { options: { rounds, scale } }) {
  const given = { rounds: Number(rounds), scale: Number(scale) };
  const results = await step('forwarding', () => playForwarding(bench, given));
  console.log(`\n${forwardingTable(results)}`);
}

async function runReports(bench, { options: { rounds, scale } }) {
  const given = { rounds: Number(rounds), scale: Number(scale) };
  const results = await step('reports', () => playReports(bench, given));
  console.log(`\n${reportsTables(results).join('\n\n')}`);
}

async function runWhole(bench, { options, server, node }) {
  const about = aboutThisRun({ server, node });
  report({ about, ...(await measure(bench, options)) }, { save: options.save });
}

function findReference(file) {
  if (fs.existsSync(file)) return chosenImplementation(file);
  say(`the mongoose-based class is not measured: there is none at ${path.relative(ROOT, file)}`);
  return undefined;
}

async function measure(bench, options) {
  const rounds = Number(options.rounds);
  const { fastest, tried } = await step('choose the fastest settings of the other sides', () =>
    chooseFastest(bench),
  );
  const measured = await step(`${rounds} rounds`, () => playRounds(bench, { rounds, fastest }));
  const spool = await step('with a spool and without', () => playSpool(bench, { rounds }));
  const results = { rounds, fastest, tried, measured, spool };
  if (options['no-curves']) return results;
  const curves = await step('curves', () => playCurves(bench, { fastest }));
  const metrics = await step('getMetrics()', () => playMetrics(bench));
  const cost = await step('one more process', () => playCost(bench));
  const forwarding = await step('forwarding', () => playForwarding(bench, { rounds }));
  const reports = await step('reports', () =>
    playReports(bench, { rounds, scale: Number(options.scale) }),
  );
  return { ...results, curves, metrics, cost, forwarding, reports };
}

main().catch((error) => {
  say(`failed: ${error.message}`);
  process.exitCode = 1;
});
