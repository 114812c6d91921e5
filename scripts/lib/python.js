// Tools from PyPI: those of cargo and zig, whose binaries come there without a toolchain of their own, and the
// parser of Prometheus. Versions and contents are pinned in requirements.txt, installed into a folder of the project.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run, step } = require('./steps');

const IS_WINDOWS = process.platform === 'win32';
const REQUIREMENTS = path.join(__dirname, 'requirements.txt');
const FOLDER = path.join(ROOT, '.cache', 'python');
const PROGRAMS = path.join(FOLDER, IS_WINDOWS ? 'Scripts' : 'bin');
/** Written last: the requirements that are installed, and where, as their programs name that folder. */
const INSTALLED = path.join(FOLDER, 'installed.txt');

const wanted = () => `${FOLDER}\n${fs.readFileSync(REQUIREMENTS, 'utf8')}`;

function isCurrent() {
  return fs.existsSync(INSTALLED) && fs.readFileSync(INSTALLED, 'utf8') === wanted();
}

async function install() {
  fs.rmSync(FOLDER, { recursive: true, force: true });
  await run(IS_WINDOWS ? 'python' : 'python3', ['-m', 'venv', FOLDER]);
  const quiet = ['--quiet', '--disable-pip-version-check'];
  const exact = ['--require-hashes', '--only-binary=:all:', '-r', REQUIREMENTS];
  const args = ['-m', 'pip', 'install', ...quiet, ...exact];
  await run(path.join(PROGRAMS, 'python'), args);
  fs.writeFileSync(INSTALLED, wanted());
}

/** Steps that run at once wait for the same. */
let installing;

/** An environment in which `cargo deny`, `cargo zigbuild` and its zig, and this `python` are found. */
async function toolEnvironment() {
  if (!isCurrent()) {
    installing ??= step('install tools from PyPI (100 MB the first time)', install);
    await installing;
  }
  return { ...process.env, PATH: `${PROGRAMS}${path.delimiter}${process.env.PATH}` };
}

module.exports = { toolEnvironment };
