// `npm run demo` on a fresh clone: installs, builds, then plays the demo.
'use strict';

const { build, install, main, run } = require('./lib/steps');

main(async () => {
  await install();
  await build();
  await run(process.execPath, ['examples/demo.js']);
  await run(process.execPath, ['examples/answers.js']);
});
