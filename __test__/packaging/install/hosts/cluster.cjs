// Four workers, each with a user of its own.
'use strict';

const cluster = require('node:cluster');
const { once } = require('node:events');
const mongoose = require('mongoose');
const AnalyticsSystem = require('gso-analytics');
const { play } = require('./play.cjs');

async function work() {
  await mongoose.connect(process.env.MONGODB_URI);
  const analytics = new AnalyticsSystem();
  analytics.start();
  await play(analytics, process.env.USER_ID);
  await analytics.stop();
  await mongoose.disconnect();
  process.disconnect();
}

async function main() {
  const workers = ['a', 'b', 'c', 'd'].map((USER_ID) => cluster.fork({ USER_ID }));
  const ends = await Promise.all(workers.map((worker) => once(worker, 'exit')));
  process.exitCode = Math.max(...ends.map(([code]) => code ?? 1));
}

if (cluster.isPrimary) main();
else work();
