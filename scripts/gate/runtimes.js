// `npm run test:runtimes`: the tests of the built addon on every version of Node that is supported.
// Expects a built tree.
'use strict';

const path = require('node:path');
const { parseArgs } = require('node:util');
const { commitNumber } = require('../lib/commit');
const { otherNode } = require('../lib/other-programs');
const { main, run, say, step } = require('../lib/steps');

const MAJORS = [20, 22, 24, 26];
/** What differs most between versions: values and buffers, the process, trusted authorities, contexts. */
const BRIEF = ['unit/', 'api/process', 'api/trust', 'threads/contexts', 'threads/realm'];
/** Further: modules, promises and timers, threads, the end. */
const SHORT = [
  ...BRIEF,
  ...['parity/', 'fuzz/', 'hosts/detection', 'api/lifecycle', 'threads/worker', 'endings/'],
];

const USAGE = `npm run test:runtimes -- [options]
  --short       a part of the tests, on the versions that this Node is not, as in npm run test:full: on one
                of them, which the commit chooses, a larger part
  --only 22,24  these versions of ${MAJORS.join(', ')}`;

const OPTIONS = {
  short: { type: 'boolean', default: false },
  only: { type: 'string' },
  help: { type: 'boolean', default: false },
};

function majorsOf({ only, short }) {
  if (only === undefined) {
    const own = Number.parseInt(process.versions.node, 10);
    return MAJORS.filter((major) => !short || major !== own);
  }
  const majors = only.split(',').map(Number);
  const unknown = majors.filter((major) => !MAJORS.includes(major));
  if (unknown.length > 0) throw new Error(`--only takes some of ${MAJORS.join(', ')}`);
  return majors;
}

/** Each commit chooses one of the versions; outside of a checkout it is always the same. */
function chosenByCommit(majors) {
  return majors[commitNumber() % majors.length];
}

async function testOn(major, filters) {
  const { program, version } = await otherNode(major);
  // Programs that tests start by their names run on it, too.
  const PATH = `${path.dirname(program)}${path.delimiter}${process.env.PATH}`;
  await step(`test on Node ${version}`, () =>
    run(program, ['__test__/run.js', ...filters], { env: { ...process.env, PATH }, shell: false }),
  );
}

main(async () => {
  const options = parseArgs({ options: OPTIONS }).values;
  if (options.help) {
    console.log(USAGE);
    return;
  }
  const majors = majorsOf(options);
  const chosen = chosenByCommit(majors);
  const filtersOn = (major) => (major === chosen ? SHORT : BRIEF);
  const failed = [];
  for (const major of majors) {
    try {
      await testOn(major, options.short ? filtersOn(major) : []);
    } catch (error) {
      say(error.message);
      failed.push(major);
    }
  }
  if (failed.length > 0) throw new Error(`tests failed on Node ${failed.join(', ')}`);
});
