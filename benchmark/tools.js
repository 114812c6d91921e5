// What a measurement needs beside the sources: optimised builds, and a Node that can tell how much CPU
// time one thread has used (24 or later).
'use strict';

const path = require('node:path');
const { otherNode } = require('../scripts/lib/other-programs');
const { ROOT, run } = require('../scripts/lib/steps');

const EXAMPLE = path.join(ROOT, 'target', 'release', 'examples', 'rust_peer');

/** Both with the same profile; answers where the Rust client is. */
async function buildRelease() {
  await run('npm', ['run', 'build']);
  await run('cargo', ['build', '--locked', '--release', '--example', 'rust_peer']);
  return process.platform === 'win32' ? `${EXAMPLE}.exe` : EXAMPLE;
}

/** This one if it can. */
async function nodeWithThreadCpu() {
  if (process.threadCpuUsage !== undefined) return process.execPath;
  const { program, version } = await otherNode(24);
  console.log(`measuring with Node ${version}`);
  return program;
}

module.exports = { buildRelease, nodeWithThreadCpu };
