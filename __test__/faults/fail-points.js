// A second addon with failpoints, built beside the first one from the same dependencies.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { outputFolder } = require('../../scripts/lib/rust');
const { ROOT, run } = require('../../scripts/lib/steps');

const ADDON = path.join(ROOT, 'target', 'fail-points', 'gso-analytics.node');
const LIBRARIES = { darwin: 'libgso_analytics.dylib', win32: 'gso_analytics.dll' };

/** Builds it and answers where it is. */
async function buildFailPoints() {
  await run('cargo', ['build', '--lib', '--locked', '--features', 'fail-points,tokio/test-util']);
  const library = LIBRARIES[process.platform] ?? 'libgso_analytics.so';
  fs.mkdirSync(path.dirname(ADDON), { recursive: true });
  // A process may have loaded the file: it is replaced, not overwritten.
  fs.copyFileSync(path.join(outputFolder('debug'), library), `${ADDON}.next`);
  fs.renameSync(`${ADDON}.next`, ADDON);
  return ADDON;
}

module.exports = { buildFailPoints };
