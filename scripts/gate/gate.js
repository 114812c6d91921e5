// `npm test`: installs, builds, lints and tests what has to hold before a change is taken, in ten minutes
// on a fresh clone. `-- --quick` gives a first verdict within two minutes on a built tree.
'use strict';

const { parseArgs } = require('node:util');
const { main } = require('../lib/steps');
const { play } = require('./plan');
const { BUILD, DRIFT, INSTALL, LINTS, node, rust, tests } = require('./steps');
const { QUICK, SHORT } = require('./suites');

const OPTIONS = { quick: { type: 'boolean', default: false } };

const RUST = rust('Rust tests', 90, '--no-search');

const quick = [
  INSTALL,
  ...LINTS,
  { ...BUILD, seconds: 5 },
  RUST,
  tests('a part of each suite', 60, ...QUICK),
];

const whole = [
  INSTALL,
  ...LINTS,
  BUILD,
  DRIFT,
  RUST,
  ...SHORT.map(({ name, seconds, files }) => tests(name, seconds, ...files)),
  {
    name: 'fault rows, brief form',
    seconds: 60,
    work: () => node('__test__/faults/main.js', '--brief'),
  },
];

main(() => play(parseArgs({ options: OPTIONS }).values.quick ? quick : whole));
