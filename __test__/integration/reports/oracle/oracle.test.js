// Reports and answers of random databases are what plain JavaScript makes of the raw documents.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../../support/setup');
const { describeFailure, playAll } = require('./seeds');

const mongo = useMongod();
const SEEDS = 12;

describe('the oracle', () => {
  it(`agrees on ${SEEDS} random databases`, async () => {
    const failures = await playAll({
      mongo,
      seeds: Array.from({ length: SEEDS }, (_, i) => i + 1),
    });
    assert.deepStrictEqual(failures.map(describeFailure), []);
  });
});
