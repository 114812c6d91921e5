// Platforms whose binaries can be built and run on Linux x64, and what runs them there.
'use strict';

const path = require('node:path');
const { sysroot } = require('./debian');
const { nodeForLinux } = require('./nodes');

/** Programs and their packages in Debian. */
const UNPACKING = { 'apt-get': 'apt', 'dpkg-deb': 'dpkg' };
/** The C library is a library of the system, as for every addon. */
const DYNAMIC_MUSL = { RUSTFLAGS: '-C target-feature=-crt-static' };

async function onMusl() {
  const root = await sysroot('amd64', ['musl']);
  const loader = path.join(root, 'lib', 'ld-musl-x86_64.so.1');
  return { node: [loader, await nodeForLinux('musllinux_1_2_x86_64')] };
}

/**
 * `name`; `target` of the compiler; `flags`, variables of the build; `programs` that the system needs;
 * `prepare()`: the words that run `node` of that platform.
 */
const PLATFORMS = [
  {
    name: 'linux-x64-musl',
    target: 'x86_64-unknown-linux-musl',
    flags: DYNAMIC_MUSL,
    programs: UNPACKING,
    prepare: onMusl,
  },
];

module.exports = { PLATFORMS };
