/**
 * Cast of a user id, a user name or an event name to the string that the database holds.
 *
 * The rules are those of a mongoose String path. Documents that were written before this package was
 * installed must be found under the same ids: an ObjectId and its hex form are one user.
 */
'use strict';

const { types } = require('node:util');

/** A longer one is refused or cut: the rest need not become text. */
const MAX_NAME_BYTES = 256;
const MAX_BIGINT = 10n ** BigInt(MAX_NAME_BYTES);

const objectToString = Object.prototype.toString;
const bigIntValueOf = BigInt.prototype.valueOf;
const { apply } = Reflect;
const { isArray } = Array;

/** Answer of `castString` for a value that cannot be made a string. */
const INVALID = Symbol('invalid');

/**
 * Runs user code: a getter or method named `_id` or `toString` of the value, or the traps of a
 * Proxy. It may throw, call back into this package or change what the caller holds; the caller
 * has to catch, and must not be in the middle of anything.
 *
 * @param {any} value
 * @returns {string | null | undefined | typeof INVALID}
 */
function castString(value) {
  if (typeof value === 'string' || value === null || value === undefined) return value;
  const id = value._id;
  if (typeof id === 'string') return id;
  // Reading `toString` off a null-prototype object gives undefined: nothing to call.
  const method = value.toString;
  if (!method || method === objectToString || isArray(value)) return INVALID;
  if (isHuge(types.isBigIntObject(value) ? apply(bigIntValueOf, value, []) : value)) return INVALID;
  const text = beginning(value).toString();
  if (text === null || text === undefined) return text;
  // mongoose would store whatever came back; a field of ids that holds numbers helps nobody.
  return typeof text === 'string' ? text : INVALID;
}

/**
 * Whether it takes longer than it is worth to make text of it.
 *
 * @param {unknown} value
 */
function isHuge(value) {
  return typeof value === 'bigint' && (value > MAX_BIGINT || value < -MAX_BIGINT);
}

/**
 * Of bytes, which may be many, what is enough to see that there are too many.
 *
 * @param {any} value
 */
function beginning(value) {
  const isLong = types.isTypedArray(value) && value.length > MAX_NAME_BYTES;
  return isLong ? value.subarray(0, MAX_NAME_BYTES + 1) : value;
}

module.exports = { INVALID, MAX_NAME_BYTES, castString };
