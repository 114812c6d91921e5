// A server goes from the mongoose-based class to this package and back and forth within one month:
// each side is stopped before the other starts, and back to the class only over a UTC midnight.
// Where the class is there it plays its part itself; else its documents are inserted.
'use strict';

const assert = require('node:assert');
const { after, describe, it } = require('node:test');
const { documentsOf, figuresOf, insertOldData, makePlan } = require('../../support/old-data');
const { takeReference } = require('../../support/reference');
const { addUp } = require('./add-up');
const { assertUntouched, bytesOf, newestFirst, play } = require('./setup');
const { useMongod, withoutIds } = require('./setup');

const mongo = useMongod();
const reference = takeReference();
after(() => reference?.remove());

/** Midnight between the 8th and the 9th, and between the 19th and the 20th: the only ways back. */
const PARTS = [
  { side: 'old', from: '2031-05-01', to: '2031-05-04T13:00', days: ['01', '02', '04'] },
  { side: 'new', from: '2031-05-04T13:00', to: '2031-05-09', days: ['04', '05', '08'] },
  { side: 'old', from: '2031-05-09', to: '2031-05-12T06:30', days: ['09', '10', '12'] },
  { side: 'new', from: '2031-05-12T06:30', to: '2031-05-20', days: ['12', '13', '19'] },
  { side: 'old', from: '2031-05-20', to: '2031-05-22T20:00', days: ['20', '22'] },
  { side: 'new', from: '2031-05-22T20:00', to: '2031-06-03', days: ['22', '31'] },
];

function planOf({ from, to, days }, seed) {
  const names = days.map((day) => `2031-05-${day}`);
  const plan = makePlan({ seed, days: names, users: 30, logins: 14 });
  return plan.filter(({ at }) => at >= from && at < to);
}

/** Within a part so that nothing is before it; the last moment of its last day at the latest. */
function endOf({ to }, plan) {
  const end = new Date(Date.parse(`${plan.at(-1).at.slice(0, 10)}T23:59:59.999Z`)).toISOString();
  return end < to ? end : plan.at(-1).at;
}

/** The server of one part; answers what it said at its end. */
async function playPart(database, { side }, plan, now) {
  if (side === 'new') return play(database, { plan, now });
  if (reference) return play(database, { file: reference.file, plan, now });
  await insertOldData(database.db, plan);
  return undefined;
}

describe('from the class to this package, back and forth', { concurrency: true }, () => {
  for (const seed of [1, 2]) {
    it(`every total and figure is that of everything played, seed ${seed}`, async () => {
      const database = mongo.database();
      const plans = PARTS.map((part, i) => planOf(part, seed * 100 + i));
      for (const [i, part] of PARTS.entries()) {
        const now = endOf(part, plans[i]);
        const before = await bytesOf(database.db);
        const played = await playPart(database, part, plans[i], now);
        const parts = plans.slice(0, i + 1).map(documentsOf);
        await assertAddsUp(database, parts, { played, now });
        if (i === 0) continue;
        const first = plans[i][0].at.slice(0, 10);
        const [today] = await database.days({ day: first });
        assertUntouched(before, await bytesOf(database.db), [`gsodailies ${today._id}`]);
      }
    });
  }
});

async function assertAddsUp(database, parts, { played, now }) {
  const sessions = parts.flatMap((part) => part.sessions);
  const days = addUp(parts);
  assert.deepStrictEqual(
    withoutIds(newestFirst(await database.days())),
    withoutIds(newestFirst(days)),
  );
  assert.strictEqual(await database.count('gsosessions'), sessions.length);
  if (!played) return;
  const { today, activeSessions, ...figures } = played.metrics;
  assert.deepStrictEqual(figures, figuresOf({ sessions, days }, now));
}
