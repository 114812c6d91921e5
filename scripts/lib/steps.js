// Steps of the npm scripts: each says what begins and how long it took, and ends the script when it
// fails. Installing and building are steps too, so that a fresh clone needs nothing before.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..');
const IS_WINDOWS = process.platform === 'win32';

function say(line) {
  console.log(`\n[gso-analytics] ${line}`);
}

/** Says what begins, does it, says how long it took. */
async function step(name, work) {
  say(`${name} …`);
  const started = performance.now();
  const result = await work();
  say(`${name}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}

/**
 * Runs a program in the repository with its output shown; rejects unless it ends with 0. On Windows
 * most programs are scripts of the shell, which would split the path of Node at its spaces.
 */
function run(command, args, options = {}) {
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    shell: IS_WINDOWS && command !== process.execPath,
    ...options,
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${command} cannot be run: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${[command, ...args].join(' ')} ended with ${code ?? signal}`));
    });
  });
}

/** A program that an installed package brings. */
function runPackage(name, args, options) {
  return run(path.join(ROOT, 'node_modules', '.bin', name), args, options);
}

function modified(...segments) {
  return fs.statSync(path.join(ROOT, ...segments), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Installs what the lock file names, unless that has been done since the file changed. */
async function install() {
  const isCurrent = modified('node_modules', '.package-lock.json') >= modified('package-lock.json');
  if (isCurrent && modified('node_modules', '.bin', 'napi') > 0) return;
  await step('install packages', () =>
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund']),
  );
}

/** Builds the addon for tests and the demo: not optimised, so it takes a third of the time. */
async function build() {
  await step('build the addon (minutes the first time)', () =>
    run('npm', ['run', '--silent', 'build:debug']),
  );
}

/** Runs the steps of a script; a failure is one clear line and exit code 1. */
function main(steps) {
  steps().then(
    () => say('done'),
    (error) => {
      say(`failed: ${error.message}`);
      process.exitCode = 1;
    },
  );
}

module.exports = { ROOT, build, install, main, run, runPackage, say, step };
