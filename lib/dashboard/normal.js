/**
 * Whether today is a normal day: the mean number of players online from 00:00 UTC to now, beside the same hours of
 * the same weekday in the last four weeks.
 */
'use strict';

const STEP_MS = 300_000;
/** A day is beside the others when at least this share of the hours is known of it. */
const KNOWN_SHARE = 0.5;
/** The band of normal days is so many standard deviations wide to each side of the mean, … */
const DEVIATIONS = 3;
/** … but at least this share of the mean. */
const LEAST_SHARE = 0.1;
const FEWEST_DAYS = 2;

/** @typedef {{ day: string, curve: (number | null)[] }} DayCurve */

/**
 * Unknown while today has no samples: sessions that are open are not in its curve then. Unknown, too, where nobody
 * was there on any of these days, as before the first day of the game.
 *
 * @param {DayCurve & { asOf: Date, source: string }} today
 * @param {DayCurve[]} weekdays
 */
function normality(today, weekdays) {
  const start = Date.parse(`${today.day}T00:00:00Z`);
  const steps = Math.min(Math.floor((today.asOf.getTime() - start) / STEP_MS), 288);
  // The same hours of each day: those that are known of today.
  const hours = indices(steps).filter((i) => today.curve[i] !== null);
  const days = weekdays.flatMap(({ day, curve }) => {
    const players = meanAt(curve, hours);
    return players === null ? [] : { day, players };
  });
  const players = meanAt(today.curve, hours);
  const found = { upTo: new Date(start + steps * STEP_MS), players, days };
  const isEmpty = days.every((one) => one.players === 0);
  if (today.source === 'sessions' || players === null || days.length < FEWEST_DAYS || isEmpty) {
    return { ...found, verdict: 'unknown' };
  }
  const band = bandOf(days.map((one) => one.players));
  return { ...found, ...band, change: change(players, band.mean), verdict: verdict(players, band) };
}

/** @param {number[]} values */
function bandOf(values) {
  const mean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (values.length - 1));
  const half = Math.max(DEVIATIONS * deviation, LEAST_SHARE * mean);
  return { mean, low: Math.max(0, mean - half), high: mean + half };
}

/** @type {(players: number, band: { low: number, high: number }) => string} */
function verdict(players, { low, high }) {
  if (players > high) return 'above';
  return players < low ? 'below' : 'normal';
}

/** @type {(curve: (number | null)[], hours: number[]) => number | null} */
function meanAt(curve, hours) {
  const known = hours.map((i) => curve[i] ?? null).filter((value) => value !== null);
  return known.length === 0 || known.length < KNOWN_SHARE * hours.length ? null : meanOf(known);
}

/** @type {(value: number, before: number) => number | null} */
const change = (value, before) => (before === 0 ? null : value / before - 1);

/** @param {number[]} values */
const meanOf = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @param {number} length */
const indices = (length) => Array.from({ length }, (_, i) => i);

module.exports = { change, meanOf, normality };
