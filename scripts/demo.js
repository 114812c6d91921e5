// `npm run demo` on a fresh clone: installs, builds, then plays the demo. With `-- --dashboard` it leaves the page
// with the figures of thirty days running.
'use strict';

const { parseArgs } = require('node:util');
const { build, install, main, run } = require('./lib/steps');

const { dashboard } = parseArgs({ options: { dashboard: { type: 'boolean' } } }).values;
const play = (...args) => run(process.execPath, args);

main(async () => {
  await install();
  await build();
  if (dashboard) return play('examples/dashboard.js', '--dashboard');
  await play('examples/demo.js');
  await play('examples/answers.js');
  await play('examples/dashboard.js');
});
