// `npm test` on a fresh clone: installs, builds, then everything that has to hold before a change
// is taken: format, lints, drift of generated and lock files, Rust tests, tests of the built addon.
'use strict';

const { execFileSync } = require('node:child_process');
const { ROOT, build, install, main, run, runPackage, step } = require('../lib/steps');

const GENERATED = ['native.js', 'native.d.ts', 'npm'];

function isCheckout() {
  try {
    execFileSync('git', ['rev-parse', '--git-dir'], { cwd: ROOT, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What is committed must be what these and the build have written. */
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

main(async () => {
  await install();
  await step('lint JavaScript', () => runPackage('biome', ['ci', '--error-on-warnings', '.']));
  await step('lint workflows', () => run(process.execPath, ['scripts/gate/workflows.js']));
  await step('check Rust format', () => run('cargo', ['fmt', '--check']));
  await build();
  await step('check generated files', checkDrift);
  // With what the model test has seen.
  await step('run Rust tests', () => run('cargo', ['test', '--locked', '--', '--show-output']));
  await step('lint Rust', () =>
    run('cargo', ['clippy', '--locked', '--all-targets', '--', '-D', 'warnings']),
  );
  await step('test the built addon', () => run(process.execPath, ['__test__/run.js']));
  await step('test a part on other versions of Node', () =>
    run(process.execPath, ['scripts/gate/runtimes.js', '--short']),
  );
  await step('break what it rests on', () =>
    run(process.execPath, ['__test__/faults/main.js', '--short']),
  );
});
