// Promises that a test, demo or child process never sees a developer's own database settings.
'use strict';

const KEPT = 'ANALYTICS_TEST_MONGODB_URI';
const DATABASE_URIS = ['MONGODB_URI', 'MONGO_URI'];

function pointsAtADatabase(name) {
  return DATABASE_URIS.includes(name) || (name.startsWith('ANALYTICS_') && name !== KEPT);
}

/** Deletes what could point the code under test at a live database. Call it first of all. */
function cleanEnvironment() {
  for (const name of Object.keys(process.env)) {
    if (pointsAtADatabase(name)) delete process.env[name];
  }
}

/** A copy of this environment for a child process: cleaned, without the test URI, plus `extra`. */
function childEnvironment(extra = {}) {
  const env = { ...process.env };
  for (const name of Object.keys(env)) {
    if (pointsAtADatabase(name) || name === KEPT) delete env[name];
  }
  // Set by `node --test` for its children: a host is not a test file.
  delete env.NODE_TEST_CONTEXT;
  return { ...env, ...extra };
}

module.exports = { cleanEnvironment, childEnvironment };
