// What a release says of itself is what the changelog says of its version.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { notesOf } = require('../../../scripts/package/release-notes');

const CHANGELOG = `# Changelog

## Unreleased

- Not yet.

## 1.10.0 - 2031-05-17

- A tenth.

### Fixed

- Something.

## 1.1.0

- A first.

## 1.0.0

`;

const notes = (version, tag = `v${version}`) => notesOf(tag, { changelog: CHANGELOG, version });

describe('the notes of a release', () => {
  it('are the section of its version, with its headings and without its own', () => {
    assert.strictEqual(notes('1.10.0'), '- A tenth.\n\n### Fixed\n\n- Something.');
    assert.strictEqual(notes('1.1.0'), '- A first.');
  });

  it('must be there', () => {
    for (const version of ['1.0.0', '1.10.1', '1.1', '1.10.0-rc.1']) {
      assert.throws(() => notes(version), /no section/, version);
    }
  });

  it('are refused for a tag that is not the version of the package', () => {
    for (const tag of ['v1.1.1', '1.1.0', '']) {
      assert.throws(() => notes('1.1.0', tag), /package\.json has 1\.1\.0/, tag);
    }
  });
});
