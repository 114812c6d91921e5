/**
 * Options and environment as JSON, in the form that the native side validates.
 *
 * Options that only JavaScript uses are validated here and left out.
 */
'use strict';

const { isLogger } = require('./logger.js');

/** @typedef {import('../index.js').Options} Options */

/** Half of a surrogate pair, which the native side cannot read. */
const HALF_CHARACTER = /\p{Surrogate}/u;

/**
 * Values that JSON cannot hold become arrays. No option takes an array in their place, so that the error
 * names the option; left out, they would count as not given.
 *
 * @param {Options} options
 * @throws {TypeError} that begins with the name of the option
 */
function optionsJson(options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) {
    throw new TypeError('options: must be an object');
  }
  const { mongoose, logger, strict, ...rest } = options;
  checkMongoose(mongoose);
  checkLogger(logger);
  if (strict != null && typeof strict !== 'boolean') {
    throw new TypeError('strict: must be true or false');
  }
  const { counters, funnels, purchases } = rest;
  const maps = {
    counters: snapshotOf(counters),
    funnels: snapshotOf(funnels),
    purchases: snapshotOf(purchases),
  };
  try {
    return JSON.stringify({ ...rest, ...maps }, plainly);
  } catch {
    throw new TypeError('options: must hold plain values');
  }
}

/**
 * A map of a host as it is now. A map that cannot be read becomes an array, too, and so does one that is no
 * plain object, whose entries would be overlooked.
 *
 * @param {any} map
 */
function snapshotOf(map) {
  if (map === null || typeof map !== 'object') return map;
  try {
    const entries = JSON.parse(JSON.stringify(map, plainly));
    const isHalf = Object.keys(entries).some((name) => HALF_CHARACTER.test(name));
    return isPlainObject(map) && !isHalf ? entries : [];
  } catch {
    return [];
  }
}

/**
 * An argument of the host as JSON; what JSON cannot hold becomes an array.
 *
 * @param {unknown} value
 */
function plainJson(value) {
  return JSON.stringify(snapshotOf(value) ?? null, plainly);
}

/** @param {object} value of any realm */
function isPlainObject(value) {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** @type {(key: string, value: unknown) => unknown} */
function plainly(_key, value) {
  return isPlain(value) ? value : [];
}

/** @param {unknown} value */
function isPlain(value) {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'string') return !HALF_CHARACTER.test(value);
  return !['function', 'symbol', 'bigint'].includes(typeof value);
}

/** @param {any} mongoose */
function checkMongoose(mongoose) {
  if (mongoose == null) return;
  const connection = mongoose?.connection ?? mongoose;
  if (typeof connection?.readyState !== 'number') {
    throw new TypeError('mongoose: must be a mongoose instance or one of its connections');
  }
}

/** @param {unknown} logger */
function checkLogger(logger) {
  if (logger == null || logger === false) return;
  if (!isLogger(logger)) {
    throw new TypeError(
      'logger: must be false or have the functions info (or log), warn and error',
    );
  }
}

/**
 * The environment variables that have an effect. Those that name a database have none when the host has
 * passed its mongoose.
 *
 * @param {Options} options
 */
function environmentJson({ mongoose }) {
  const databases = ['ANALYTICS_MONGODB_URI', 'MONGODB_URI', 'MONGO_URI'];
  /** @type {(name: string) => boolean} */
  const isWanted = (name) =>
    databases.includes(name) ? mongoose == null : name.startsWith('ANALYTICS_');
  const entries = Object.entries(process.env).filter(([name]) => isWanted(name));
  return JSON.stringify(Object.fromEntries(entries));
}

module.exports = { optionsJson, environmentJson, plainJson, snapshotOf };
