// How long the event loop is held up while events come at a steady rate.
'use strict';

const { monitorEventLoopDelay } = require('node:perf_hooks');
const { trackEvent } = require('../workload');

const TICK_MS = 5;

async function run(peer, { rate, seconds }) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  await atRate(peer, { rate, seconds: 1 });
  delay.enable();
  await atRate(peer, { rate, seconds });
  delay.disable();
  await peer.stored();
  return { p50Ms: delay.percentile(50) / 1e6, p99Ms: delay.percentile(99) / 1e6 };
}

/** Tracks what is due every few milliseconds, what came late included. */
function atRate(peer, { rate, seconds }) {
  const began = performance.now();
  let tracked = 0;
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - began;
      const due = Math.min(elapsed / 1000, seconds) * rate;
      for (; tracked < due; tracked += 1) trackEvent(peer, tracked, '');
      if (elapsed < seconds * 1000) return;
      clearInterval(timer);
      resolve();
    }, TICK_MS);
  });
}

module.exports = { run, atRate };
