// What a measurement needs beside the sources: optimised builds, and a Node that can tell how much CPU
// time one thread has used (24 or later).
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('../scripts/steps');

const NODE_FOLDER = path.join(ROOT, '.cache', 'node-24');
const EXAMPLE = path.join(ROOT, 'target', 'release', 'examples', 'rust_peer');

/** Both with the same profile; answers where the Rust client is. */
async function buildRelease() {
  await run('npm', ['run', 'build']);
  await run('cargo', ['build', '--locked', '--release', '--example', 'rust_peer']);
  return process.platform === 'win32' ? `${EXAMPLE}.exe` : EXAMPLE;
}

/** This one if it can, else the npm package `node@24` in a folder of its own. */
async function nodeWithThreadCpu() {
  if (process.threadCpuUsage !== undefined) return process.execPath;
  const node = path.join(NODE_FOLDER, 'node_modules', '.bin', 'node');
  if (!fs.existsSync(node)) {
    fs.mkdirSync(NODE_FOLDER, { recursive: true });
    fs.writeFileSync(path.join(NODE_FOLDER, 'package.json'), '{"private":true}');
    await run('npm', ['install', '--no-audit', '--no-fund', 'node@24'], { cwd: NODE_FOLDER });
  }
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  console.log(`measuring with Node ${version}`);
  return node;
}

module.exports = { buildRelease, nodeWithThreadCpu };
