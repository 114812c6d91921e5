// lib/ compiles against the declarations that are generated from the native side, and mistakes at that
// border do not.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { compile } = require('./compile');

const ROOT = path.join(__dirname, '..', '..', '..');
const OPTIONS = {
  ...{ allowJs: true, checkJs: true, module: 'nodenext', types: ['node'] },
  // Declarations of dependencies are theirs; those of ours are compiled with the packed package.
  ...{ skipLibCheck: true, exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false },
};

/** A change of one file, and what the compiler then finds. */
const MISTAKES = [
  {
    what: 'a kind of message without a case',
    file: 'lib/messages.js',
    from: /case 'died':\s*pending\.settleAll\(message\);\s*return;/,
    to: '',
    found: /messages\.js.*'never'/,
  },
  {
    what: 'a case for a kind that no message has',
    file: 'lib/messages.js',
    from: "case 'connectionKnown'",
    to: "case 'connectionFound'",
    found: /messages\.js.*"connectionFound"/,
  },
  {
    what: 'a reason that the native side does not know',
    file: 'lib/encode/special.js',
    from: "new Rejection('bigint_out_of_range')",
    to: "new Rejection('bigint_too_large')",
    found: /special\.js.*'"bigint_too_large"'/,
  },
  {
    what: 'a method that the native side does not have',
    file: 'lib/client.js',
    from: 'pipeline.countWarning(',
    to: 'pipeline.countWarnings(',
    found: /client\.js.*'countWarnings'/,
  },
];

describe('lib/', () => {
  let folder;

  before(() => {
    folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'gso-types-')));
    for (const name of ['lib', 'index.d.ts', 'native.d.ts', 'package.json']) {
      fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    }
    fs.symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
  });
  after(() => folder && fs.rmSync(folder, { recursive: true }));

  const files = fs
    .readdirSync(path.join(ROOT, 'lib'), { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .map((name) => path.join('lib', name));

  it('compiles against native.d.ts', () => {
    assert.ok(files.length > 10, 'the files have moved');
    assert.strictEqual(compile(folder, files, OPTIONS), '');
  });

  for (const { what, file, from, to, found } of MISTAKES) {
    it(`does not compile with ${what}`, () => {
      const full = path.join(folder, file);
      const good = fs.readFileSync(full, 'utf8');
      const bad = good.replace(from, to);
      assert.notStrictEqual(bad, good, 'the source has changed its form');
      fs.writeFileSync(full, bad);
      try {
        assert.match(compile(folder, [file], OPTIONS), found);
      } finally {
        fs.writeFileSync(full, good);
      }
    });
  }
});
