// `npm run test:full`: the long forms and the test files that `npm test` leaves out. Run it after `npm test`,
// which builds the addon.
'use strict';

const { main } = require('../lib/steps');
const { play } = require('./plan');
const { CLIPPY, node, rust, tests } = require('./steps');
const { SHORT } = require('./suites');

const done = SHORT.flatMap(({ files }) => files);
/** Its processes burn all the CPU there is, which beside other tests would be theirs. */
const FLOODS = 'forwarding/flood-times';
/** It says how long a page takes to be seen. */
const DASHBOARD = 'dashboard/';

main(() =>
  play([
    CLIPPY,
    rust('Rust tests, long form, and the search for wrong designs', 180, '--long'),
    tests('all other JavaScript tests', 600, '--except', ...done, FLOODS, DASHBOARD),
    tests('receivers that flood', 40, FLOODS),
    tests('the dashboard in a browser', 60, DASHBOARD),
    {
      name: 'reports of 200 random databases',
      seconds: 200,
      work: () => node('__test__/integration/reports/oracle/main.js', '--first', '13'),
    },
    {
      name: 'other versions of Node',
      seconds: 300,
      work: () => node('scripts/gate/runtimes.js', '--short'),
    },
    {
      name: 'fault rows, short form',
      seconds: 180,
      work: () => node('__test__/faults/main.js', '--short'),
    },
  ]),
);
