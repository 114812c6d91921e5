// Builds the addon for a platform of platforms.js, not optimised, and runs the tests of the Rust core there.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { addStandardLibrary } = require('../lib/rust');
const { ROOT, run, say } = require('../lib/steps');

const OUTPUT = path.join(ROOT, 'target', 'platforms');
/** So that what the Rust tests are linked with is not compiled a second time. */
const SHARED = ['--features', 'tokio/test-util'];
/** Rust tests that run on no other platform, by the reason. */
const SKIPPED = {
  'they compute for minutes, and ask nothing of a platform': [
    'pipeline::tests::model',
    'pipeline::tests::lossy',
  ],
};

async function build(command, platform, args, env = {}) {
  const { cargo = 'cargo-zigbuild', target, linked = target, flags } = platform;
  const all = [command, '--locked', '--lib', '--target', linked, ...args];
  await run(cargo, all, { env: { ...(await toolEnvironment()), ...flags, ...env } });
}

/** The file of the addon. */
async function buildAddon(platform) {
  const { name, target, library = 'libgso_analytics.so' } = platform;
  await addStandardLibrary(target);
  await build('build', platform, SHARED);
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

/** `runner`: the words before each program, if any. */
async function testCore(platform, { runner, env }) {
  const setting = `target.${platform.target}.runner=${JSON.stringify(runner)}`;
  const config = runner ? ['--config', setting] : [];
  const how = { ...env, CARGO_PROFILE_TEST_OPT_LEVEL: '0' };
  await build('test', platform, [...config, '--', ...leftOut(platform)], how);
}

module.exports = { OUTPUT, buildAddon, testCore };
