// Lock files: everything is pinned with a checksum, and no entry says from which server it came.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');

const ROOT = path.join(__dirname, '..', '..', '..');
/** How Cargo names its public registry, whichever mirror it reads. */
const CRATES = 'registry+https://github.com/rust-lang/crates.io-index';
const NPM_LOCKS = [
  'package-lock.json',
  '__test__/packaging/install/tools/package-lock.json',
  '__test__/integration/hosts/next/package-lock.json',
];
const DEPENDENCIES = [
  'dependencies',
  'devDependencies',
  'peerDependencies',
  'optionalDependencies',
];

function readJson(...segments) {
  return JSON.parse(fs.readFileSync(path.join(ROOT, ...segments), 'utf8'));
}

describe('lock files of npm', () => {
  for (const file of NPM_LOCKS) {
    const { packages } = readJson(file);
    const { '': top, ...installed } = packages;

    it(`pin everything in ${file} by its content and by nothing else`, () => {
      assert.ok(Object.keys(installed).length > 10);
      for (const [place, entry] of Object.entries(installed)) {
        assert.strictEqual(entry.resolved, undefined, place);
        // What another package carries within itself is pinned by that one.
        if (!entry.inBundle) assert.match(entry.integrity ?? '', /^sha512-/, place);
      }
    });

    it(`are those of package.json in ${file}`, () => {
      const manifest = readJson(path.dirname(file), 'package.json');
      for (const field of [...DEPENDENCIES, 'version', 'engines'])
        assert.deepStrictEqual(top[field], manifest[field], field);
    });
  }
});

describe('the lock file of Cargo', () => {
  const text = fs.readFileSync(path.join(ROOT, 'Cargo.lock'), 'utf8');
  const crates = text.split('[[package]]').slice(1);
  const field = (crate, name) => new RegExp(`^${name} = "(.*)"$`, 'm').exec(crate)?.[1];
  const foreign = crates.filter((crate) => field(crate, 'name') !== 'gso-analytics');

  it('has the version of package.json, as Cargo.toml has: the driver sends it to the database', () => {
    const [own] = crates.filter((crate) => !foreign.includes(crate));
    const { version } = readJson('package.json');
    assert.strictEqual(field(own, 'version'), version);
    const manifest = fs.readFileSync(path.join(ROOT, 'Cargo.toml'), 'utf8');
    assert.strictEqual(field(manifest, 'version'), version);
  });

  it('pins crates of the public registry only, each by its content', () => {
    assert.ok(foreign.length > 100);
    for (const crate of foreign) {
      assert.strictEqual(field(crate, 'source'), CRATES, crate);
      assert.match(field(crate, 'checksum') ?? '', /^[0-9a-f]{64}$/, crate);
    }
  });
});

describe('the tools from PyPI', () => {
  const text = fs.readFileSync(path.join(ROOT, 'scripts', 'lib', 'requirements.txt'), 'utf8');
  const requirements = text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => /^\w/.test(line));

  it('are pinned by version and content', () => {
    assert.ok(requirements.length > 0);
    for (const line of requirements)
      assert.match(line, /^[\w-]+==[\d.]+(?:\s+--hash=sha256:\w{64})+$/);
  });
});
