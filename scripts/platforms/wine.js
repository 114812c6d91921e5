// Windows on Linux: Wine with a Windows of its own in the cache.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { cached } = require('./cached');
const { run } = require('../lib/steps');

/** Wine 8 lacks this library, from which Rust takes random numbers. */
const LIBRARY = 'bcryptprimitives';
const SOURCE = path.join(__dirname, `${LIBRARY}.c`);

const environmentIn = (folder) => {
  return { WINEPREFIX: path.join(folder, 'windows'), WINEDEBUG: '-all' };
};

async function fill(folder) {
  const env = { ...process.env, ...environmentIn(folder) };
  await run('wine', ['wineboot', '--init'], { env });
  await run('wine', ['winecfg', '/v', 'win10'], { env });
  const system = path.join(env.WINEPREFIX, 'drive_c', 'windows', 'system32');
  const output = path.join(system, `${LIBRARY}.dll`);
  await run('x86_64-w64-mingw32-gcc', ['-shared', '-o', output, SOURCE, '-ladvapi32']);
}

/** `{ runner, env }`: the words before a program, and the variables that it needs. */
async function wine() {
  const wanted = `a Windows of Wine\n${fs.readFileSync(SOURCE, 'utf8')}`;
  const folder = await cached('wine', wanted, fill);
  return {
    runner: ['sh', path.join(__dirname, 'run-in-wine.sh')],
    env: environmentIn(folder),
  };
}

module.exports = { wine };
