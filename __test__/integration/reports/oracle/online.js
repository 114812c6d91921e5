// How many players were online in each minute of a day, out of the raw samples and sessions.
'use strict';

const { plus, startOf } = require('./calendar');

const MINUTE_MS = 60_000;
const MINUTES = 1_440;
const STEP = 5;

/** The part of a report, as it is stored. The samples are those of one instance. */
function presence(day, { dated, samples }, asOfMs) {
  const sampled = minutesOf(day, samples);
  const isSampled = sampled.some((players) => players !== null);
  const curve = isSampled ? sampled : openIn(day, dated, asOfMs);
  const known = curve.filter((players) => players !== null);
  const peak = known.length > 0 ? Math.max(...known) : null;
  const at = startOf(day) + curve.indexOf(peak) * MINUTE_MS;
  return {
    peak,
    peakAt: peak === null ? null : new Date(at),
    stepS: STEP * 60,
    curve: steps(curve),
    source: isSampled ? 'samples' : 'sessions',
  };
}

function minutesOf(day, samples) {
  const curve = Array(MINUTES).fill(null);
  for (const { _id, m } of samples.filter(({ _id }) => _id.startsWith(`p:${day}T`))) {
    const first = Number(_id.slice(13, 15)) * 60;
    for (const [minute, players] of Object.entries(m)) curve[first + Number(minute)] = players;
  }
  return curve;
}

/** Sessions that have a logout and are open at the end of each minute; without any, nothing is known. */
function openIn(day, sessions, asOfMs) {
  const start = startOf(day);
  const ours = sessions.filter((session) => {
    const isNear = session.day === day || session.day === plus(day, -1);
    return isNear && session.loginAt instanceof Date && session.logoutAt instanceof Date;
  });
  const minuteOf = (time) => Math.floor((time - start) / MINUTE_MS);
  const spans = ours.map(({ loginAt, logoutAt }) => {
    const until = Math.max(loginAt.getTime(), logoutAt.getTime());
    return [minuteOf(loginAt), minuteOf(until)];
  });
  const end = ours.length === 0 ? 0 : minuteOf(asOfMs);
  return Array.from({ length: MINUTES }, (_, minute) => {
    if (minute >= end) return null;
    return spans.filter(([from, until]) => from <= minute && until > minute).length;
  });
}

function steps(curve) {
  return Array.from({ length: MINUTES / STEP }, (_, step) => {
    const known = curve.slice(step * STEP, (step + 1) * STEP).filter((one) => one !== null);
    return known.length > 0 ? Math.max(...known) : null;
  });
}

/** Documents of one instance that was seen in these minutes of a day, by minute. */
function samplesOf(day, players) {
  const hours = new Map();
  for (const [minute, n] of players) {
    const hour = String(Math.floor(minute / 60)).padStart(2, '0');
    if (!hours.has(hour)) hours.set(hour, { _id: `p:${day}T${hour}:0a0b0c0d0e`, m: {} });
    hours.get(hour).m[String(minute % 60).padStart(2, '0')] = n;
  }
  return [...hours.values()];
}

module.exports = { presence, samplesOf };
