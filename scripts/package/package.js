// `npm run package`: packs what is published into target/packages: the main package, and those of the
// platforms whose binaries lie in npm/*, after a look at the binaries.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { platforms, stageMain, stagePlatform } = require('./stage');
const { ROOT, main, say } = require('../lib/steps');
const { NEWEST_GLIBC, problemsOf, symbolsOf } = require('./symbols');

const PACKAGES = path.join(ROOT, 'target', 'packages');
const MIB = 2 ** 20;
/** Of sources, or of anything else, where the machine has them that has built it: also one of another system. */
const PATHS = /\.cargo[\\/](?:registry|git)[\\/]|[\\/](?:home|Users)[\\/]\w+[\\/]|\b[A-Z]:\\a\\/;

function checkBinary({ name, binary }) {
  const text = fs.readFileSync(binary, 'latin1');
  if (PATHS.test(text) || text.includes(ROOT)) {
    throw new Error(
      `${binary} names paths of the machine that has built it: npm run build:portable`,
    );
  }
  const problems = problemsOf(symbolsOf(binary));
  if (problems.length > 0) throw new Error(`${binary}\n${problems.join('\n')}`);
  const old = name.endsWith('-gnu') ? `needs no symbol newer than GLIBC_${NEWEST_GLIBC} and ` : '';
  say(`${name}: ${old}exports only what Node asks for`);
}

/** Packs a package that `stage(folder)` lays out; answers with a row of the table of sizes. */
function pack(stage) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-package-'));
  try {
    stage(folder);
    const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', PACKAGES];
    const shell = process.platform === 'win32';
    // A list up to npm 11, an object from npm 12 on.
    const [packed] = Object.values(JSON.parse(execFileSync('npm', args, { cwd: folder, shell })));
    const inMib = (bytes) => Number((bytes / MIB).toFixed(2));
    return {
      package: `${packed.name}@${packed.version}`,
      files: packed.entryCount,
      'packed MiB': inMib(packed.size),
      'unpacked MiB': inMib(packed.unpackedSize),
    };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main(async () => {
  fs.rmSync(PACKAGES, { recursive: true, force: true });
  fs.mkdirSync(PACKAGES, { recursive: true });
  const all = platforms();
  const ready = all.filter(({ binary }) => fs.existsSync(binary));
  if (ready.length === 0) throw new Error('no binary in npm/*: npm run build:portable');
  for (const platform of ready) checkBinary(platform);
  const rows = [pack(stageMain)];
  for (const platform of ready) {
    rows.push(pack((folder) => stagePlatform(folder, platform, platform.binary)));
  }
  console.table(rows);
  const missing = all.filter((platform) => !ready.includes(platform)).map(({ name }) => name);
  if (missing.length > 0) say(`not packed, for want of a binary: ${missing.join(', ')}`);
});
