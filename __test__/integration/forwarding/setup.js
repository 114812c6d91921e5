// What the tests of forwarding share: an instance whose database is away or not of interest, beside a
// receiver, with pauses that suit a test.
'use strict';

const { after } = require('node:test');
const { RECEIVERS, faults } = require('../../support/receivers');
const { waitFor } = require('../../support/wait');
const { NOBODY, create, useMongod } = require('../../support/setup');

const receivers = [];

after(() => Promise.all(receivers.map((receiver) => receiver.close())));

const QUICK = { minRetryDelayMs: 10, maxRetryDelayMs: 40, requestTimeoutMs: 2_000 };

/** Is closed at the end of the file. */
async function startReceiver(format) {
  const receiver = await RECEIVERS[format].start();
  receivers.push(receiver);
  return receiver;
}

/** `{ receiver, analytics, lines, health() }`; MongoDB is away. `fields` are the destination's. */
async function forwardTo(format, fields = {}, options = {}) {
  const receiver = await startReceiver(format);
  const { analytics, lines } = create({
    ...{ uri: NOBODY, shutdownTimeoutMs: 5_000 },
    destinations: [{ ...RECEIVERS[format].at(receiver), ...QUICK, ...fields }],
    ...options,
  });
  const health = () => analytics.getHealth().destinations[0];
  return { receiver, analytics, lines, health };
}

/**
 * Sends what waits at once; resolves when `count` events are through at each destination, or everything
 * that was accepted. MongoDB, which is away, keeps `stop()` itself waiting.
 */
async function delivered(analytics, count = analytics.getHealth().accepted) {
  analytics.stop();
  const isThrough = (to) => to.queued === 0 && through(to) >= count;
  await waitFor(() => analytics.getHealth().destinations.every(isThrough), {
    ...{ what: 'the events to be forwarded', everyMs: 5 },
  });
}

function through({ sent, refused, expired, dropped }) {
  const lost = Object.values(dropped).reduce((sum, one) => sum + one, 0);
  return sent + refused + expired + lost;
}

/** Numbers of the events that arrived, in the order of their first arrival. */
function numbersOf(receiver) {
  return [...new Set(receiver.taken.map(({ data }) => data.n))];
}

function range(count) {
  return Array.from({ length: count }, (_, n) => n);
}

function trackNumbers(analytics, count, event = 'quest.done') {
  for (const n of range(count)) analytics.track(event, `u${n % 7}`, { n });
}

module.exports = {
  ...{ NOBODY, QUICK, RECEIVERS, create, delivered, faults, forwardTo, numbersOf, range },
  ...{ startReceiver, through, trackNumbers, useMongod, waitFor },
};
