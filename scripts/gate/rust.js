// `npm run test:rust -- [--long] [--no-search] [part of a test's path …]`: the tests of the Rust core.
// Random values follow from the commit; `PROPTEST_RNG_SEED` gives others.
'use strict';

const { parseArgs } = require('node:util');
const { commitNumber } = require('../lib/commit');
const { main, run, step } = require('../lib/steps');

const OPTIONS = {
  /** Many more seeds, and the examples. */
  long: { type: 'boolean', default: false },
  /** Without the search for a violation in each wrong design of the model, which is the same each time. */
  'no-search': { type: 'boolean', default: false },
};
/** On the libraries that `npm run build:debug` has compiled. */
const EXAMPLES = ['build', '--locked', '--examples', '--features', 'tokio/test-util'];
const SEARCH = 'every_wrong_design_is_found';

main(async () => {
  const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
  // With what the model test has seen.
  const how = ['--show-output', ...(values['no-search'] ? ['--skip', SEARCH] : []), ...positionals];
  const env = { PROPTEST_RNG_SEED: `${commitNumber()}`, ...process.env };
  if (values.long) env.GSO_ANALYTICS_LONG_TESTS = '1';
  await step('run Rust tests', () =>
    run('cargo', ['test', '--locked', '--lib', '--', ...how], { env }),
  );
  if (values.long) await step('build the examples', () => run('cargo', EXAMPLES));
});
