// The commit that is checked out, as a number: what a run leaves to chance follows from it, so that a run of
// one commit gives the same elsewhere, and another commit tries something else.
'use strict';

const { spawnSync } = require('node:child_process');
const { ROOT } = require('./steps');

/** A whole number below 2^32; 0 outside of a checkout. */
function commitNumber() {
  const { stdout } = spawnSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' });
  return Number.parseInt(stdout?.slice(0, 8) ?? '', 16) || 0;
}

module.exports = { commitNumber };
