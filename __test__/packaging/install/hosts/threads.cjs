// The main thread and two workers, each with an instance and a user of its own.
'use strict';

const { once } = require('node:events');
const { Worker, isMainThread, workerData } = require('node:worker_threads');
const AnalyticsSystem = require('gso-analytics');
const { play } = require('./play.cjs');

async function playAs(user) {
  const analytics = new AnalyticsSystem({ uri: process.env.MONGODB_URI });
  analytics.start();
  await play(analytics, user);
  await analytics.stop();
}

async function main() {
  const workers = ['b', 'c'].map((user) => new Worker(__filename, { workerData: user }));
  await Promise.all([playAs('a'), ...workers.map((worker) => once(worker, 'exit'))]);
}

if (isMainThread) main();
else playAs(workerData);
