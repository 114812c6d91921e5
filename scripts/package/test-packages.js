// `node scripts/package/test-packages.js linux-x64-gnu`: tests what `npm run package` has packed on the platform
// that it was packed for: the packages are installed into an empty folder, and a part of the tests runs
// on the binary from there.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { ROOT, main, run, step } = require('../lib/steps');

const PACKAGES = path.join(ROOT, 'target', 'packages');
const TESTS = ['unit/', 'parity/', 'threads/'];
const PROGRAM = `
  const AnalyticsSystem = require('gso-analytics');
  const { accepted } = new AnalyticsSystem().getHealth();
  if (accepted !== 0) throw new Error('a new instance has accepted ' + accepted);`;

function packageNamed(name) {
  const { version } = require('../../package.json');
  return path.join(PACKAGES, `${name}-${version}.tgz`);
}

async function install(folder, platform) {
  const files = ['gso-analytics', `gso-analytics-${platform}`].map(packageNamed);
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--no-audit', '--no-fund', ...files], { cwd: folder });
  await run(process.execPath, ['-e', PROGRAM], { cwd: folder });
}

/** Where the tests of this repository look for it. */
function takeBinary(folder, platform) {
  const name = `gso-analytics.${platform}.node`;
  const installed = path.join(folder, 'node_modules', `gso-analytics-${platform}`, name);
  fs.copyFileSync(installed, path.join(ROOT, name));
}

main(async () => {
  const [platform] = process.argv.slice(2);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-packages-'));
  try {
    await step(`install the packages of ${platform}`, () => install(folder, platform));
    takeBinary(folder, platform);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  await step('test them', () => run(process.execPath, ['__test__/run.js', ...TESTS]));
});
