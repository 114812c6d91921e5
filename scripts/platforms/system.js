// Programs and files that only the package manager of the system brings: installed in CI, elsewhere asked for.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { run, step } = require('../lib/steps');

/** A program by its name, another file by its path. */
function isThere(wanted) {
  if (path.isAbsolute(wanted)) return fs.existsSync(wanted);
  return spawnSync('which', [wanted], { stdio: 'ignore' }).status === 0;
}

/** As root in CI; no other system is changed by a test. */
const mayInstall = () => process.env.CI === 'true' && process.getuid() === 0 && isThere('apt-get');

/**
 * `programs`: what each is called, or where a file is, and its package in Debian. Answers the command that installs what is
 * missing, or nothing when all of it is there.
 */
async function provide(programs) {
  const missing = () => Object.keys(programs).filter((program) => !isThere(program));
  const packages = [...new Set(missing().map((program) => programs[program]))];
  const install = ['install', '--yes', '--no-install-recommends', ...packages];
  if (packages.length > 0 && mayInstall()) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await step(`install ${packages.join(', ')}`, async () => {
      await run('apt-get', ['update', '--quiet=2']);
      await run('apt-get', ['--quiet=2', ...install], { env });
    });
  }
  return missing().length > 0 ? ['apt-get', ...install].join(' ') : undefined;
}

module.exports = { provide };
