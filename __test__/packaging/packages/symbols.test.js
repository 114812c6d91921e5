// What the built addon exports, and that the reader of symbols sees what it is there to see.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { EXPORTED, newerThan, problemsOf, symbolsOf } = require('../../../scripts/package/symbols');

const ROOT = path.join(__dirname, '..', '..', '..');
const binary = fs
  .readdirSync(ROOT)
  .find((name) => /^gso-analytics\.linux-.*-gnu\.node$/.test(name));
const skip = binary === undefined && 'this machine builds no binary for Linux with glibc';

describe('the symbols of the built addon', { skip }, () => {
  const symbols = symbolsOf(path.join(ROOT, binary ?? ''));

  it('are exported only as far as Node needs them', () => {
    assert.deepStrictEqual(symbols.exported, EXPORTED);
  });

  it('are read with their versions', () => {
    const threads = symbols.imported.filter(({ name }) => name === 'pthread_create');
    assert.strictEqual(threads.length, 1);
    assert.match(threads[0].version, /^GLIBC_2\.\d+/);
    assert.ok(symbols.needed.includes('libc.so.6'));
    assert.ok(newerThan('2.0', symbols).length > 50);
    assert.ok(symbols.versions.includes(threads[0].version));
  });
});

/** Addons of others for other systems: the package manager pnpm comes with some. */
const FOREIGN = path.join(ROOT, '.cache', 'install-tools', 'node_modules', 'pnpm', 'dist');
const foreign = fs.existsSync(FOREIGN)
  ? fs.readdirSync(FOREIGN).filter((name) => /\.(?:darwin|win32)-.*\.node$/.test(name))
  : [];
const skipForeign = foreign.length === 0 && 'npm run test:install, which brings them, has not run';

describe('the symbols of addons for macOS and Windows', { skip: skipForeign }, () => {
  for (const name of foreign) {
    it(`are read: ${name}`, () => {
      const { exported, needed, imported, title } = symbolsOf(path.join(FOREIGN, name));
      assert.deepStrictEqual(exported, EXPORTED);
      const isOfMacos = name.includes('.darwin-');
      assert.ok(needed.includes(isOfMacos ? '/usr/lib/libSystem.B.dylib' : 'kernel32.dll'));
      assert.match(title ?? '', isOfMacos ? /^\/Users\/.*\.dylib$/ : /^$/);
      const isInAny = new Map(imported.map((symbol) => [symbol.name, symbol.isInAny]));
      assert.deepStrictEqual(
        [isInAny.get('napi_create_object'), isInAny.get('memcpy')],
        isOfMacos ? [true, false] : [undefined, undefined],
      );
    });
  }
});

describe('a binary is not published', () => {
  const good = {
    imported: [
      { name: 'memcpy', version: 'GLIBC_2.14' },
      { name: 'statx', version: 'GLIBC_2.28' },
      { name: '_Unwind_Resume', version: 'GCC_3.0' },
      { name: '__gmon_start__', version: undefined },
    ],
    exported: EXPORTED,
    needed: ['libc.so.6', 'libgcc_s.so.1', 'ld-linux-aarch64.so.1'],
    versions: ['GLIBC_2.14', 'GLIBC_2.28', 'GCC_3.0'],
  };

  it('for a reason, so this one is', () => {
    assert.deepStrictEqual(problemsOf(good), []);
  });

  it('if one of its symbols is newer than what Node needs', () => {
    for (const version of ['GLIBC_2.28.1', 'GLIBC_2.29', 'GLIBC_2.100', 'GLIBC_3']) {
      const imported = [...good.imported, { name: 'pow', version }];
      const problem = `pow needs ${version}, newer than 2.28`;
      assert.deepStrictEqual(problemsOf({ ...good, imported }), [problem]);
    }
  });

  it('if it needs what only later versions of glibc know, or none promises', () => {
    for (const version of ['GLIBC_ABI_DT_RELR', 'GLIBC_PRIVATE']) {
      const versions = [...good.versions, version];
      assert.deepStrictEqual(problemsOf({ ...good, versions }), [`needs ${version}`]);
    }
  });

  it('if it exports more than Node needs, or less', () => {
    const more = problemsOf({ ...good, exported: [...EXPORTED, 'ring_core_sha256'] });
    assert.deepStrictEqual(more, ['exports ring_core_sha256']);
    assert.deepStrictEqual(problemsOf({ ...good, exported: [] }), [`lacks ${EXPORTED[0]}`]);
  });

  it('if it needs a library that a system need not have', () => {
    for (const library of ['libssl.so.3', 'libstdc++.so.6', 'libcurl.so.1']) {
      const needed = [...good.needed, library];
      assert.deepStrictEqual(problemsOf({ ...good, needed }), [`needs the library ${library}`]);
    }
  });

  it('if it needs no library, as one that could not be read', () => {
    const problem = 'needs no library, not even that of the system';
    assert.deepStrictEqual(problemsOf({ ...good, needed: [] }), [problem]);
  });

  it('but it may need the libraries of Windows, without that of Visual C++', () => {
    const windows = { imported: [], exported: EXPORTED, versions: [] };
    const needed = ['KERNEL32.dll', 'api-ms-win-core-synch-l1-2-0.dll', 'bcryptprimitives.dll'];
    assert.deepStrictEqual(problemsOf({ ...windows, needed }), []);
    const more = problemsOf({ ...windows, needed: [...needed, 'VCRUNTIME140.dll'] });
    assert.deepStrictEqual(more, ['needs the library VCRUNTIME140.dll']);
  });

  it('if macOS would look for a function that is not of Node in no library', () => {
    const needed = [
      '/usr/lib/libSystem.B.dylib',
      '/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation',
    ];
    const imported = [
      { name: 'CFRelease', isInAny: false },
      { name: 'napi_get_undefined', isInAny: true },
    ];
    const macos = { imported, exported: EXPORTED, versions: [], needed };
    assert.deepStrictEqual(problemsOf(macos), []);
    const more = [...imported, { name: 'SecTrustCreate', isInAny: true }];
    const problem = 'finds SecTrustCreate in no library';
    assert.deepStrictEqual(problemsOf({ ...macos, imported: more }), [problem]);
  });

  it('if macOS would call it by a path of the machine that has built it', () => {
    const macos = { ...good, imported: [], versions: [], needed: ['/usr/lib/libSystem.B.dylib'] };
    assert.deepStrictEqual(problemsOf({ ...macos, title: 'gso-analytics.node' }), []);
    const title = '/Users/runner/target/release/deps/libgso_analytics.dylib';
    const problem = `is called ${title}, which names the machine that has built it`;
    assert.deepStrictEqual(problemsOf({ ...macos, title }), [problem]);
  });

  it('but it may need the libraries of musl', () => {
    for (const needed of [['libc.so'], ['libc.musl-x86_64.so.1', 'libgcc_s.so.1']]) {
      const musl = { imported: [], exported: EXPORTED, versions: [], needed };
      assert.deepStrictEqual(problemsOf(musl), []);
    }
  });
});
