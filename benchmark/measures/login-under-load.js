// How long an awaited login takes while events come at a steady rate.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { percentile } = require('../statistics');
const { atRate } = require('./delay');

const PAUSE_MS = 20;

async function run(peer, { rate, seconds }) {
  await peer.login('first', 'name');
  let isOver = false;
  const background = atRate(peer, { rate, seconds }).then(() => {
    isOver = true;
  });
  const waits = [];
  for (let n = 0; !isOver; n += 1) {
    const before = performance.now();
    await peer.login(`user${n}`, 'name');
    waits.push(performance.now() - before);
    await delay(PAUSE_MS);
  }
  await background;
  await peer.stored();
  return { logins: waits.length, p50Ms: percentile(waits, 50), p99Ms: percentile(waits, 99) };
}

module.exports = { run };
