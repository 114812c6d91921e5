// `npm run build:portable`: release binaries that run on other machines than this one, old ones too, each
// in the folder of its package. Builds for all targets that can be linked here, or for those that are named:
// `npm run build:portable -- aarch64-unknown-linux-gnu`. Tells the sizes of all in one table.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { toolEnvironment } = require('../lib/python');
const { addStandardLibrary } = require('../lib/rust');
const { TITLE, linkingForMacos } = require('./macos');
const { platforms } = require('./stage');
const { ROOT, main, runPackage, say, step } = require('../lib/steps');
const { NEWEST_GLIBC } = require('./symbols');

const { targets } = require('../../package.json').napi;
const OUTPUT = path.join(ROOT, 'target', 'portable');
const MIB = 2 ** 20;
/** Parts of the targets that are linked here, by the system. */
const LINKED = {
  linux: ['-linux-', '-apple-'],
  darwin: ['-linux-', '-apple-'],
  win32: ['-linux-', '-windows-'],
};

const isLinkedHere = (target) => LINKED[process.platform]?.some((part) => target.includes(part));

/** Flags of the compiler: no path of this machine is in the binary, as sources of panics. */
function compilerFlags(target, more) {
  const crates = process.env.CARGO_HOME ?? path.join(os.homedir(), '.cargo');
  const flags = [
    `--remap-path-prefix=${crates}=/cargo`,
    `--remap-path-prefix=${ROOT}=/gso-analytics`,
    // Else a system without the Visual C++ runtime cannot load it.
    ...(target.endsWith('-msvc') ? ['-Ctarget-feature=+crt-static'] : []),
    ...more,
  ];
  // They are divided at spaces.
  const divided = flags.find((flag) => /\s/.test(flag));
  if (divided) throw new Error(`a path with a space cannot be kept out of the binary: ${divided}`);
  return flags.join(' ');
}

/** `{ args, flags, env }` for the target. zig links for Linux, and compiles the C code for macOS elsewhere. */
async function linking(target) {
  const isForApple = target.includes('-apple-');
  if (!target.includes('-linux-') && !(isForApple && process.platform === 'linux')) {
    const flags = isForApple ? [`-Clink-arg=-Wl,-install_name,${TITLE}`] : [];
    return { args: ['--target', target], flags, env: process.env };
  }
  const env = await toolEnvironment();
  // As if for that release; what is newer here is not found.
  const linked = target.endsWith('-gnu') ? `${target}.${NEWEST_GLIBC}` : target;
  const how = isForApple ? linkingForMacos(env) : { flags: [], env };
  return { args: ['--cross-compile', '--target', linked], ...how };
}

/** Answers with the platform whose binary it has built. */
async function build(target) {
  await addStandardLibrary(target);
  const { args, flags, env } = await linking(target);
  const options = ['--platform', '--release', '--no-js', '--output-dir', OUTPUT];
  const all = ['build', ...options, ...args, '--', '--locked'];
  fs.rmSync(OUTPUT, { recursive: true, force: true });
  await step(`build for ${target}`, () =>
    runPackage('napi', all, { env: { ...env, RUSTFLAGS: compilerFlags(target, flags) } }),
  );
  const built = platforms().filter(({ manifest }) =>
    fs.existsSync(path.join(OUTPUT, manifest.main)),
  );
  if (built.length !== 1) throw new Error(`not one binary for ${target}, but ${built.length}`);
  fs.copyFileSync(path.join(OUTPUT, built[0].manifest.main), built[0].binary);
  return built[0];
}

function chosenTargets(named) {
  // What an earlier build has left would be packed as if it were of this one.
  for (const { binary } of platforms()) fs.rmSync(binary, { force: true });
  if (named.length > 0) return named;
  const others = targets.filter((target) => !isLinkedHere(target));
  if (others.length > 0) say(`not built, since they cannot be linked here: ${others.join(', ')}`);
  return targets.filter(isLinkedHere);
}

main(async () => {
  const rows = [];
  for (const target of chosenTargets(process.argv.slice(2))) {
    const { name, binary } = await build(target);
    rows.push({ platform: name, target, MiB: Number((fs.statSync(binary).size / MIB).toFixed(2)) });
  }
  console.table(rows);
});
