#!/usr/bin/env node
/**
 * The command `gso-analytics`.
 */
'use strict';

const { run } = require('./run.js');

// Lists of processes then show this instead of the arguments, among which there may be a password.
process.title = 'gso-analytics';

process.stdout.on('error', (error) => {
  // A reader as `head` has seen enough.
  process.exit(/** @type {any} */ (error).code === 'EPIPE' ? 0 : 1);
});

run(process.argv.slice(2), process).then((code) => {
  process.exitCode = code;
});
