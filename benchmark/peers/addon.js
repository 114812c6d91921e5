// This package, on a connection string: the driver's settings are the addon's own.
'use strict';

const { ROOT } = require('../../scripts/lib/steps');

/** `folder` holds another build of the package. */
async function open({ uri, database, options, folder = ROOT }) {
  const AnalyticsSystem = require(folder);
  const analytics = new AnalyticsSystem({ uri, database, logger: false, ...options });
  analytics.start();
  await analytics.flush();
  return {
    track: (event, userId, data) => analytics.track(event, userId, data),
    login: (userId, name) => analytics.onLogin(userId, name),
    stored: () => analytics.flush(),
    ask: (method, ...given) => analytics[method](...given),
    metrics: () => analytics.getMetrics(),
    health: () => analytics.getHealth(),
    close: () => analytics.stop(),
  };
}

module.exports = { open };
