// Builds the addon for a platform of platforms.js, not optimised, and the tests of the Rust core, and runs these there.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { addStandardLibrary } = require('../lib/rust');
const { ROOT, run, say } = require('../lib/steps');

const OUTPUT = path.join(ROOT, 'target', 'platforms');
/** So that the addon and the tests are linked with the same libraries, and built at once. */
const WANTED = ['--features', 'tokio/test-util'];
/** Nothing is optimised, and the addon is small, as an emulated npm has to unpack it. */
const PROFILES = {
  CARGO_PROFILE_DEV_DEBUG: '0',
  CARGO_PROFILE_DEV_STRIP: 'symbols',
  CARGO_PROFILE_TEST_OPT_LEVEL: '0',
};
/** Rust tests that run on no other platform, by the reason. */
const SKIPPED = {
  'they compute for minutes, and ask nothing of a platform': [
    'pipeline::tests::model',
    'pipeline::tests::lossy',
  ],
};

async function cargo(command, platform, args, env = {}) {
  const { cargo: program = 'cargo-zigbuild', target, linked = target, flags } = platform;
  const all = [command, '--locked', '--lib', '--target', linked, ...WANTED, ...args];
  await run(program, all, { env: { ...(await toolEnvironment()), ...PROFILES, ...flags, ...env } });
}

/** The file of the addon. The tests are compiled beside it, each on one core. */
async function build(platform) {
  const { name, target, library = 'libgso_analytics.so' } = platform;
  await addStandardLibrary(target);
  await cargo('build', platform, ['--tests']);
  const built = path.join(ROOT, 'target', target, 'debug', library);
  const addon = path.join(OUTPUT, `gso-analytics.${name}.node`);
  fs.mkdirSync(OUTPUT, { recursive: true });
  fs.copyFileSync(built, addon);
  return addon;
}

/** Arguments of the tests that leave out what the platform does not run, which is told. */
function leftOut({ without = {} }) {
  const reasons = Object.entries({ ...SKIPPED, ...without });
  for (const [reason, names] of reasons) say(`not run, since ${reason}: ${names.join(', ')}`);
  return reasons.flatMap(([, names]) => names).flatMap((name) => ['--skip', name]);
}

/** Expects what `build` has built. `runner`: the words before each program, if any. */
async function testCore(platform, { runner, env }) {
  const setting = `target.${platform.target}.runner=${JSON.stringify(runner)}`;
  const config = runner ? ['--config', setting] : [];
  await cargo('test', platform, [...config, '--', ...leftOut(platform)], env);
}

module.exports = { OUTPUT, build, testCore };
