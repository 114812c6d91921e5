// What a spool costs: the same measurements without it and with it, in turns. Its folders are where
// mongod has its files, so that both share a disk.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { EVENTS, only, throughput } = require('./rounds');

/** As many at once as wait for one append; what counts here are those that are alone. */
const LOGINS = 100;

/** `{ without, with }`, each with the results of all rounds: `{ throughput, logins }`. */
async function playSpool(bench, { rounds }) {
  const results = {
    without: { throughput: [], logins: [] },
    with: { throughput: [], logins: [] },
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [how, { throughput: events, logins }] of Object.entries(results)) {
      events.push(await inFolder(how, (side) => throughput(bench, side, EVENTS)));
      const task = { measure: 'logins', logins: LOGINS };
      logins.push(await inFolder(how, (side) => only(bench, { ...side, ...task })));
    }
  }
  return results;
}

/** Measures a side with a folder of its own, if it is to have one. */
async function inFolder(how, measure) {
  const side = { peer: 'addon', bytes: 0 };
  if (how === 'without') return measure(side);
  const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-bench-spool-'));
  try {
    return await measure({ ...side, options: { spoolDir } });
  } finally {
    fs.rmSync(spoolDir, { recursive: true, force: true });
  }
}

module.exports = { playSpool };
