// Mixpanel's own client. It has no queue: a host collects events and hands them over, at most 50 in a request.
'use strict';

const Mixpanel = require('mixpanel');

const BATCH = { max_batch_size: 50, max_concurrent_requests: 4 };

async function open({ receiver }) {
  const { protocol, host } = new URL(receiver);
  const client = Mixpanel.init('token', { protocol: protocol.slice(0, -1), host });
  let collected = [];
  let failures = 0;
  async function send() {
    const events = collected;
    collected = [];
    if (events.length === 0) return;
    const errors = await new Promise((resolve) => client.track_batch(events, BATCH, resolve));
    failures += errors?.length ?? 0;
  }
  return {
    track(event, userId, properties) {
      collected.push({ event, properties: { ...properties, distinct_id: userId } });
    },
    stored: send,
    health: () => ({ dropped: failures > 0 ? { failures } : {} }),
    close: send,
  };
}

module.exports = { open };
