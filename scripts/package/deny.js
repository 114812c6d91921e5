// `npm run deny`: licences, bans and sources of all crates, as deny.toml wants them.
'use strict';

const { main, run, step } = require('../lib/steps');
const { toolEnvironment } = require('../lib/python');

const ARGS = ['deny', '--locked', 'check', 'licenses', 'bans', 'sources'];

main(async () => {
  const env = await toolEnvironment();
  await step('check licences, bans and sources of crates', () => run('cargo', ARGS, { env }));
});
