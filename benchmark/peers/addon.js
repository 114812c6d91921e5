// This package, on a connection string: the driver's settings are the addon's own.
'use strict';

const AnalyticsSystem = require('../..');

/** Between two events of an instance that only keeps others company. */
const PAUSE_MS = 50;

async function open({ uri, database, options, others = 0 }) {
  const given = { uri, database, logger: false, ...options };
  const analytics = new AnalyticsSystem(given);
  analytics.start();
  await analytics.flush();
  const company = Array.from({ length: others }, (_, n) => accompany(given, n));
  return {
    track: (event, userId, data) => analytics.track(event, userId, data),
    login: (userId, name) => analytics.onLogin(userId, name),
    stored: () => analytics.flush(),
    metrics: () => analytics.getMetrics(),
    health: () => analytics.getHealth(),
    close: () => Promise.all([analytics.stop(), ...company.map((leave) => leave())]),
  };
}

/** One more writer of the same day, with totals to add at every flush. */
function accompany(given, n) {
  const analytics = new AnalyticsSystem(given);
  analytics.start();
  const track = () => analytics.track('dungeon.complete', `other${n}`, {});
  const timer = setInterval(track, PAUSE_MS);
  return () => {
    clearInterval(timer);
    return analytics.stop();
  };
}

module.exports = { open };
