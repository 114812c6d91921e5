// An event that names its moment is stored and counted at that moment.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod();

const DAY_MS = 86_400_000;
const day = (time) => new Date(time).toISOString().slice(0, 10);

describe('the timestamp of an event', () => {
  it('is its ts, its day and the day of its totals, in the middle of others', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const now = Date.now();
    const moments = [now - 2 * DAY_MS, now - 6 * DAY_MS, now + 60_000];
    for (let round = 0; round < 50; round++) {
      analytics.track('credits.earn', 'u', { amount: 1 });
      for (const [place, time] of moments.entries()) {
        const timestamp = round % 2 ? time : new Date(time);
        analytics.track('credits.earn', 'u', { amount: 10 ** (place + 1) }, { timestamp });
      }
    }
    await analytics.flush();
    const expected = {};
    for (const { day, ts, data } of await database.events()) {
      assert.strictEqual(day, ts.toISOString().slice(0, 10));
      expected[day] = (expected[day] ?? 0) + data.amount;
    }
    assert.deepStrictEqual([expected[day(moments[0])], expected[day(moments[1])]], [500, 5_000]);
    for (const time of moments) {
      assert.strictEqual(await database.count('gsoevents', { ts: new Date(time) }), 50);
    }
    const days = await database.days();
    const counted = Object.fromEntries(days.map((one) => [one.day, one.creditsEarned]));
    assert.deepStrictEqual(counted, expected);
    assert.deepStrictEqual(analytics.getHealth().rejected, {});
  });

  it('is refused for what is no moment, and the event is neither stored nor counted', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    for (const timestamp of ['today', NaN, Date.now() + DAY_MS, 0]) {
      analytics.track('credits.earn', 'u', { amount: 5 }, { timestamp });
    }
    analytics.track('credits.earn', 'u', { amount: 1 });
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 1);
    assert.strictEqual((await database.days())[0].creditsEarned, 1);
    assert.deepStrictEqual(analytics.getHealth().rejected, { invalid_timestamp: 4 });
    const warned = lines.filter((line) => line.startsWith('warn'));
    assert.match(warned.join('\n'), /^warn .*rejected, and not stored: a timestamp is no Date/);
  });
});
