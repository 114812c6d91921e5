// Where the mongoose-based class is, for tests that run it for real. It is not part of this
// repository, so they say that they are skipped where it is not.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { chosenImplementation } = require('../parity/implementation');

const USUAL = path.join(__dirname, '..', '..', '..', 'shared', 'reference', 'AnalyticsSystem.js');

/** Its file as GSO_ANALYTICS_REFERENCE names it, or the usual one; nothing if there is none. */
function referenceFile() {
  const named = process.env.GSO_ANALYTICS_REFERENCE;
  if (named && !fs.existsSync(named)) throw new Error(`GSO_ANALYTICS_REFERENCE: no file ${named}`);
  return named || (fs.existsSync(USUAL) ? USUAL : undefined);
}

/** `{ file, remove() }` of a copy that finds our packages; nothing if there is none. */
function takeReference() {
  const file = referenceFile();
  return file && chosenImplementation(file);
}

const SKIPPED = referenceFile() ? false : 'needs the mongoose-based class';

module.exports = { SKIPPED, takeReference };
