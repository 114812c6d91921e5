// What a measurement needs beside the sources: optimised builds, and a Node that can tell how much CPU
// time one thread has used (24 or later).
'use strict';

const path = require('node:path');
const { otherNode } = require('../scripts/lib/other-programs');
const { outputFolder } = require('../scripts/lib/rust');
const { run } = require('../scripts/lib/steps');

function buildAddon() {
  return run('npm', ['run', 'build']);
}

/** With the profile of the addon; answers where the program is. */
async function buildRustClient() {
  await run('cargo', ['build', '--locked', '--release', '--example', 'rust_peer']);
  const name = process.platform === 'win32' ? 'rust_peer.exe' : 'rust_peer';
  return path.join(outputFolder('release'), 'examples', name);
}

/** This one if it can. */
async function nodeWithThreadCpu() {
  if (process.threadCpuUsage !== undefined) return process.execPath;
  const { program, version } = await otherNode(24);
  console.log(`measuring with Node ${version}`);
  return program;
}

module.exports = { buildAddon, buildRustClient, nodeWithThreadCpu };
