// Other versions of Node than the one that runs: the npm package `node` brings the program of each.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('./steps');

const EXECUTABLE = process.platform === 'win32' ? 'node.exe' : 'node';

/** Where the newest Node of that major version is; installs it into the cache if it is not there. */
async function otherNode(major) {
  const folder = path.join(ROOT, '.cache', `node-${major}`);
  const program = path.join(folder, 'node_modules', 'node', 'bin', EXECUTABLE);
  if (!fs.existsSync(program)) {
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
    const quiet = ['--no-audit', '--no-fund'];
    await run('npm', ['install', ...quiet, `node@${major}`], { cwd: folder });
  }
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim();
  if (!version.startsWith(`v${major}.`)) throw new Error(`${program} is Node ${version}`);
  return { program, version };
}

module.exports = { otherNode };
