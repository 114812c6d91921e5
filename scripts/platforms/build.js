// Builds the addon for a platform of platforms.js, not optimised, and runs the tests of the Rust core there.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { addStandardLibrary } = require('../lib/rust');
const { ROOT, run } = require('../lib/steps');

const OUTPUT = path.join(ROOT, 'target', 'platforms');
/** So that what the Rust tests are linked with is not compiled a second time. */
const SHARED = ['--features', 'tokio/test-util'];
/** They compute for minutes, and ask nothing of a platform. */
const SKIPPED = ['pipeline::tests::model', 'pipeline::tests::lossy'];

async function build(command, { target, flags }, args, env = {}) {
  const all = [command, '--locked', '--lib', '--target', target, ...args];
  await run('cargo-zigbuild', all, { env: { ...(await toolEnvironment()), ...flags, ...env } });
}

/** The file of the addon. */
async function buildAddon(platform) {
  const { name, target } = platform;
  await addStandardLibrary(target);
  await build('build', platform, SHARED);
  const built = path.join(ROOT, 'target', target, 'debug', 'libgso_analytics.so');
  const addon = path.join(OUTPUT, `gso-analytics.${name}.node`);
  fs.mkdirSync(OUTPUT, { recursive: true });
  fs.copyFileSync(built, addon);
  return addon;
}

async function testCore(platform) {
  const skipped = SKIPPED.flatMap((name) => ['--skip', name]);
  await build('test', platform, ['--', ...skipped], { CARGO_PROFILE_TEST_OPT_LEVEL: '0' });
}

module.exports = { OUTPUT, buildAddon, testCore };
