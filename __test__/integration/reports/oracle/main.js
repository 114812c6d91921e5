// `npm run test:oracle`: compares reports and answers of many random databases with what plain JavaScript
// makes of the raw documents. Expects a built tree.
'use strict';

const { parseArgs } = require('node:util');
const { Mongo } = require('../../../support/database');
const { cleanEnvironment } = require('../../../support/environment');
const { describeFailure, playAll } = require('./seeds');
const { main, say } = require('../../../../scripts/lib/steps');

const USAGE = `npm run test:oracle -- [options]
  --seeds <n>   how many databases are made (200)
  --first <n>   the seed of the first (1)
  --only <n>    makes the database of this seed alone, and shows all differences`;

const OPTIONS = {
  seeds: { type: 'string', default: '200' },
  first: { type: 'string', default: '1' },
  only: { type: 'string' },
  help: { type: 'boolean', default: false },
};
const SAY_EVERY = 100;

main(async () => {
  cleanEnvironment();
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) return console.log(USAGE);
  const mongo = await Mongo.start({});
  try {
    await run(mongo, options);
  } finally {
    await mongo.stop();
  }
});

async function run(mongo, { only, first, seeds }) {
  const from = wholeNumber('first', only ?? first);
  const count = only === undefined ? wholeNumber('seeds', seeds) : 1;
  let done = 0;
  const failures = await playAll({
    mongo,
    seeds: Array.from({ length: count }, (_, index) => from + index),
    onPlayed(played) {
      done += 1;
      if (played.lines.length > 0)
        console.log(only === undefined ? describeFailure(played) : played.lines.join('\n'));
      if (done % SAY_EVERY === 0) say(`${done} of ${count} databases`);
    },
  });
  if (failures.length > 0) throw new Error(`${failures.length} of ${count} databases differ`);
  say(`${count} databases agree`);
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name}: not a whole number\n${USAGE}`);
  return number;
}
