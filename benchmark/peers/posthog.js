// PostHog's own client. Its queue holds 1 000 events and drops the oldest unless it is told otherwise.
'use strict';

const { PostHog } = require('posthog-node');

async function open({ receiver, flushAt }) {
  const client = new PostHog('key', {
    ...{ host: receiver, flushAt, maxBatchSize: flushAt, flushInterval: 500 },
    maxQueueSize: 10_000_000,
  });
  let failures = 0;
  client.on('error', () => {
    failures += 1;
  });
  return {
    track: (event, distinctId, properties) => client.capture({ event, distinctId, properties }),
    stored: () => client.flush(),
    health: () => ({ dropped: failures > 0 ? { failures } : {} }),
    close: () => client.shutdown(),
  };
}

module.exports = { open };
