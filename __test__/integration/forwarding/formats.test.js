// What each receiver is sent: every event once, whatever its data, within the published limits.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { delivered, forwardTo, numbersOf, range, trackNumbers } = require('./setup');

const BATCHED = ['mixpanel', 'segment', 'posthog', 'amplitude'];

/** `[user, data, user as it arrives, data as it arrives]` */
const ODD = {
  nothing: ['u', undefined, 'u', {}],
  null: ['u', null, 'u', {}],
  'an empty object': ['u', {}, 'u', {}],
  'an array': ['u', [1, { a: 2 }], 'u', { data: [1, { a: 2 }] }],
  'a text': ['u', 'text', 'u', { data: 'text' }],
  'a number': ['u', 5.5, 'u', { data: 5.5 }],
  numbers: [
    'u',
    { big: 1e21, small: 5e-324, minus: -0.1 },
    'u',
    { big: 1e21, small: 5e-324, minus: -0.1 },
  ],
  'no numbers': ['u', { a: NaN, b: Infinity }, 'u', { a: null, b: null }],
  'a date': ['u', { at: new Date(0) }, 'u', { at: '1970-01-01T00:00:00.000Z' }],
  'empty objects inside': ['u', { a: {}, b: [{}] }, 'u', { a: {}, b: [{}] }],
  'odd keys': [
    'u',
    { 'a.b': 1, $set: 2, '"': 3, '': 4 },
    'u',
    { 'a.b': 1, $set: 2, '"': 3, '': 4 },
  ],
  'odd text': ['u', { t: '\\ud83d "ü" 💰\n\0' }, 'u', { t: '\\ud83d "ü" 💰\n\0' }],
  'half a character': ['u', { '\ud83dk': 'v\udfff' }, 'u', { '\ufffdk': 'v\ufffd' }],
  'a number as user': [7, { a: 1 }, '7', { a: 1 }],
  'an object with an id as user': [{ _id: 'doc' }, { a: 1 }, 'doc', { a: 1 }],
  'no user': [undefined, { a: 1 }, '', { a: 1 }],
  'null as user': [null, { a: 1 }, '', { a: 1 }],
  'deep data': ['u', deep(150), 'u', deep(150)],
};
/** The depth that Amplitude takes. */
const ODD_AT_AMPLITUDE = { ...ODD, 'deep data': ['u', deep(38), 'u', deep(38)] };

function deep(levels) {
  return levels === 0 ? { end: true } : { d: deep(levels - 1) };
}

describe('an event with', { concurrency: true }, () => {
  for (const format of BATCHED) {
    const odd = format === 'amplitude' ? ODD_AT_AMPLITUDE : ODD;
    for (const [name, [user, data, userThere, dataThere]] of Object.entries(odd)) {
      it(`${name} arrives: ${format}`, async () => {
        const { receiver, analytics } = await forwardTo(format);
        const before = Date.now();
        analytics.track('quest.done', user, data);
        const after = Date.now();
        await delivered(analytics);
        assert.deepStrictEqual(receiver.violations, []);
        const [{ id, at, ...event }, ...more] = receiver.taken;
        assert.deepStrictEqual(more, []);
        assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
        assert.ok(at >= before && at <= after, `${before} ${at} ${after}`);
        assert.deepStrictEqual(event, { event: 'quest.done', user: userThere, data: dataThere });
      });
    }

    it(`an event without a name is refused, the others arrive: ${format}`, async () => {
      const { receiver, analytics, health } = await forwardTo(format);
      analytics.track(undefined, 'u', { n: 0 });
      analytics.track('', 'u', { n: 1 });
      analytics.track({}, 'u', { n: 2 });
      analytics.track('quest.done', 'u', { n: 3 });
      analytics.stop();
      const through = () => health().sent + health().refused === 4;
      await require('./setup').waitFor(through, { what: 'all four' });
      assert.deepStrictEqual([numbersOf(receiver), health().refused], [[3], 3]);
    });
  }
});

/** Several floods share the event loop with their receivers. */
const PATIENT = { requestTimeoutMs: 20_000 };

describe('a flood keeps the limits of', { concurrency: true }, () => {
  for (const [format, events] of [
    ['mixpanel', 5_000],
    ['segment', 6_000],
    ['posthog', 20_000],
    ['amplitude', 5_000],
    ['gameanalytics', 5_000],
  ]) {
    it(`${format}: small events`, async () => {
      const { receiver, analytics, health } = await forwardTo(format, PATIENT);
      trackNumbers(analytics, events);
      await delivered(analytics);
      assert.deepStrictEqual(receiver.violations, []);
      assert.deepStrictEqual(numbersOf(receiver), range(events));
      assert.strictEqual(receiver.distinct.length, events);
      assert.ok(receiver.requests.length < events / 1_000 + 5, `${receiver.requests.length}`);
      assert.deepStrictEqual([health().sent, health().retried], [events, 0]);
      assert.ok(receiver.sockets.size <= 1, `${receiver.sockets.size} connections`);
    });

    it(`${format}: large events, and some that are too large`, async () => {
      const maxEventBytes = 2 ** 21;
      const { receiver, analytics, health } = await forwardTo(format, PATIENT, { maxEventBytes });
      const sizes = range(60).map((n) => (n % 20 === 19 ? 1_900_000 : 500 * n));
      for (const [n, size] of sizes.entries()) {
        analytics.track('quest.done', 'u', { n, text: 'x'.repeat(size) });
      }
      await delivered(analytics);
      assert.deepStrictEqual(receiver.violations, []);
      // GameAnalytics gets the beginning of the text.
      const takesAll = ['posthog', 'amplitude', 'gameanalytics'].includes(format);
      const good = range(60).filter((n) => takesAll || n % 20 !== 19);
      assert.deepStrictEqual(numbersOf(receiver), good);
      assert.deepStrictEqual([health().sent, health().refused], [good.length, 60 - good.length]);
    });
  }
});
