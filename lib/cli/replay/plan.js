/**
 * Plan of a replay: which events go to which destination, out of the arguments.
 */
'use strict';

const { UsageError } = require('../arguments.js');

const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d))?$/;
const MOST_PER_SECOND = 1_000_000;

/**
 * @typedef {object} Plan
 * @property {string} destination its name
 * @property {number} fromMs the first moment, ms since 1970
 * @property {number} toMs the first moment after it
 * @property {string[]} names of events; none for all
 * @property {number} perSecond most events that are handed over in a second
 */

/**
 * @param {Record<string, any>} values of the options
 * @returns {Plan}
 * @throws {UsageError}
 */
function planOf({ destination, from, to, event = [], rate }) {
  if (destination === undefined) {
    throw new UsageError('where to? Give the name of a destination, as --destination webhook');
  }
  const [fromMs, toMs] = [momentOf('from', from), momentOf('to', to)];
  if (fromMs >= toMs) throw new UsageError('--from must be before --to, which is not sent itself');
  return { destination, fromMs, toMs, names: event, perSecond: rateOf(rate) };
}

/** @type {(option: string, text: string | undefined) => number} */
function momentOf(option, text = '') {
  const ms = MOMENT.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : NaN;
  if (!Number.isNaN(ms)) return ms;
  throw new UsageError(
    `--${option} must be a UTC day, as 2026-11-23, or a moment with its zone, as 2026-11-23T02:35:00Z`,
  );
}

/** @param {string} day */
function isDay(day) {
  const start = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(start.getTime()) && start.toISOString().startsWith(day);
}

/** @param {string | undefined} text */
function rateOf(text) {
  if (text === undefined) return Infinity;
  const rate = Number(text);
  if (Number.isInteger(rate) && rate >= 1 && rate <= MOST_PER_SECOND) return rate;
  throw new UsageError(
    `--rate must be a whole number of events per second, 1 to ${MOST_PER_SECOND}`,
  );
}

module.exports = { planOf };
