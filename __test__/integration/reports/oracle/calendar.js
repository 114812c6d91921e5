// UTC days as texts.
'use strict';

const DAY_MS = 86_400_000;

const startOf = (day) => Date.parse(`${day}T00:00:00.000Z`);
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const plus = (day, days) => dayOf(startOf(day) + days * DAY_MS);

/** So many days that end with this one, oldest first. */
const daysTo = (day, count) => Array.from({ length: count }, (_, i) => plus(day, i + 1 - count));

/** Whether it is the text of a day that exists. */
function isDay(value) {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const start = startOf(value);
  return !Number.isNaN(start) && dayOf(start) === value;
}

module.exports = { DAY_MS, dayOf, daysTo, isDay, plus, startOf };
