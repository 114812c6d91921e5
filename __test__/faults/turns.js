// A server reports its turns on stdout, so that they are known when it is killed, and the delays of the
// machine: a promise of milliseconds holds only where threads get to run and the disk takes what is written.
//
// `<events> <logins> <ms since 1970>` is written by the thread that plays, when a turn has ended. Two
// more threads, one waking the other as a record's way to the disk does, then append to a file beside the
// spool's and write `seen <turn> <ms>`, which they do every 10 ms, too.
'use strict';

const { openSync, writeSync } = require('node:fs');
const path = require('node:path');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

/** Records of a turn that ended this long before the process died must be stored. */
const PROMISED_MS = 10;
/** By how much longer one thread may have to wait for a processor than another. */
const LEEWAY = 3;
/** How often a turn is reported as seen while there is no other. */
const BEAT_MS = 10;
/** The time before a death in which delays of the machine count. */
const LOOKED_AT_MS = 1_000;

class Turns {
  #count = new Int32Array(new SharedArrayBuffer(8));
  #turns = 0;
  #systemMs;

  /** `folder` is the spool's, if there is one. */
  constructor(systemMs, folder) {
    this.#systemMs = systemMs;
    for (const hop of [0, 1]) {
      const witness = new Worker(__filename, { workerData: { count: this.#count, hop, folder } });
      witness.unref();
    }
  }

  /** To be called when a turn has ended, with how many events and logins there are by then. */
  end(events, logins) {
    writeSync(1, `${events} ${logins} ${this.#systemMs()}\n`);
    this.#turns += 1;
    Atomics.store(this.#count, 0, this.#turns);
    Atomics.notify(this.#count, 0);
  }
}

/** Wakes the next one, or writes. */
function bearWitness({ count, hop, folder }) {
  const file = folder && openSync(path.join(folder, 'witness'), 'a');
  for (let seen = 0; ; ) {
    Atomics.wait(count, hop, seen, BEAT_MS);
    seen = Atomics.load(count, hop);
    if (hop === 0) {
      Atomics.store(count, 1, seen);
      Atomics.notify(count, 1);
    } else if (seen > 0) {
      if (file) writeSync(file, `${seen}\n`);
      writeSync(1, `seen ${seen} ${Date.now()}\n`);
    }
  }
}

/** `{ turns, beats }`: each turn `{ events, logins, ms, seenMs }`, and when one was seen, in ms. */
function reportOf(stdout) {
  // The last line may be cut short.
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  const beats = [];
  const turns = lines
    .filter((line) => /^\d+ \d+ \d+$/.test(line))
    .map((line) => {
      const [events, logins, ms] = line.split(' ').map(Number);
      return { events, logins, ms };
    });
  for (const line of lines.filter((one) => /^seen \d+ \d+$/.test(one))) {
    const [turn, ms] = line.split(' ').slice(1).map(Number);
    beats.push(ms);
    // A thread that has seen a turn has seen those before it.
    for (let i = turn - 1; i >= 0 && turns[i] && turns[i].seenMs === undefined; i--) {
      turns[i].seenMs = ms;
    }
  }
  return { turns, beats };
}

/**
 * When it was alive for the last time, as far as it reported. The end of a process that dies by itself is seen
 * later than it comes, by as long as the system takes to clear it away.
 */
function lastSignOf({ turns, beats }) {
  return Math.max(turns.at(-1)?.ms ?? 0, beats.at(-1) ?? 0);
}

/** How long threads and the disk had others wait before this moment, in ms. */
function latenessOf({ turns, beats }, diedMs) {
  const isLooked = (ms) => ms > diedMs - LOOKED_AT_MS && ms <= diedMs;
  const looked = turns.filter(({ ms }) => isLooked(ms));
  const waits = looked.map(({ ms, seenMs = diedMs }) => Math.min(seenMs, diedMs) - ms);
  const seen = [...beats.filter(isLooked), diedMs];
  const gaps = seen.slice(1).map((ms, i) => ms - seen[i] - BEAT_MS);
  return Math.max(0, ...waits, ...gaps);
}

/** What must be stored of a server that died at this time: `{ events, logins, lateMs }`. */
function promisedOf(report, diedMs) {
  const lateMs = latenessOf(report, diedMs);
  const before = diedMs - PROMISED_MS - LEEWAY * lateMs;
  const { events, logins } = report.turns.findLast(({ ms }) => ms <= before) ?? {
    events: 0,
    logins: 0,
  };
  return { events, logins, lateMs };
}

if (!isMainThread && workerData?.count && workerData.hop !== undefined) bearWitness(workerData);

module.exports = { Turns, lastSignOf, promisedOf, reportOf };
