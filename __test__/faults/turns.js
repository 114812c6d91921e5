// What a server tells of its turns on stdout, so that it is known when it is killed, and how late the
// machine was meanwhile: a promise of milliseconds holds where threads get to run.
//
// `<events> <logins> <ms since 1970>` is written by the thread that plays, when a turn has ended. Two
// more threads, one waking the other as a record's way to the disk does, then write `seen <turn> <ms>`.
'use strict';

const { writeSync } = require('node:fs');
const { Worker, isMainThread, workerData } = require('node:worker_threads');

/** What belongs to a turn that ended so long before the death of its process is promised. */
const PROMISED_MS = 10;
/** Threads wait for a processor each on its own: one may have to wait so much longer than another. */
const LEEWAY = 3;
/** How far before a death the machine is looked at. */
const LOOKED_AT_MS = 1_000;

class Turns {
  #count = new Int32Array(new SharedArrayBuffer(8));
  #turns = 0;
  #systemMs;

  constructor(systemMs) {
    this.#systemMs = systemMs;
    for (const hop of [0, 1]) {
      const witness = new Worker(__filename, { workerData: { count: this.#count, hop } });
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
function bearWitness({ count, hop }) {
  for (let seen = 0; ; ) {
    Atomics.wait(count, hop, seen);
    seen = Atomics.load(count, hop);
    if (hop === 0) {
      Atomics.store(count, 1, seen);
      Atomics.notify(count, 1);
    } else {
      writeSync(1, `seen ${seen} ${Date.now()}\n`);
    }
  }
}

/** The reported turns, each `{ events, logins, ms, seenMs }`. */
function turnsOf(stdout) {
  // The last line may be cut short.
  const lines = stdout.slice(0, stdout.lastIndexOf('\n') + 1).split('\n');
  const turns = lines
    .filter((line) => /^\d+ \d+ \d+$/.test(line))
    .map((line) => {
      const [events, logins, ms] = line.split(' ').map(Number);
      return { events, logins, ms };
    });
  for (const line of lines.filter((one) => /^seen \d+ \d+$/.test(one))) {
    const [turn, ms] = line.split(' ').slice(1).map(Number);
    // Who sees a turn has seen those before.
    for (let i = turn - 1; i >= 0 && turns[i] && turns[i].seenMs === undefined; i--) {
      turns[i].seenMs = ms;
    }
  }
  return turns;
}

/** How long threads had to wait before this moment, in ms. */
function latenessOf(turns, diedMs) {
  const looked = turns.filter(({ ms }) => ms > diedMs - LOOKED_AT_MS && ms <= diedMs);
  return Math.max(0, ...looked.map(({ ms, seenMs = diedMs }) => Math.min(seenMs, diedMs) - ms));
}

/** What is promised of a server that died then: `{ events, logins, lateMs }`. */
function promisedOf(turns, diedMs) {
  const lateMs = latenessOf(turns, diedMs);
  const before = diedMs - PROMISED_MS - LEEWAY * lateMs;
  const { events, logins } = turns.findLast(({ ms }) => ms <= before) ?? { events: 0, logins: 0 };
  return { events, logins, lateMs };
}

if (!isMainThread && workerData?.count && workerData.hop !== undefined) bearWitness(workerData);

module.exports = { Turns, promisedOf, turnsOf };
