// Segment's own client.
'use strict';

const { Analytics } = require('@segment/analytics-node');

async function open({ receiver, flushAt }) {
  const client = new Analytics({ writeKey: 'key', host: receiver, flushAt, flushInterval: 500 });
  let failures = 0;
  client.on('error', () => {
    failures += 1;
  });
  return {
    track: (event, userId, properties) => client.track({ event, userId, properties }),
    stored: () => client.flush(),
    health: () => ({ dropped: failures > 0 ? { failures } : {} }),
    close: () => client.closeAndFlush(),
  };
}

module.exports = { open };
