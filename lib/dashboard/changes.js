/**
 * What changed most: figures of the last whole day, beside their mean over the same weekday of the last four
 * weeks.
 */
'use strict';

const { change, meanOf } = require('./normal.js');

const FEWEST_DAYS = 2;
/** Smaller numbers change by chance. */
const LEAST_COUNT = 10;
const MOST = 6;

/**
 * A figure by day: `unit` is how the page shows it. Shares are compared when the `sizes` they are of are large enough.
 *
 * @typedef {{ section: string, name: string | string[], unit: string, values: Map<string, number | null>,
 *   sizes?: Map<string, number | null>, currency?: string }} Figure
 */

/**
 * @param {Figure[]} figures
 * @param {string} day the day that is compared
 */
function changesOf(figures, day) {
  const rows = figures.flatMap((figure) => {
    const value = figure.values.get(day) ?? null;
    const before = sameWeekdays(day).flatMap((other) => figure.values.get(other) ?? []);
    if (value === null || before.length < FEWEST_DAYS || isSmall(figure, day)) return [];
    const mean = meanOf(before);
    const { section, name, unit, currency } = figure;
    return {
      section,
      name,
      unit,
      currency,
      value,
      mean,
      days: before.length,
      change: change(value, mean),
    };
  });
  const changed = rows.filter((row) => row.change !== null);
  changed.sort((a, b) => Math.abs(b.change ?? 0) - Math.abs(a.change ?? 0));
  return changed.slice(0, MOST);
}

/** @type {(figure: Figure, day: string) => boolean} */
function isSmall({ values, sizes }, day) {
  const counts = sizes ?? values;
  return [day, ...sameWeekdays(day)].every((one) => Math.abs(counts.get(one) ?? 0) < LEAST_COUNT);
}

/** The same weekday of the four weeks before. @param {string} day */
const sameWeekdays = (day) => [7, 14, 21, 28].map((ago) => dayBefore(day, ago));

/** @type {(day: string, ago: number) => string} */
function dayBefore(day, ago) {
  const time = Date.parse(`${day}T00:00:00Z`) - ago * 86_400_000;
  return new Date(time).toISOString().slice(0, 10);
}

/**
 * Days that were reported under other options do not compare.
 *
 * @type {(rows: any[], value: (row: any) => number | null) => Map<string, number | null>}
 */
const byDay = (rows, value) =>
  new Map(rows.map((row) => [row.day, row.otherOptions ? null : value(row)]));

module.exports = { byDay, changesOf, dayBefore, sameWeekdays };
