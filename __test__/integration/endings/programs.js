// Every way in which a process or a thread ends, as programs that track in one turn and then end so.
'use strict';

/**
 * Runs in a process of its own. `given.end` is the source of an ending: it is called in the turn that
 * has tracked, or, if it is to come `later`, when the test sends SIGUSR2.
 */
function playInProcess(given, report) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem(given.options);
  // biome-ignore lint/security/noGlobalEval: it is a function of the test
  const end = eval(given.end);
  const endNow = () => {
    report({ atMs: Date.now() });
    return end(analytics);
  };
  if (given.isStarted) analytics.start();
  for (let i = 0; i < given.count; i++) analytics.track('dungeon.complete', 'u', { i });
  if (!given.isLater) return endNow();
  process.once('SIGUSR2', endNow);
  if (given.isReadme) {
    process.once('SIGTERM', () => analytics.stop().finally(() => process.exit()));
  }
  // Until the signal comes.
  setInterval(() => {}, 1_000);
  setImmediate(() => report({ ready: true }));
}

/** The same of a thread: it tracks, and when its turn is over the main thread ends it or the process. */
async function playInThread(given, report) {
  const inside = require('./__test__/support/inside');
  const work = `(given, { parentPort }) => {
    const AnalyticsSystem = require('.');
    const analytics = new AnalyticsSystem(given.options);
    analytics.start();
    for (let i = 0; i < given.count; i++) analytics.track('dungeon.complete', 'u', { i });
    setImmediate(() => parentPort.postMessage('ready'));
  }`;
  const { worker, ready } = inside.startWorker(work, given);
  await ready;
  // biome-ignore lint/security/noGlobalEval: it is a function of the test
  const end = eval(given.end);
  process.once('SIGUSR2', async () => {
    report({ atMs: Date.now() });
    await end(worker);
  });
  setInterval(() => {}, 1_000).unref();
  report({ ready: true });
}

/**
 * By name: what happens, and what it gives us time for.
 *
 * - `exit`: Node says that the process ends, and what is pending is given 1.5 s
 * - `stop`: the host calls `stop()`
 * - `clean-up`: a thread ends without a word to JavaScript; what finished turns have handed over is
 *   given 1.5 s
 * - `nothing`: the process is gone
 */
const ENDINGS = {
  'process.exit(0)': { gives: 'exit', isStarted: true, end: () => process.exit(0) },
  'a natural end': { gives: 'exit', end: () => {} },
  'an uncaught exception': {
    ...{ gives: 'exit', isStarted: true, code: 1 },
    end: () => {
      throw new Error('thrown by the test');
    },
  },
  'a rejected promise': {
    ...{ gives: 'exit', isStarted: true, code: 1 },
    end: () => void Promise.reject(new Error('rejected by the test')),
  },
  'SIGTERM with the handler of the README': {
    ...{ gives: 'stop', isStarted: true, isLater: true, isReadme: true, signal: 'SIGTERM' },
    end: () => {},
  },
  'SIGTERM without a handler': {
    gives: 'nothing',
    isLater: true,
    signal: 'SIGTERM',
    end: () => {},
  },
  'SIGINT without a handler': { gives: 'nothing', isLater: true, signal: 'SIGINT', end: () => {} },
  'kill -9': { gives: 'nothing', isLater: true, signal: 'SIGKILL', end: () => {} },
  'process.abort()': {
    ...{ gives: 'nothing', isLater: true, diesOf: 'SIGABRT' },
    end: () => process.abort(),
  },
  'running out of memory': {
    ...{ gives: 'nothing', isLater: true, diesOf: 'SIGABRT' },
    nodeArgs: ['--max-old-space-size=30'],
    end: () => {
      const kept = [];
      for (;;) kept.push(new Array(1_000).fill({}));
    },
  },
  'worker.terminate()': {
    ...{ gives: 'clean-up', isThread: true, isLater: true },
    end: (worker) => worker.terminate(),
  },
  'process.exit(0) over a thread': {
    ...{ gives: 'clean-up', isThread: true, isLater: true },
    end: () => process.exit(0),
  },
  'an uncaught exception over a thread': {
    ...{ gives: 'clean-up', isThread: true, isLater: true, code: 1 },
    end: () => {
      throw new Error('thrown by the test');
    },
  },
};

module.exports = { ENDINGS, playInProcess, playInThread };
