// The steps of the gate, `{ name, seconds, work }`: about how long each takes on two quiet cores when
// nothing is built yet.
'use strict';

const { build, install, run, runPackage } = require('../lib/steps');
const { checkDrift } = require('./drift');

const node = (...args) => run(process.execPath, args);

const LINTS = [
  {
    name: 'lint JavaScript',
    seconds: 3,
    work: () => runPackage('biome', ['ci', '--error-on-warnings', '.']),
  },
  { name: 'check imports', seconds: 1, work: () => node('scripts/gate/imports') },
  { name: 'lint workflows', seconds: 3, work: () => node('scripts/gate/workflows.js') },
  { name: 'check Rust format', seconds: 2, work: () => run('cargo', ['fmt', '--check']) },
];

const INSTALL = { name: 'install packages', seconds: 25, work: install };
const BUILD = { name: 'build the addon', seconds: 75, work: build };
const DRIFT = { name: 'check generated files', seconds: 5, work: checkDrift };

const CLIPPY = {
  name: 'lint Rust',
  seconds: 60,
  work: () => run('cargo', ['clippy', '--locked', '--all-targets', '--', '-D', 'warnings']),
};

/** `how`: arguments of rust.js. */
const rust = (name, seconds, ...how) => {
  return { name, seconds, work: () => node('scripts/gate/rust.js', ...how) };
};

/** Tests in JavaScript: `args` of __test__/run.js. */
const tests = (name, seconds, ...args) => {
  return { name, seconds, work: () => node('__test__/run.js', ...args) };
};

module.exports = { BUILD, CLIPPY, DRIFT, INSTALL, LINTS, node, rust, tests };
