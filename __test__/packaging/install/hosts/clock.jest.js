// A test of a game server that fakes the clock.
'use strict';

const mongoose = require('mongoose');
const AnalyticsSystem = require('gso-analytics');
const { play } = require('./play.cjs');

const MINUTE = 60_000;
const realSetTimeout = setTimeout;

beforeAll(() =>
  // Its driver would load `os` by import(), which Jest refuses.
  mongoose.connect(process.env.MONGODB_URI, { runtimeAdapters: { os: require('node:os') } }),
);
afterAll(() => mongoose.disconnect());

test('totals are written when the faked clock says so', async () => {
  jest.useFakeTimers();
  const analytics = new AnalyticsSystem({ flushIntervalMs: MINUTE, logger: false });
  analytics.start();
  await play(analytics, 'a');
  jest.advanceTimersByTime(MINUTE);
  jest.useRealTimers();
  const written = () => mongoose.model('GSODaily').findOne({ creditsEarned: 100 });
  // In far less than a minute.
  for (let tries = 0; tries < 500 && !(await written()); tries++) {
    await new Promise((resolve) => realSetTimeout(resolve, 20));
  }
  expect(await written()).not.toBeNull();
  await analytics.stop();
});
