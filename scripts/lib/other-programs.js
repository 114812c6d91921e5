// Programs that the npm packages `node`, `bun` and `deno` bring, each in a folder of the cache.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('./steps');

const IS_WINDOWS = process.platform === 'win32';
/** Where the package has its program. */
const PROGRAMS = {
  node: path.join('node', 'bin', IS_WINDOWS ? 'node.exe' : 'node'),
  bun: path.join('bun', 'bin', 'bun.exe'),
  deno: path.join('deno', IS_WINDOWS ? 'deno.exe' : 'deno'),
};

/** The program of `node@22`, or of the newest `bun`; installs the package if it is not there. */
async function otherProgram(wanted) {
  const [name] = wanted.split('@');
  const folder = path.join(ROOT, '.cache', wanted.replace('@', '-'));
  const program = path.join(folder, 'node_modules', PROGRAMS[name]);
  if (!fs.existsSync(program)) {
    fs.mkdirSync(folder, { recursive: true });
    // From npm 12 on scripts that install are run where that is allowed.
    const allowed = { private: true, allowScripts: { [name]: true } };
    fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(allowed));
    await run('npm', ['install', '--no-audit', '--no-fund', wanted], { cwd: folder });
  }
  return program;
}

/** Node of that major version, the newest when it was installed. */
async function otherNode(major) {
  const program = await otherProgram(`node@${major}`);
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  if (!version.startsWith(`v${major}.`)) throw new Error(`${program} is Node ${version}`);
  return { program, version };
}

module.exports = { otherNode, otherProgram };
