// What the installed Rust compiler is able to build.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');

/** Whether the compiler has a standard library for the target: `rustup target add` brings one. */
function hasStandardLibrary(target) {
  const args = ['--print', 'target-libdir', '--target', target];
  return fs.existsSync(execFileSync('rustc', args, { encoding: 'utf8' }).trim());
}

module.exports = { hasStandardLibrary };
