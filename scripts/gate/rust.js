// `npm run test:rust -- [--long] [--quick] [part of a test's path …]`: the tests of the Rust core.
'use strict';

const { parseArgs } = require('node:util');
const { main, run, step } = require('../lib/steps');

const OPTIONS = {
  /** Many more seeds, and the examples. */
  long: { type: 'boolean', default: false },
  /** Without the search for a violation in each wrong design. */
  quick: { type: 'boolean', default: false },
};
const SLOWEST = 'every_wrong_design_is_found';

main(async () => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  const what = values.long ? [] : ['--lib'];
  // With what the model test has seen.
  const how = ['--show-output', ...(values.quick ? ['--skip', SLOWEST] : []), ...positionals];
  const env = values.long ? { ...process.env, GSO_ANALYTICS_LONG_TESTS: '1' } : process.env;
  await step('run Rust tests', () =>
    run('cargo', ['test', '--locked', ...what, '--', ...how], { env }),
  );
});
