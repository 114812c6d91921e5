'use strict';

const mongoose = require('mongoose');
const AnalyticsSystem = require('gso-analytics');
const { play } = require('./play.cjs');

async function main() {
  await mongoose.connect(process.env.MONGODB_URI);
  const analytics = new AnalyticsSystem();
  analytics.start();
  await play(analytics, 'a');
  await analytics.stop();
  await mongoose.disconnect();
}

main();
