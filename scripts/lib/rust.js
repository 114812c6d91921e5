// What the installed Rust compiler builds, and how it builds nothing twice.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');

/** Whether the compiler has a standard library for the target: `rustup target add` brings one. */
function hasStandardLibrary(target) {
  const args = ['--print', 'target-libdir', '--target', target];
  return fs.existsSync(execFileSync('rustc', args, { encoding: 'utf8' }).trim());
}

/** The target that this compiler builds for unless told otherwise. */
function hostTarget() {
  const text = execFileSync('rustc', ['-vV'], { encoding: 'utf8' });
  return /^host: (.*)$/m.exec(text)[1];
}

/**
 * Arguments for cargo by which all it compiles but this crate is that of `npm run build:debug`, which
 * names its target and asks for the features of dependencies that the tests need.
 */
function sharedBuild() {
  return ['--locked', '--target', hostTarget()];
}

module.exports = { hasStandardLibrary, hostTarget, sharedBuild };
