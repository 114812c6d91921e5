// Finds every single difference of two observations: where it is, what each side has there, and
// which area it belongs to.
'use strict';

const { COUNTERS } = require('./model');

const ORDER = '<field order>';
const BYTES = '<bytes>';
/** Canonical EJSON of one value. */
const WRAPPERS = [
  ...['$numberInt', '$numberDouble', '$numberLong', '$numberDecimal', '$oid', '$date', '$binary'],
  ...['$regularExpression', '$symbol', '$timestamp', '$minKey', '$maxKey', '$code', '$undefined'],
];

/** `[{ path: [key…], reference, addon, area }]`; the side that lacks a value has undefined. */
function compare(reference, addon, path = []) {
  if (isTree(reference) && isTree(addon)) return compareTrees(reference, addon, path);
  if (Array.isArray(reference) && Array.isArray(addon) && reference.length === addon.length) {
    return reference.flatMap((one, index) => compare(one, addon[index], [...path, index]));
  }
  if (JSON.stringify(reference) === JSON.stringify(addon)) return [];
  return [found(path, reference, addon)];
}

function compareTrees(reference, addon, path) {
  const keys = Object.keys(reference);
  const otherKeys = Object.keys(addon);
  const all = new Set([...keys, ...otherKeys]);
  all.delete(BYTES);
  const differences = [...all].flatMap((key) =>
    compare(own(reference, key), own(addon, key), [...path, key]),
  );
  const common = keys.filter((key) => Object.hasOwn(addon, key));
  const otherCommon = otherKeys.filter((key) => Object.hasOwn(reference, key));
  if (common.join('\0') !== otherCommon.join('\0')) {
    differences.push(found([...path, ORDER], keys, otherKeys));
  }
  // What this view of the document does not show, its bytes do.
  if (differences.length === 0 && reference[BYTES] !== addon[BYTES]) {
    differences.push(found([...path, BYTES], reference[BYTES], addon[BYTES]));
  }
  return differences;
}

function own(object, key) {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function isTree(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  return !isWrapper(value);
}

function isWrapper(value) {
  return WRAPPERS.includes(Object.keys(value ?? {})[0]);
}

function found(path, reference, addon) {
  return { path, reference, addon, area: areaOf(path, reference, addon) };
}

function areaOf(path, reference, addon) {
  if (path[0] === 'webhook') return 'webhook';
  if (path[0] === 'indexes') return 'index';
  if (path.at(-1) === ORDER) return 'order';
  if (isWrapper(reference) && isWrapper(addon)) {
    const [type, otherType] = [reference, addon].map((value) => Object.keys(value)[0]);
    if (type !== otherType && path[0] !== 'gsodailies') return 'type';
  }
  return COUNTERS.includes(path.at(-1)) ? 'counter' : 'value';
}

module.exports = { compare, BYTES, ORDER };
