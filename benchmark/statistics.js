// Percentiles, medians and spreads of measurements.
'use strict';

/** The value that `percent` of all do not exceed (nearest rank). */
function percentile(values, percent) {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.ceil((percent / 100) * sorted.length) - 1;
  return sorted[Math.max(0, rank)];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, smallest and largest of one number of all results; some sides do not have all numbers. */
function spread(results, name) {
  const all = (results ?? []).map((result) => (name ? result[name] : result));
  const values = all.filter(Number.isFinite);
  if (values.length === 0) return undefined;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

module.exports = { median, percentile, spread };
