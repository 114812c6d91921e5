// What the installed Rust compiler is able to build, and where that is afterwards.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run, step } = require('./steps');

const print = (...args) => execFileSync('rustc', ['--print', ...args], { encoding: 'utf8' }).trim();

/** Whether the compiler has a standard library for the target: `rustup target add` brings one. */
function hasStandardLibrary(target) {
  return fs.existsSync(print('target-libdir', '--target', target));
}

async function addStandardLibrary(target) {
  if (hasStandardLibrary(target)) return;
  await step(`install the standard library for ${target}`, () =>
    run('rustup', ['target', 'add', target]),
  );
}

/** That of LLVM, which the compiler brings. */
function linkerOfLlvm() {
  return path.join(print('target-libdir'), '..', 'bin', 'rust-lld');
}

/** The folder of what Cargo builds for this machine: a named target, as .cargo/config.toml wants. */
function outputFolder(profile) {
  return path.join(ROOT, 'target', print('host-tuple'), profile);
}

module.exports = { addStandardLibrary, linkerOfLlvm, outputFolder };
