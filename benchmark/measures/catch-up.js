// How long an awaited login takes while the events of an outage are being written.
'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const { percentile } = require('../statistics');
const { trackEvent } = require('../workload');

const PER_TURN = 1_000;

async function run(peer, { events, mongodPid }) {
  await peer.login('first', 'name');
  process.kill(mongodPid, 'SIGSTOP');
  for (let i = 0; i < events; i += 1) {
    trackEvent(peer, i, '');
    if (i % PER_TURN === 0) await nextTurn();
  }
  const { queued } = peer.health();
  process.kill(mongodPid, 'SIGCONT');
  const began = performance.now();
  let catchUpMs;
  const caughtUp = peer.stored().then(() => {
    catchUpMs = performance.now() - began;
  });
  const waits = [];
  for (let n = 0; catchUpMs === undefined; n += 1) {
    const before = performance.now();
    await peer.login(`user${n}`, 'name');
    waits.push(performance.now() - before);
  }
  await caughtUp;
  const [p50Ms, p99Ms] = [50, 99].map((percent) => percentile(waits, percent));
  return { queued, catchUpMs, logins: waits.length, p50Ms, p99Ms };
}

module.exports = { run };
