// This package forwarding to one destination, beside storing everything in MongoDB.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const AnalyticsSystem = require('../..');

/** Looking more often would cost the event loop more than the events do. */
const LOOK_MS = 20;

async function open({ uri, database, destination }) {
  const analytics = new AnalyticsSystem({
    ...{ uri, database, logger: false, destinations: [destination] },
  });
  analytics.start();
  await analytics.flush();
  return {
    track: (event, userId, data) => analytics.track(event, userId, data),
    /** Stored and forwarded. */
    async stored() {
      await analytics.flush();
      while (analytics.getHealth().destinations[0].queued > 0) await delay(LOOK_MS);
    },
    health: () => losses(analytics.getHealth()),
    close: () => analytics.stop(),
  };
}

function losses({ rejected, dropped, destinations: [{ dropped: unsent, refused, expired }] }) {
  const lost = Object.entries({ ...unsent, refused, expired }).filter(([, count]) => count > 0);
  return { rejected, dropped: { ...dropped, ...Object.fromEntries(lost) } };
}

module.exports = { open };
