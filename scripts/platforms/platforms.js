// Platforms whose binaries can be built and run on Linux x64, and what runs them there.
'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { KEYS, sysroot } = require('./debian');
const { nodeForLinux, nodeForWindows } = require('./nodes');
const { wine } = require('./wine');
const { NEWEST_GLIBC } = require('../package/symbols');

/** Programs and files, and their packages in Debian. */
const UNPACKING = { 'apt-get': 'apt', 'dpkg-deb': 'dpkg', [KEYS]: 'debian-archive-keyring' };
const EMULATING = { 'qemu-aarch64-static': 'qemu-user-static' };
/** The C library is a library of the system, as for every addon. */
const DYNAMIC_MUSL = { RUSTFLAGS: '-C target-feature=-crt-static' };

/** napi-build wants a library of Node to link with. Its functions are looked up at run time, so this is empty. */
const EMPTY_NODE = { LIBNODE_PATH: path.join(__dirname, 'libnode') };

/** With the script by which a system with musl tells of it, and this package takes its binary. */
async function muslSysroot(architecture) {
  const root = await sysroot(architecture, ['musl']);
  fs.mkdirSync(path.join(root, 'usr', 'bin'), { recursive: true });
  fs.writeFileSync(
    path.join(root, 'usr', 'bin', 'ldd'),
    '#!/bin/sh\nexec /lib/ld-musl* --list "$@"\n',
  );
  return root;
}

/** The loader is run as a program, so that this system needs no file of musl. */
async function onMusl() {
  const root = await muslSysroot('amd64');
  const loader = path.join(root, 'lib', 'ld-musl-x86_64.so.1');
  const before = [
    'sh',
    path.join(__dirname, 'run-on-musl.sh'),
    path.join(root, 'usr', 'bin', 'ldd'),
  ];
  return { node: [...before, loader, await nodeForLinux('musllinux_1_2_x86_64')] };
}

/** Some containers and systems refuse what run-on-musl.sh does. */
function noOwnMounts() {
  const { status } = spawnSync('unshare', ['--mount', '--map-root-user', 'true']);
  return status === 0 ? undefined : 'this system lets no program have mounts of its own';
}

async function emulated(root, tag) {
  const runner = ['qemu-aarch64-static', '-L', root];
  return { runner, node: [...runner, await nodeForLinux(tag)] };
}

async function onArmWithGlibc() {
  const root = await sysroot('arm64', ['libc6', 'libstdc++6', 'libgcc-s1']);
  return emulated(root, 'manylinux_2_28_aarch64');
}

async function onArmWithMusl() {
  return emulated(await muslSysroot('arm64'), 'musllinux_1_2_aarch64');
}

const SLOW_WHERE_EMULATED = {
  'hours of its clock, with each flush in them, take minutes on an emulated processor': [
    'reporting::an_error_is_told_once_and_tried_again_ever_less_often',
  ],
};

async function inWine() {
  const { runner, env } = await wine();
  const NODE_OPTIONS = `--require=${path.join(__dirname, 'keep-alive-in-wine.cjs')}`;
  return { runner, env, forNpm: { NODE_OPTIONS }, node: [...runner, await nodeForWindows()] };
}

/**
 * - `name`, and `published`, that of its package, where it differs
 * - `target` of the compiler, and `linked` where zig wants to know more of it
 * - `cargo`, the program that builds, and `library`, what it builds; `flags`, variables of the build
 * - `programs` that the system needs, and `hindrance()`: why the system cannot run it even so, if it cannot
 * - `prepare()`: the words that run `node` of that platform, the `runner` before other programs where these
 *   need one, `env`, variables of both, and further ones `forNpm`
 * - whether it `isEmulated`, so that it may miss limits that are for a whole machine, and whether it `hasSignals`
 * - Rust tests that it goes `without`, by the reason
 */
const PLATFORMS = [
  {
    name: 'linux-x64-musl',
    target: 'x86_64-unknown-linux-musl',
    flags: DYNAMIC_MUSL,
    programs: UNPACKING,
    hindrance: noOwnMounts,
    prepare: onMusl,
  },
  {
    name: 'linux-arm64-gnu',
    target: 'aarch64-unknown-linux-gnu',
    linked: `aarch64-unknown-linux-gnu.${NEWEST_GLIBC}`,
    programs: { ...UNPACKING, ...EMULATING },
    prepare: onArmWithGlibc,
    isEmulated: true,
    without: SLOW_WHERE_EMULATED,
  },
  {
    name: 'linux-arm64-musl',
    target: 'aarch64-unknown-linux-musl',
    flags: DYNAMIC_MUSL,
    programs: { ...UNPACKING, ...EMULATING },
    prepare: onArmWithMusl,
    isEmulated: true,
    without: SLOW_WHERE_EMULATED,
  },
  {
    name: 'win32-x64',
    published: 'win32-x64-msvc',
    // That of Microsoft, which ships, needs their linker and headers.
    target: 'x86_64-pc-windows-gnu',
    // zig would export more symbols than a library of Windows can have.
    cargo: 'cargo',
    library: 'gso_analytics.dll',
    flags: EMPTY_NODE,
    programs: { wine: 'wine', 'x86_64-w64-mingw32-gcc': 'gcc-mingw-w64-x86-64-posix' },
    prepare: inWine,
    isEmulated: true,
    hasSignals: false,
    without: {
      'Wine cannot remove a folder with an open file': [
        'spool::events_that_are_lost_on_disk_before_they_are_known_are_held_no_longer',
        'forwarding::cursors_that_cannot_be_written_are_tried_again_after_a_rest',
        'spool::records_whose_folder_was_removed_are_counted_and_the_rest_goes_on',
        'slots::a_folder_that_was_removed_is_created_again',
      ],
    },
  },
];

module.exports = { PLATFORMS };
