// What several processes, of either side, add up to: the days as if one server had played everything.
'use strict';

/** The days of several processes as one: sums, but users are counted once. */
function addUp(parts) {
  const days = new Map();
  for (const part of parts) {
    for (const day of part.days) {
      const sum = days.get(day.day);
      days.set(day.day, sum ? plus(sum, day) : day);
    }
  }
  const all = parts.flatMap(({ sessions }) => sessions);
  for (const day of days.values()) {
    const users = all.filter((session) => session.day === day.day).map(({ userId }) => userId);
    day.dau = new Set(users).size;
  }
  return [...days.values()];
}

function plus(sum, day) {
  const isTotal = (value, name) => typeof value === 'number' && name !== '__v';
  const entries = Object.entries(sum);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isTotal(value, name) ? value + day[name] : value]),
  );
}

module.exports = { addUp };
