// `node scripts/gate/imports`: checks the imports of the Rust code and of JavaScript against rules.js.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../../lib/steps');
const { javascriptProblems, rustProblems } = require('./rules');

const FOLDERS = ['lib', 'scripts', '__test__', 'benchmark', 'examples'];

/** A `Map` of paths to texts of the files below a folder that end so. */
function filesBelow(folder, ending) {
  const entries = fs.readdirSync(path.join(ROOT, folder), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && ending.test(entry.name));
  return files.map((entry) => {
    const full = path.join(entry.parentPath, entry.name);
    return [path.relative(ROOT, full).replaceAll(path.sep, '/'), fs.readFileSync(full, 'utf8')];
  });
}

/** Lines that say what breaks the rules; none if nothing does. */
function importProblems() {
  const index = ['index.js', fs.readFileSync(path.join(ROOT, 'index.js'), 'utf8')];
  const scripts = FOLDERS.flatMap((folder) => filesBelow(folder, /\.[cm]?[jt]s$/));
  return [
    ...rustProblems(new Map(filesBelow('src', /\.rs$/))),
    ...javascriptProblems(new Map([index, ...scripts])),
  ];
}

const problems = importProblems();
for (const problem of problems) console.error(problem);
console.log(`${problems.length} problems with imports`);
process.exitCode = problems.length === 0 ? 0 : 1;
