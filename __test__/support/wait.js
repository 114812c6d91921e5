// Waiting without sleeping: a condition is polled until it holds or its deadline has passed.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');

// Taken at load time, so a host that fakes the clock later does not stop the deadline.
const monotonicNow = performance.now.bind(performance);

/**
 * Resolves with the first truthy value of `condition()` (it may be async).
 * An error thrown by the condition counts as "not yet" and is shown when the time is over.
 */
async function waitFor(
  condition,
  { timeoutMs = 30_000, what = 'the condition', everyMs = 20 } = {},
) {
  const deadline = monotonicNow() + timeoutMs;
  let lastError;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (monotonicNow() >= deadline) throw timedOut(what, timeoutMs, lastError);
    await delay(everyMs);
  }
}

/** Resolves or rejects like `promise`, or rejects when `timeoutMs` have passed. */
async function within(promise, { timeoutMs = 30_000, what = 'the promise' } = {}) {
  const over = new AbortController();
  const deadline = delay(timeoutMs, undefined, { signal: over.signal }).then(
    () => {
      throw timedOut(what, timeoutMs);
    },
    () => {},
  );
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    over.abort();
  }
}

/** Whether `attempt()` resolves to `true` once in `times`. */
async function succeeds(attempt, times) {
  for (let left = times; left > 0; left--) {
    if (await attempt()) return true;
  }
  return false;
}

function timedOut(what, timeoutMs, cause) {
  const reason = cause ? `; last error: ${cause.message}` : '';
  return new Error(`waited ${timeoutMs} ms in vain for ${what}${reason}`, { cause });
}

module.exports = { succeeds, waitFor, within };
