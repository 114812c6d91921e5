// `node scripts/package/release-notes.js v1.2.3`: prints what CHANGELOG.md says of the version that a tag names,
// and fails if it says nothing or the tag is not that of package.json.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../lib/steps');

/** What stands under `## <version>`, which a date may follow, up to the next such heading. */
function sectionOf(changelog, version) {
  const [, ...sections] = changelog.split(/^## /m);
  const [found] = sections.filter((section) => section.split(/\s/, 1)[0] === version);
  return found?.slice(found.indexOf('\n')).trim();
}

/** Throws unless everything says the same version. */
function notesOf(tag, { changelog, version }) {
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, package.json has ${version}`);
  const notes = sectionOf(changelog, version);
  if (!notes) throw new Error(`CHANGELOG.md has no section "## ${version}", or an empty one`);
  return notes;
}

function main(tag) {
  const changelog = fs.readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8');
  const { version } = require('../../package.json');
  try {
    console.log(notesOf(tag, { changelog, version }));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}

if (require.main === module) main(process.argv[2]);

module.exports = { notesOf };
