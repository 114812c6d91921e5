// `npm run check:windows`: lints the Rust code, tests included, as compiled for Windows, from any system.
// Nothing is linked. C code of dependencies is compiled by zig.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { hasStandardLibrary } = require('../lib/rust');
const { ROOT, main, run, step } = require('../lib/steps');

/** Binaries for Windows ship for the MSVC target, but C code for that needs headers of Microsoft. */
const TARGET = 'x86_64-pc-windows-gnu';
const ARGS = ['clippy', '--locked', '--all-targets', '--target', TARGET, '--', '-D', 'warnings'];

/** For this target napi-build wants a libnode.dll to link with; it only looks whether there is one. */
function libnodeFolder() {
  const folder = path.join(ROOT, 'target', 'libnode');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'libnode.dll'), '');
  return folder;
}

main(async () => {
  if (!hasStandardLibrary(TARGET)) {
    await step(`install the standard library for ${TARGET}`, () =>
      run('rustup', ['target', 'add', TARGET]),
    );
  }
  const env = { ...(await toolEnvironment()), LIBNODE_PATH: libnodeFolder() };
  await step('lint Rust for Windows', () => run('cargo-zigbuild', ARGS, { env }));
});
