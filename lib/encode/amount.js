/**
 * Amount that an event adds to its counter.
 *
 * Every numeric type that a mongoose document holds counts, within the range in which totals are exact.
 */
'use strict';

const { types } = require('node:util');

/** Longer text is no amount of at most 2^53. */
const MAX_TEXT = 256;
const MAX_AMOUNT = 2 ** 53;
const MAX_BIGINT = 2n ** 53n;

// Taken now, as in `frame.js`.
const { valueOf: numberValueOf } = Number.prototype;
const { apply } = Reflect;

/**
 * NaN for what is not an amount. Runs user code where an object is none of JavaScript's own.
 * @param {unknown} value
 */
function amountOf(value) {
  if (!value && !Number.isNaN(value)) return 0;
  const number = numberOf(value);
  return Math.abs(number) <= MAX_AMOUNT ? number : NaN;
}

/** @param {any} value */
function numberOf(value) {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return ofText(value);
  if (typeof value === 'bigint') return ofBigInt(value);
  if (types.isNumberObject(value)) return apply(numberValueOf, value, []);
  try {
    return ofBson(value);
  } catch {
    return NaN;
  }
}

/** @param {any} value */
function ofBson(value) {
  switch (value._bsontype) {
    case 'Double':
    case 'Int32':
      return typeof value.value === 'number' ? value.value : NaN;
    case 'Long':
      return ofBigInt((BigInt(value.high) << 32n) | BigInt(value.low >>> 0));
    case 'Decimal128':
      return ofText(value.toString());
    default:
      return NaN;
  }
}

/** @param {string} text */
function ofText(text) {
  return text.length <= MAX_TEXT && text.trim() !== '' ? Number(text) : NaN;
}

/** @param {bigint} value */
function ofBigInt(value) {
  // As a number, a greater one could become 2^53.
  return value <= MAX_BIGINT && value >= -MAX_BIGINT ? Number(value) : NaN;
}

module.exports = { amountOf };
