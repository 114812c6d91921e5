// How long `getMetrics()` takes when an event was tracked and a login awaited before each call, and how
// long the wait for those two writes takes by itself.
'use strict';

const { median } = require('../statistics');
const { trackEvent } = require('../workload');

async function run(peer, { calls }) {
  const began = performance.now();
  try {
    await peer.metrics();
  } catch (error) {
    return { error: error.message };
  }
  const firstMs = performance.now() - began;
  const [waits, answers] = [[], []];
  for (let i = 0; i < calls; i += 1) {
    waits.push(await timed(peer, 2 * i, () => peer.stored()));
    answers.push(await timed(peer, 2 * i + 1, () => peer.metrics()));
  }
  return { firstMs, waitP50Ms: median(waits), p50Ms: median(answers) };
}

async function timed(peer, i, call) {
  trackEvent(peer, i, '');
  await peer.login(`user${i}`, 'name');
  const began = performance.now();
  await call();
  return performance.now() - began;
}

module.exports = { run };
