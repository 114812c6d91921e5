// `npm run check:platforms`: lints the Rust code, tests included, as compiled for Windows and for macOS, from
// any system. Nothing is linked, so it needs nothing of Microsoft and Apple; C code is compiled by zig.
'use strict';

const { toolEnvironment } = require('../lib/python');
const { addStandardLibrary } = require('../lib/rust');
const { main, run, step } = require('../lib/steps');

/** Arguments of cargo behind the target. */
const LINT = ['--', '-D', 'warnings'];
/**
 * Who compiles C for a target. cargo-zigbuild finds zig by itself for those that it can link; for the one
 * of Microsoft the headers of MinGW stand in.
 */
const TARGETS = {
  'x86_64-pc-windows-msvc': {
    CC: 'cargo-zigbuild zig cc -- -target x86_64-windows-gnu',
    AR: 'cargo-zigbuild zig lib --',
  },
  'aarch64-apple-darwin': {},
};

function compilers(target) {
  const suffix = target.replaceAll('-', '_');
  const named = Object.entries(TARGETS[target]);
  return Object.fromEntries(named.map(([tool, command]) => [`${tool}_${suffix}`, command]));
}

async function lint(target) {
  await addStandardLibrary(target);
  const env = { ...(await toolEnvironment()), ...compilers(target) };
  const args = ['clippy', '--locked', '--all-targets', '--target', target, ...LINT];
  await step(`lint Rust for ${target}`, () => run('cargo-zigbuild', args, { env }));
}

main(async () => {
  for (const target of Object.keys(TARGETS)) await lint(target);
});
