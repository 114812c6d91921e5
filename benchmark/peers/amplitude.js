// Amplitude's own client.
'use strict';

const { createInstance } = require('@amplitude/analytics-node');

async function open({ receiver, flushAt }) {
  const client = createInstance();
  await client.init('key', {
    ...{ serverUrl: `${receiver}/2/httpapi`, minIdLength: 1, logLevel: 0 },
    ...{ flushQueueSize: flushAt, flushIntervalMillis: 500 },
  }).promise;
  let failures = 0;
  const count = ({ code }) => {
    if (code !== 200) failures += 1;
  };
  return {
    track(event, userId, properties) {
      client.track(event, properties, { user_id: userId }).promise.then(count);
    },
    stored: () => client.flush().promise,
    health: () => ({ dropped: failures > 0 ? { failures } : {} }),
    close: () => client.flush().promise,
  };
}

module.exports = { open };
