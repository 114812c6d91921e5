// This package, on a connection string: the driver's settings are the addon's own.
'use strict';

const AnalyticsSystem = require('../..');

async function open({ uri, database, options }) {
  const analytics = new AnalyticsSystem({ uri, database, logger: false, ...options });
  analytics.start();
  await analytics.flush();
  return {
    track: (event, userId, data) => analytics.track(event, userId, data),
    login: (userId, name) => analytics.onLogin(userId, name),
    stored: () => analytics.flush(),
    metrics: () => analytics.getMetrics(),
    health: () => analytics.getHealth(),
    close: () => analytics.stop(),
  };
}

module.exports = { open };
