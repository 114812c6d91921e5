// The packages of the platforms, and the main one that names them: what each holds and says of itself.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { PLATFORMS } = require('../../../lib/binaries');
const { platforms, stageMain, stagePlatform } = require('../../../scripts/package/stage');
const { ROOT, npmPack, unpack } = require('../types/packed');

const manifest = require('../../../package.json');
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];
/** Of a binary that this machine need not have. */
const STAND_IN = __filename;

let base;
before(() => {
  base = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-packages-'));
});
after(() => fs.rmSync(base, { recursive: true, force: true }));

/** Lays out a package, packs and unpacks it; answers with its folder. */
async function unpacked(name, stage) {
  const [staged, target] = ['staged', 'packed'].map((part) => path.join(base, name, part));
  for (const folder of [staged, target]) fs.mkdirSync(folder, { recursive: true });
  stage(staged);
  const tarball = await npmPack(staged, target, path.join(base, 'cache'));
  await unpack(tarball, target);
  return path.join(target, 'package');
}

function filesIn(folder) {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .map((name) => name.replaceAll(path.sep, '/'))
    .sort();
}

async function publintMessages(folder) {
  const { publint } = await import('publint');
  // It would suggest a `type`, which says how JavaScript is read: there is none.
  const settings = { pkgDir: folder, pack: false, strict: true, level: 'warning' };
  return (await publint(settings)).messages;
}

function readManifest(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

describe('the main package', () => {
  let folder;
  before(async () => {
    folder = await unpacked('main', stageMain);
  });

  it('holds its JavaScript, its types and its texts, no binary, source, test or source map', () => {
    const lib = filesIn(path.join(ROOT, 'lib')).map((name) => `lib/${name}`);
    const entries = ['index.d.mts', 'index.d.ts', 'index.js', 'index.mjs'];
    const texts = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    assert.deepStrictEqual(filesIn(folder), [...entries, 'native.d.ts', ...texts, ...lib].sort());
    // The page of the dashboard is read as it is.
    for (const name of lib)
      assert.match(name, /\.js$|^lib\/dashboard\/page\/\w+\.(?:css|html|mjs)$/);
  });

  it('depends on the package of every platform, in its own version, and lets each be missing', () => {
    const { version, dependencies, optionalDependencies } = readManifest(folder);
    const expected = PLATFORMS.map((name) => [`gso-analytics-${name}`, version]);
    assert.deepStrictEqual(optionalDependencies, Object.fromEntries(expected));
    assert.deepStrictEqual(dependencies, manifest.dependencies);
  });

  it('runs nothing when it is installed', () => {
    assert.strictEqual(readManifest(folder).scripts, undefined);
    for (const name of INSTALL_SCRIPTS) assert.ok(!(name in manifest.scripts), name);
  });
});

describe('the packages of the platforms', { concurrency: 2 }, () => {
  it('are those of which the error about a missing binary speaks', () => {
    const names = platforms().map(({ name }) => name);
    assert.deepStrictEqual(names.sort(), PLATFORMS);
    assert.strictEqual(manifest.napi.targets.length, names.length);
  });

  for (const platform of platforms()) {
    const { name } = platform;
    it(`hold on ${name} the binary and its licences, for that platform only`, async () => {
      const folder = await unpacked(name, (target) => stagePlatform(target, platform, STAND_IN));
      const { main, os: systems, cpu, libc, ...rest } = readManifest(folder);
      const [system, processor, abi] = name.split('-');
      assert.deepStrictEqual([systems, cpu], [[system], [processor]]);
      const libcs = { gnu: ['glibc'], musl: ['musl'] };
      assert.deepStrictEqual(libc, libcs[abi]);
      for (const field of ['version', 'license', 'engines', 'repository'])
        assert.deepStrictEqual(rest[field], manifest[field], field);
      assert.ok(!('scripts' in rest));
      const texts = ['LICENSE', 'LICENSE.third-party.txt', 'README.md', 'package.json'];
      assert.deepStrictEqual(filesIn(folder), [...texts, main].sort());
      assert.deepStrictEqual(await publintMessages(folder), []);
    });
  }
});
