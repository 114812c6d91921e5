// A host for Node, Bun and Deno: `host.cjs <scene>`, with the database in HOST_URI. What it prints as
// JSON in its last line is what it has seen.
'use strict';

const { Worker, isMainThread, parentPort, workerData } = require('node:worker_threads');
const AnalyticsSystem = require('gso-analytics');

const uri = process.env.HOST_URI;
const EVENTS = 50;

const scene = isMainThread ? process.argv[2] : workerData;

function tracking(options) {
  const analytics = new AnalyticsSystem({ uri, ...options });
  for (let i = 0; i < EVENTS; i++) analytics.track('dungeon.complete', 'u', { i });
  return analytics;
}

const report = (seen) => console.log(JSON.stringify(seen));

/** The whole API, with the connection and the types of the host's mongoose. */
async function api() {
  const mongoose = require('mongoose');
  await mongoose.connect(uri);
  const analytics = new AnalyticsSystem();
  analytics.start();
  await analytics.onLogin('u', 'name');
  const id = new mongoose.Types.ObjectId();
  const types = {
    id,
    buffer: Buffer.from('ab'),
    big: 12n,
    at: new Date(5),
    map: new Map([['k', 1]]),
  };
  for (let i = 0; i < EVENTS; i++) analytics.track('dungeon.complete', 'u', { i, ...types });
  await analytics.onLogout('u');
  await analytics.flush();
  const { today, dau, mau } = await analytics.getMetrics();
  const [day] = await analytics.getLast30Days();
  const { accepted, written, rejected } = analytics.getHealth();
  await analytics.stop();
  await mongoose.disconnect();
  report({
    counted: [today.dungeonsRun, day.sessionCount, dau, mau],
    records: [accepted, written, Object.keys(rejected).length],
    isHostType: day._id instanceof mongoose.Types.ObjectId,
  });
}

/** Lives on between `start()` and `stop()`, which SIGTERM calls, and then ends. */
function server() {
  const analytics = tracking();
  analytics.start();
  process.once('SIGTERM', () => analytics.stop().finally(() => process.exit()));
  setTimeout(() => report('alive'), 500).unref();
}

function startThread() {
  return new Worker(__filename, { workerData: 'inside' });
}

function inside() {
  const analytics = tracking();
  // Held, but with a turn after the one that tracked.
  analytics.start();
  setTimeout(() => parentPort.postMessage('tracked'), 50);
}

const scenesOfThreads = {
  /** That ends by itself. */
  thread: () =>
    new Worker(__filename, { workerData: 'end' }).once('exit', (code) => report({ code })),
  terminated() {
    const thread = startThread();
    thread.once('message', () => thread.terminate().then(() => report('terminated')));
  },
  over: () => startThread().once('message', () => process.exit(0)),
};

/** Killed with all its records on disk, as MongoDB is away. */
function killed() {
  const analytics = tracking({ spoolDir: process.env.HOST_SPOOL, logger: false });
  let before;
  setInterval(() => {
    const { spool, queued } = analytics.getHealth();
    // A file begins with some bytes before its first record; all are there when it grows no more.
    const isWhole = queued === EVENTS && spool.bytes > EVENTS && spool.bytes === before;
    if (isWhole) process.kill(process.pid, 'SIGKILL');
    before = spool.bytes;
  }, 200);
}

async function recovering() {
  const analytics = new AnalyticsSystem({ uri, spoolDir: process.env.HOST_SPOOL });
  await analytics.flush();
  report({ recovered: analytics.getHealth().spool.recovered });
  await analytics.stop();
}

const scenes = {
  ...{ api, server, killed, recovering, inside },
  ...scenesOfThreads,
  end: () => tracking(),
  exit: () => tracking() && process.exit(0),
  exception() {
    tracking();
    throw new Error('meant');
  },
  rejection() {
    tracking();
    Promise.reject(new Error('meant'));
  },
};

scenes[scene]();
