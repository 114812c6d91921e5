// `npm run test:full`: the long forms, which `npm test` leaves out. Expects a tree on which that has passed.
'use strict';

const { main } = require('../lib/steps');
const { play } = require('./plan');
const { node, rust, tests } = require('./steps');
const { SHORT } = require('./suites');

const done = SHORT.flatMap(({ files }) => files);

main(() =>
  play([
    rust('test Rust code with many seeds', 240, '--long'),
    tests('test the built addon', 900, '--except', ...done),
    {
      name: 'test a part on other versions of Node',
      seconds: 600,
      work: () => node('scripts/gate/runtimes.js', '--short'),
    },
    {
      name: 'break what it rests on',
      seconds: 300,
      work: () => node('__test__/faults/main.js', '--short'),
    },
  ]),
);
