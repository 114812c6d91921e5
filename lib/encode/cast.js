/**
 * Cast of a user id, a user name or an event name to the string that the database holds.
 *
 * The rules are those of a mongoose String path. Documents that were written before this package was
 * installed must be found under the same ids: an ObjectId and its hex form are one user.
 */
'use strict';

const objectToString = Object.prototype.toString;

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
  if (!method || method === objectToString || Array.isArray(value)) return INVALID;
  const text = value.toString();
  if (text === null || text === undefined) return text;
  // mongoose would store whatever came back; a field of ids that holds numbers helps nobody.
  return typeof text === 'string' ? text : INVALID;
}

module.exports = { castString, INVALID };
