// Links for macOS on Linux, with nothing of Apple: by the linker of LLVM, which comes with the Rust compiler. In place
// of the libraries it reads lists of what these have: that of zig for libSystem, and those in stubs/ of what crates
// call besides.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { linkerOfLlvm } = require('../lib/rust');
const { ROOT } = require('../lib/steps');

const STUBS = path.join(__dirname, 'stubs');
/** Laid out as a root of macOS. */
const FOLDER = path.join(ROOT, 'target', 'macos');
/** All of them are parts of libSystem. */
const OF_SYSTEM = ['libSystem', 'libc', 'libm'];
/** What the binary is called in itself. Else it is the path of the output, which names this machine. */
const TITLE = 'gso-analytics.node';
/** A processor that LLVM does not know yet. */
const UNKNOWN = /arm64e\.x1-\w+(?:,\s*|(?=\s*\]))/g;

function listOfZig(env) {
  const print = 'import ziglang; print(ziglang.__path__[0])';
  const zig = execFileSync('python', ['-c', print], { encoding: 'utf8', env }).trim();
  const list = path.join(zig, 'lib', 'libc', 'darwin', 'libSystem.tbd');
  return fs
    .readFileSync(list, 'utf8')
    .replace(UNKNOWN, '')
    .replace(/,\s*\]/g, ' ]');
}

/** `{ flags, env }` of the compiler; `env` has the tools of python.js. */
function linkingForMacos(env) {
  fs.rmSync(FOLDER, { recursive: true, force: true });
  fs.cpSync(STUBS, FOLDER, { recursive: true });
  const list = listOfZig(env);
  for (const name of OF_SYSTEM)
    fs.writeFileSync(path.join(FOLDER, 'usr', 'lib', `${name}.tbd`), list);
  const linker = path.join(__dirname, 'link-for-macos.sh');
  const flags = [
    `-Clinker=${linker}`,
    '-Clinker-flavor=ld64.lld',
    '-Clink-arg=-syslibroot',
    `-Clink-arg=${FOLDER}`,
    '-Clink-arg=-install_name',
    `-Clink-arg=${TITLE}`,
  ];
  return { flags, env: { ...env, LINKER_OF_LLVM: linkerOfLlvm() } };
}

module.exports = { TITLE, linkingForMacos };
