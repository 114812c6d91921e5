// Memory of a burst: what the process has at most above what it had when idle.
'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const { trackEvent } = require('../workload');

const PER_TURN = 1_000;

async function run(peer, { events }) {
  trackEvent(peer, 0, '');
  await peer.stored();
  global.gc?.();
  const idle = process.memoryUsage.rss();
  let most = idle;
  const look = () => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const watching = setInterval(look, 20);
  for (let i = 0; i < events; i += 1) {
    trackEvent(peer, i, '');
    if (i % PER_TURN === 0) {
      look();
      await nextTurn();
    }
  }
  const queued = peer.health?.().queued;
  await peer.stored();
  clearInterval(watching);
  return { events, idleBytes: idle, aboveIdleBytes: most - idle, queued };
}

module.exports = { run };
