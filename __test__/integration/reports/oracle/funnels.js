// What getFunnel() should answer, out of the raw events: from each first step on, the next step is always the
// earliest event that is left.
'use strict';

const { DAY_MS, daysTo, startOf } = require('./calendar');
const { WHEN_ANSWERED, nearly } = require('./tolerances');

/** The answer of `world` about the days up to `today`. */
function funnel({ steps, windowS }, { world, today, nowMs, days }) {
  const ours = world.events.filter(({ event }) => steps.includes(event));
  const inOrder = ours.toSorted((one, other) => one.ts - other.ts);
  const counts = ({ userId }) => hasUser({ userId }) && !world.isExcluded(userId);
  const ids = [...new Set(inOrder.filter(counts).map(({ userId }) => userId))];
  const sorted = ids.map((id) => inOrder.filter(({ userId }) => userId === id));
  const cohorts = daysTo(today, days).map((day) => {
    const all = sorted.map((list) => shortest(steps, windowS * 1_000, list, day));
    const times = steps.map((_, step) => all.flatMap((best) => best[step] ?? []));
    const without = ours.filter((event) => !hasUser(event) && isOn(day, event));
    const isKnown = world.hasEvents(day, nowMs);
    const state = stateOf(day, windowS, { world, nowMs });
    return { day, state, isKnown, times, withoutUser: without.length };
  });
  const known = cohorts.filter(({ isKnown }) => isKnown);
  const total = steps.map((_, step) => known.flatMap(({ times }) => times[step]));
  return {
    steps: steps.map((event, step) => ({
      event,
      users: total[step].length,
      ofFirst: share(total[step], total[0]),
      ofPrevious: share(total[step], total[Math.max(step - 1, 0)]),
      medianS: known.length === 1 ? medianS(total[step]) : nearly(medianS(total[step])),
    })),
    windowS,
    withoutUser: known.reduce((sum, { withoutUser }) => sum + withoutUser, 0),
    days: cohorts.map(({ day, state, isKnown, times, withoutUser }) => ({
      ...{ day, state },
      asOf: isKnown ? WHEN_ANSWERED : null,
      users: isKnown ? times.map(({ length }) => length) : null,
      medianS: isKnown ? times.map(medianS) : null,
      withoutUser: isKnown ? withoutUser : null,
    })),
    asOf: WHEN_ANSWERED,
  };
}

const hasUser = ({ userId }) => typeof userId === 'string';

function isOn(day, { ts }) {
  return ts.getTime() >= startOf(day) && ts.getTime() < startOf(day) + DAY_MS;
}

/** The shortest time to each step that a user reaches who enters on that day, in ms. */
function shortest(steps, windowMs, events, day) {
  const best = [];
  for (const first of events.filter((event) => event.event === steps[0] && isOn(day, event))) {
    const used = new Set();
    let at = first.ts;
    for (const [step, name] of steps.entries()) {
      const fits = (event) => event.event === name && event.ts >= at && !used.has(event);
      const next = step === 0 ? first : events.find(fits);
      if (!next || next.ts - first.ts > windowMs) break;
      used.add(next);
      at = next.ts;
      best[step] = Math.min(best[step] ?? Number.POSITIVE_INFINITY, at - first.ts);
    }
  }
  return best;
}

function share(part, of) {
  return of.length === 0 ? null : part.length / of.length;
}

/** The smallest that at least half do not exceed. */
function medianS(times) {
  const sorted = times.toSorted((one, other) => one - other);
  return sorted.length === 0 ? null : sorted[Math.ceil(sorted.length / 2) - 1] / 1_000;
}

/** Final when no event may come late, or none is read again. */
function stateOf(day, windowS, { world, nowMs }) {
  const lastMs = startOf(day) + DAY_MS + windowS * 1_000 + DAY_MS;
  const lastReadMs = startOf(day) + Math.min(6.5 * DAY_MS, world.keptMs - DAY_MS / 2);
  const state = world.state(day, nowMs);
  return state === 'settling' && nowMs >= Math.min(lastMs, lastReadMs) ? 'final' : state;
}

module.exports = { funnel };
