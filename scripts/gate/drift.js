// Whether what is generated is committed as the build and the generators have written it.
'use strict';

const { execFileSync } = require('node:child_process');
const { ROOT, run, runPackage } = require('../lib/steps');

const GENERATED = ['native.d.ts', 'npm'];

function isCheckout() {
  try {
    execFileSync('git', ['rev-parse', '--git-dir'], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** To be called after a build, which has written the first. */
async function checkDrift() {
  await runPackage('napi', ['create-npm-dirs']);
  await run(process.execPath, ['scripts/package/licenses.js']);
  if (!isCheckout()) {
    console.log('not a git checkout: whether generated files are current is not checked');
    return;
  }
  const args = ['status', '--porcelain', '--', ...GENERATED];
  const lines = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n');
  // The second letter is of what is not staged either.
  const changed = lines.filter((line) => line !== '' && line[1] !== ' ');
  if (changed.length > 0) throw new Error(`not as committed, add them:\n${changed.join('\n')}`);
}

module.exports = { checkDrift };
