// What npm would publish: its package.json holds up, and hosts compile against it however they resolve
// modules.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { cleanEnvironment } = require('../../support/environment');
const { compile } = require('./compile');
const { pack, remove, run } = require('./packed');

cleanEnvironment();

const TIMEOUT_MS = 120_000;
const ATTW = path.join(path.dirname(require.resolve('@arethetypeswrong/cli/package.json')), 'dist');

let packed;
before(async () => {
  packed = await pack();
});
after(() => packed && remove(packed.base));

describe('the packed package', () => {
  it('gives publint nothing to say, not even to suggest', async () => {
    const { publint } = await import('publint');
    const settings = { pkgDir: packed.unpacked, pack: false, strict: true, level: 'suggestion' };
    assert.deepStrictEqual((await publint(settings)).messages, []);
  });

  it('gives attw nothing to say', async () => {
    const args = [path.join(ATTW, 'index.js'), packed.tarball, '--profile', 'strict'];
    const asked = run(process.execPath, [...args, '--format', 'json', '--no-definitely-typed'], {
      ...{ timeout: TIMEOUT_MS, cwd: packed.base },
    });
    const { stdout } = await asked.catch((error) => assert.fail(error.stdout || error.message));
    const { analysis, problems } = JSON.parse(stdout);
    assert.deepStrictEqual(problems, {});
    assert.strictEqual(analysis.types.kind, 'included');
    const resolutions = Object.keys(analysis.entrypoints['.'].resolutions).sort();
    assert.deepStrictEqual(resolutions, ['bundler', 'node10', 'node16-cjs', 'node16-esm']);
  });
});

const NODE = { types: ['node'] };
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler' };
const PRESERVED = { module: 'preserve', moduleResolution: 'bundler' };
const NODE10 = { module: 'commonjs', moduleResolution: 'node10' };

/** Name, files, compiler options, kind of the host's package. */
const HOSTS = [
  ['CommonJS by node16', ['anywhere.ts', 'required.cts'], { module: 'node16' }],
  ['CommonJS by nodenext', ['anywhere.ts', 'required.cts'], { module: 'nodenext' }],
  ['CommonJS by node10', ['anywhere.ts', 'required.cts'], NODE10],
  ['an ES module by node16', ['anywhere.ts', 'required.cts'], { module: 'node16' }, 'module'],
  ['an ES module by nodenext', ['anywhere.ts', 'required.cts'], { module: 'nodenext' }, 'module'],
  ['what a bundler resolves', ['anywhere.ts'], BUNDLER],
  ['what a bundler resolves, require() too', ['anywhere.ts', 'required.cts'], PRESERVED],
  ['what a bundler resolves as ES modules', ['anywhere.ts'], BUNDLER, 'module'],
];
const JAVASCRIPT = { allowJs: true, checkJs: true };

describe('a host that uses the types compiles, and its mistakes do not', () => {
  let number = 0;

  function assertCompiles(files, options, { type, others } = {}) {
    const folder = packed.folder(`host-${++number}`);
    packed.installIn(folder, { type, others });
    for (const file of files) fs.copyFileSync(path.join(__dirname, file), path.join(folder, file));
    assert.strictEqual(compile(folder, files, { types: [], ...options }), '');
  }

  for (const [name, files, options, type] of HOSTS) {
    for (const esModuleInterop of [true, false]) {
      it(`as ${name}, esModuleInterop ${esModuleInterop}`, () => {
        assertCompiles(files, { esModuleInterop, ...options }, { type });
      });
    }
  }

  it('as JavaScript that is checked', () => {
    const files = ['javascript.cjs', 'javascript.mjs'];
    assertCompiles(files, { module: 'nodenext', ...JAVASCRIPT });
  });

  it('as JavaScript that is checked, by node10', () => {
    assertCompiles(['javascript.cjs'], { ...NODE10, ...JAVASCRIPT });
  });

  it('with mongoose, as CommonJS and as an ES module', () => {
    const others = ['mongoose', '@types/node'];
    assertCompiles(['commonjs.cts', 'module.mts'], { module: 'nodenext', ...NODE }, { others });
  });

  it('with mongoose, before a bundler and by node10', () => {
    const others = ['mongoose', '@types/node'];
    // What mongoose itself declares was checked by the test above.
    const options = { ...NODE, skipLibCheck: true };
    assertCompiles(['module.mts'], { ...BUNDLER, ...options }, { others });
    assertCompiles(['commonjs.cts'], { ...NODE10, ...options }, { others });
  });
});
