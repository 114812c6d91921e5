// `npm run test:faults`: breaks one thing after the other that game servers depend on, then audits every
// record that they tracked. Expects a built tree; the limits of the full form are those of an addon with
// optimisation (`npm run build`) on a machine that does nothing else.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cleanEnvironment } = require('../support/environment');
const { Context } = require('./context');
const { buildFailPoints } = require('./fail-points');
const { BRIEF, ROWS, SHORT } = require('./rows');
const { isGood, machine, tableOf } = require('./table');
const { findMongodBinary } = require('../support/mongod-binary');
const { ROOT, say, step } = require('../../scripts/lib/steps');

const USAGE = `npm run test:faults -- [options]
  --brief       rows ${BRIEF.join(', ')} within a minute, as in npm test
  --short       rows ${SHORT.join(', ')} within five minutes, as in npm run test:full
  --only 7,8    these rows
  --rounds <n>  of each row
  --save        writes the table to __test__/faults/last-run.md`;

const OPTIONS = {
  brief: { type: 'boolean', default: false },
  short: { type: 'boolean', default: false },
  only: { type: 'string' },
  rounds: { type: 'string' },
  save: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};
const LAST_RUN = path.join(ROOT, '__test__', 'faults', 'last-run.md');
const SHOWN_PROBLEMS = 12;

async function main() {
  cleanEnvironment();
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const numbers = numbersOf(options);
  // Found once, for all servers that are started.
  process.env.MONGOD_BINARY = (await findMongodBinary(say)).path;
  let addon;
  const failPoints = () => {
    addon ??= step('build the addon with fail points', buildFailPoints);
    return addon;
  };
  const context = new Context({
    ...{ isBrief: options.brief, isShort: options.short || options.brief, say, failPoints },
    rounds: options.rounds && wholeNumber('rounds', options.rounds),
  });
  const begun = performance.now();
  const rows = [];
  try {
    for (const number of numbers) rows.push(await runRow(number, context));
  } finally {
    await context.close();
  }
  const minutes = (performance.now() - begun) / 60_000;
  report(rows, { minutes, options, isWhole: options.only === undefined, context });
}

function numbersOf({ only, short, brief }) {
  if (only === undefined && brief) return BRIEF;
  if (only === undefined) return short ? SHORT : Object.keys(ROWS).map(Number);
  const numbers = only.split(',').map((text) => wholeNumber('only', text));
  const unknown = numbers.find((number) => !ROWS[number]);
  if (unknown !== undefined) throw new Error(`--only: there is no row ${unknown}\n${USAGE}`);
  return numbers;
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name}: not a number from 1 on\n${USAGE}`);
  return number;
}

/** A row that throws has failed; the others are played all the same. */
async function runRow(number, context) {
  const { name, run } = ROWS[number];
  const begun = performance.now();
  let row;
  say(`${number}: ${name} …`);
  try {
    row = await run(context);
  } catch (error) {
    row = { problems: [error.stack] };
  } finally {
    await context.end().catch((error) => row?.problems.push(`afterwards: ${error.stack}`));
  }
  const whole = { number, name, ...row, tookMs: performance.now() - begun };
  console.log(tableOf([whole]));
  for (const line of whole.problems.slice(0, SHOWN_PROBLEMS)) console.log(`  ${line}`);
  return whole;
}

function report(rows, { minutes, options, isWhole, context }) {
  const table = tableOf(rows);
  const sum = (what) => rows.reduce((total, row) => total + (row[what] ?? 0), 0);
  const seen = ['duplicates', 'casConflicts', 'replays'];
  const counts = seen.map((what) => `${sum(what)} ${what}`).join(', ');
  const atProxies = seen.map(
    (what) => `${context.tallies.reduce((total, tally) => total + tally.total(what), 0)} ${what}`,
  );
  const lines = [
    table,
    `Seen by the servers: ${counts}; on the way to MongoDB: ${atProxies.join(', ')}.`,
    `${rows.length} rows in ${minutes.toFixed(1)} minutes.`,
  ];
  console.log(`\n${lines.join('\n')}`);
  if (options.save) save(lines, options);
  const failed = rows.filter((row) => !isGood(row)).map(({ number }) => number);
  if (failed.length > 0) throw new Error(`failed: ${failed.join(', ')}`);
  // A kind of repetition that was never seen was not tested.
  const missing = seen.filter((what) => sum(what) === 0);
  if (isWhole && missing.length > 0) throw new Error(`never seen: ${missing.join(', ')}`);
}

function save(lines, { short, brief, rounds }) {
  const form = [
    brief ? 'brief form' : short ? 'short form' : 'full form',
    rounds && `${rounds} rounds`,
  ];
  const title = [
    '# Last run of `npm run test:faults`',
    `${new Date().toISOString().slice(0, 10)}, ${form.filter(Boolean).join(', ')}. ${machine()}.`,
  ];
  fs.writeFileSync(LAST_RUN, `${[...title, ...lines].join('\n\n')}\n`);
}

main().then(
  () => say('done'),
  (error) => {
    say(`failed: ${error.message}`);
    process.exitCode = 1;
  },
);
