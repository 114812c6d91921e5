// For programs that tests run in a process of their own: what this process holds, and workers whose
// code is a function of the test.
'use strict';

const fs = require('node:fs');
const { Worker } = require('node:worker_threads');

/** Why a test is skipped that counts threads and descriptors; `false` where it is not. */
const UNCOUNTED =
  process.platform !== 'linux' &&
  'threads and descriptors are counted in /proc, which only Linux has';
/** Native threads of this process. */
const threads = () => fs.readdirSync('/proc/self/task').length;
const descriptors = () => fs.readdirSync('/proc/self/fd').length;
const megabytes = () => Math.round(process.memoryUsage.rss() / 2 ** 20);

/**
 * Starts a thread that runs `program(given, worker_threads)`, which sees `require` from the top of the
 * project. `{ worker, ready, ended }`: its first message (or its end), and `{ code, error }`.
 */
function startWorker(program, given, options = {}) {
  const source = `(${program})(${JSON.stringify(given)}, require('node:worker_threads'))`;
  const worker = new Worker(source, { eval: true, ...options });
  let error;
  worker.on('error', (thrown) => {
    error = thrown.message;
  });
  const ended = new Promise((resolve) => worker.on('exit', (code) => resolve({ code, error })));
  const ready = Promise.race([new Promise((resolve) => worker.once('message', resolve)), ended]);
  return { worker, ready, ended };
}

module.exports = { UNCOUNTED, descriptors, megabytes, startWorker, threads };
