// Random numbers from a seed, so that a printed seed repeats a run.
'use strict';

/** mulberry32: small, and good enough to choose test data. Numbers from 0 up to, not including, 1. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

module.exports = { generator };
