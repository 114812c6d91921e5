// What a spool costs: the same measurements without it and with it, in turns. Its folders are where
// mongod has its files, so that both share a disk.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { EVENTS, only, throughput } = require('./rounds');
const { median } = require('./statistics');

/** As many at once as wait for one append; what counts here are those that are alone. */
const LOGINS = 100;
const SYNCS = 100;
const BLOCK = Buffer.alloc(4096, 1);

/**
 * `{ without, with, syncP50Ms }`: the first two with the results of all rounds, `{ throughput, logins }`, the
 * last with what a sync of the disk takes in each.
 */
async function playSpool(bench, { rounds }) {
  const results = {
    without: { throughput: [], logins: [] },
    with: { throughput: [], logins: [] },
  };
  const syncP50Ms = [];
  for (let round = 0; round < rounds; round += 1) {
    syncP50Ms.push(await inTemporaryFolder(syncs));
    for (const [how, { throughput: events, logins }] of Object.entries(results)) {
      events.push(await inFolder(how, (side) => throughput(bench, side, EVENTS)));
      const task = { measure: 'logins', logins: LOGINS };
      logins.push(await inFolder(how, (side) => only(bench, { ...side, ...task })));
    }
  }
  return { ...results, syncP50Ms };
}

/** Measures a side with a folder of its own, if it is to have one. */
async function inFolder(how, measure) {
  const side = { peer: 'addon', bytes: 0 };
  if (how === 'without') return measure(side);
  return inTemporaryFolder((spoolDir) => measure({ ...side, options: { spoolDir } }));
}

async function inTemporaryFolder(work) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-bench-spool-'));
  try {
    return await work(folder);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** Median of milliseconds: a file grows by a block, which is synced as a segment of the spool is. */
function syncs(folder) {
  const file = fs.openSync(path.join(folder, 'file'), 'w');
  const times = [];
  try {
    for (let i = 0; i < SYNCS; i += 1) {
      const began = performance.now();
      fs.writeSync(file, BLOCK);
      fs.fdatasyncSync(file);
      times.push(performance.now() - began);
    }
  } finally {
    fs.closeSync(file);
  }
  return median(times);
}

module.exports = { playSpool };
