// Differences between two answers, smallest first.
'use strict';

const { isDeepStrictEqual } = require('node:util');
const { Near, WHEN_ANSWERED } = require('./tolerances');

/** Of numbers that are quotients or powers. */
const ROUNDING = 1e-12;

/** `[{ path, expected, found }]`; what is said of a part that is missing is said once. */
function differences(expected, found, path = '') {
  if (isSame(expected, found)) return [];
  if (!isParent(expected) || !isParent(found)) return [{ path, expected, found }];
  if (Array.isArray(expected) !== Array.isArray(found)) return [{ path, expected, found }];
  const names = new Set([...Object.keys(expected), ...Object.keys(found)]);
  return [...names].flatMap((name) =>
    differences(own(expected, name), own(found, name), path === '' ? name : `${path}.${name}`),
  );
}

function own(object, name) {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

function isParent(value) {
  const isLeaf = value instanceof Date || value instanceof Near;
  return typeof value === 'object' && value !== null && !isLeaf;
}

function isSame(expected, found) {
  if (expected === WHEN_ANSWERED) return found instanceof Date;
  if (expected instanceof Near) return expected.fits(found);
  if (typeof expected === 'number' && typeof found === 'number') {
    return (
      Math.abs(expected - found) <= ROUNDING * Math.abs(expected) || Object.is(expected, found)
    );
  }
  return !isParent(expected) && isDeepStrictEqual(expected, found);
}

/** The differences as text, the shortest first. */
function described(all) {
  const show = (value) => (value === undefined ? 'nothing' : JSON.stringify(value));
  const lines = all.map(
    ({ path, expected, found }) => `${path}: expected ${show(expected)}, found ${show(found)}`,
  );
  return lines.toSorted((one, other) => one.length - other.length);
}

module.exports = { described, differences };
