// A second addon that ends its process at a step: built beside the first, with the same dependencies.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run } = require('../../scripts/lib/steps');

const TARGET = path.join(ROOT, 'target');
const ADDON = path.join(TARGET, 'fail-points', 'gso-analytics.node');
const LIBRARIES = { darwin: 'libgso_analytics.dylib', win32: 'gso_analytics.dll' };

/** The build of the addon is for a named target, so this must be, to find what it has built. */
function hostTriple() {
  const text = execFileSync('rustc', ['-vV'], { encoding: 'utf8' });
  return /^host: (.*)$/m.exec(text)[1];
}

/** Builds it and answers where it is. */
async function buildFailPoints() {
  const triple = hostTriple();
  const given = ['build', '--lib', '--locked', '--features', 'fail-points', '--target', triple];
  await run('cargo', given);
  const library = LIBRARIES[process.platform] ?? 'libgso_analytics.so';
  fs.mkdirSync(path.dirname(ADDON), { recursive: true });
  // What is loaded somewhere must not be written into.
  fs.copyFileSync(path.join(TARGET, triple, 'debug', library), `${ADDON}.next`);
  fs.renameSync(`${ADDON}.next`, ADDON);
  return ADDON;
}

module.exports = { buildFailPoints };
