/**
 * What a host may say of an event beside its data: when it happened, and the key under which it may be
 * delivered again.
 */
'use strict';

const { types } = require('node:util');
const { byteLength } = require('./bytes.js');
const { MAX_NAME_BYTES } = require('./cast.js');
const { Rejection } = require('./rejection.js');

/** Stored events expire after that time. */
const KEPT_MS = 7 * 24 * 60 * 60 * 1000;
/** Clocks of services differ that much. */
const AHEAD_MS = 5 * 60 * 1000;

// Taken now, as in `frame.js`.
const { getTime } = Date.prototype;
const { apply } = Reflect;

/**
 * The moment that a host has named, or the one of the call.
 *
 * @param {unknown} timestamp
 * @param {number} now
 * @returns {number} in whole ms since 1970
 * @throws {Rejection} for what is no moment, and for one in which no event is taken
 */
function momentOf(timestamp, now) {
  if (timestamp === undefined || timestamp === null) return now;
  const time = Math.trunc(
    types.isDate(timestamp) ? apply(getTime, timestamp, []) : textless(timestamp),
  );
  if (time >= now - KEPT_MS && time <= now + AHEAD_MS) return time;
  throw new Rejection('invalid_timestamp');
}

/** @param {unknown} value */
function textless(value) {
  return typeof value === 'number' ? value : NaN;
}

/**
 * The key by which a delivery of the same event is recognised, if the host has passed one.
 *
 * @param {unknown} key
 * @returns {string | undefined}
 * @throws {Rejection} for what is no string of 1 to 256 bytes
 */
function dedupeKeyOf(key) {
  if (key === undefined || key === null) return undefined;
  const isShort = typeof key === 'string' && key !== '' && key.length <= MAX_NAME_BYTES;
  if (isShort && byteLength(key) <= MAX_NAME_BYTES) return key;
  throw new Rejection('invalid_dedupe_key');
}

module.exports = { dedupeKeyOf, momentOf };
