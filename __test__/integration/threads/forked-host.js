// A game server that processes.test.js forks: `node forked-host.js <settings as JSON>`. It says when
// it runs, and what makes it stop is in the settings.
'use strict';

const AnalyticsSystem = require('../../..');

const { uri, stopsOn } = JSON.parse(process.argv[2]);

async function run() {
  const analytics = new AnalyticsSystem({ uri, logger: false, operationTimeoutMs: 60_000 });
  analytics.track('dungeon.complete', 'u');
  if (stopsOn) analytics.start();
  if (stopsOn !== 'message') process.on('message', () => {}); // holds the channel, and the process
  if (stopsOn) process.on(stopsOn, (message) => stop(analytics, message));
  await analytics.flush();
  process.send('running');
}

async function stop(analytics, message) {
  for (let i = 0; i < 9; i++) analytics.track('dungeon.complete', 'u');
  await analytics.stop();
  if (message === 'stop') process.disconnect();
}

run();
