// One more game server that writes the same day at a modest rate, until its standard input ends.
'use strict';

const { once } = require('node:events');
const { trackEvent } = require('../workload');

const PAUSE_MS = 50;
/** A login a second. */
const LOGIN_EVERY = 20;

async function run(peer) {
  let tracked = 0;
  const play = () => {
    trackEvent(peer, tracked, '');
    if (tracked % LOGIN_EVERY === 0) peer.login(`user${tracked}`, 'name');
    tracked += 1;
  };
  play();
  const timer = setInterval(play, PAUSE_MS);
  await once(process.stdin.resume(), 'end');
  clearInterval(timer);
  await peer.stored();
  return { tracked };
}

module.exports = { run };
