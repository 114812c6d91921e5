// `npm run build:portable`: release binaries that run on other machines than this one, old ones too, each
// in the folder of its package. Builds for all Linux targets that the compiler has a standard library
// for, or for the targets that are named: `npm run build:portable -- aarch64-unknown-linux-gnu`.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { hasStandardLibrary } = require('../lib/rust');
const { platforms } = require('./stage');
const { ROOT, main, runPackage, say, step } = require('../lib/steps');
const { NEWEST_GLIBC } = require('./symbols');

const { targets } = require('../../package.json').napi;
const OUTPUT = path.join(ROOT, 'target', 'portable');

/** Flags of the compiler: no path of this machine is in the binary, as sources of panics. */
function compilerFlags(target) {
  const crates = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo');
  const flags = [
    `--remap-path-prefix=${crates}=/cargo`,
    `--remap-path-prefix=${ROOT}=/gso-analytics`,
    // Else a system without the Visual C++ runtime cannot load it.
    ...(target.endsWith('-msvc') ? ['-Ctarget-feature=+crt-static'] : []),
  ];
  // They are divided at spaces.
  const divided = flags.find((flag) => /\s/.test(flag));
  if (divided) throw new Error(`a path with a space cannot be kept out of the binary: ${divided}`);
  return flags.join(' ');
}

/** `{ args, env }` for the target: for Linux zig links. */
async function linking(target) {
  if (!target.includes('-linux-')) return { args: ['--target', target], env: process.env };
  // As if for that release; what is newer here is not found.
  const linked = target.endsWith('-gnu') ? `${target}.${NEWEST_GLIBC}` : target;
  return { args: ['--cross-compile', '--target', linked], env: await toolEnvironment() };
}

async function build(target) {
  const { args, env } = await linking(target);
  const options = ['--platform', '--release', '--no-js', '--output-dir', OUTPUT];
  const all = ['build', ...options, ...args, '--', '--locked'];
  fs.rmSync(OUTPUT, { recursive: true, force: true });
  await step(`build for ${target}`, () =>
    runPackage('napi', all, { env: { ...env, RUSTFLAGS: compilerFlags(target) } }),
  );
  const built = platforms().filter(({ manifest }) =>
    fs.existsSync(path.join(OUTPUT, manifest.main)),
  );
  if (built.length !== 1) throw new Error(`not one binary for ${target}, but ${built.length}`);
  fs.copyFileSync(path.join(OUTPUT, built[0].manifest.main), built[0].binary);
}

function chosenTargets(named) {
  if (named.length > 0) return named;
  // What an earlier build has left would be packed as if it were of this one.
  for (const { binary } of platforms()) fs.rmSync(binary, { force: true });
  const ofLinux = targets.filter((target) => target.includes('-linux-'));
  for (const target of ofLinux.filter((one) => !hasStandardLibrary(one))) {
    say(`not built for ${target}: no standard library; rustup target add ${target}`);
  }
  return ofLinux.filter(hasStandardLibrary);
}

main(async () => {
  for (const target of chosenTargets(process.argv.slice(2))) await build(target);
});
