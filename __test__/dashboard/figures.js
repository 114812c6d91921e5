// Figures for tests of the page: those of a small game with hostile names, as the sections answer them.
'use strict';

const DAY = 86_400_000;
/** What a name may be. Read as HTML or script, each would leave `window.hit`. */
const HOSTILE = [
  '<img src=x onerror="window.hit=1">',
  '</script><script>window.hit=2</script>',
  '"><svg onload=window.hit=3>',
  "javascript:window.hit=4//'`",
  '__proto__',
  '\u2028\u2029<!--',
  '夜警 🗡️ '.repeat(20),
  '',
];

const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);

/** All sections as a report has them; `names` are given to everything that has one. */
function figuresOf({ names = HOSTILE, today = '2026-11-30', days = 30 } = {}) {
  const start = Date.parse(`${today}T00:00:00Z`);
  const asOf = new Date(start + DAY / 2).toISOString();
  const list = Array.from({ length: days }, (_, i) => dayOf(start - (days - 1 - i) * DAY));
  const state = (day) => (day === today ? 'open' : 'final');
  const head = (day) => ({ day, state: state(day), asOf });
  const curve = (scale, end = 288) =>
    Array.from({ length: 288 }, (_, i) =>
      i < end ? Math.round(scale * (2 + Math.sin(i / 40))) : null,
    );
  const weekdays = [7, 14, 21, 28].map((ago) => ({
    day: dayOf(start - ago * DAY),
    curve: curve(90 + ago),
  }));
  const flow = (amounts) =>
    amounts.map((amount, i) => ({
      name: names[i % names.length],
      others: 0,
      amount,
      count: i + 1,
    }));
  const balance = { sourced: 900, sunk: 400, net: 500 };
  const coverage = [{ total: names[0], counted: 1000, seen: 900 }];
  return {
    live: {
      ...{
        now: 187,
        processes: 2,
        asOf,
        day: today,
        peak: 290,
        peakAt: asOf,
        stepS: 300,
        source: 'samples',
      },
      byInstance: names.slice(0, 3).map((instance, i) => ({ instance, now: i, processes: 1 })),
      curve: curve(100, 144),
      normal: {
        ...{
          upTo: asOf,
          players: 187.2,
          mean: 201.5,
          low: 171.2,
          high: 231.8,
          change: -0.07,
          verdict: 'normal',
        },
        days: weekdays.map(({ day }, i) => ({ day, players: 195 + i })),
      },
    },
    past: { day: today, yesterday: { day: list.at(-2), curve: curve(105) }, weekdays },
    players: list.map((day, i) => ({
      ...head(day),
      ...{
        dau: 200 + i,
        newUsers: 20,
        returningUsers: 180 + i,
        registered: 19,
        wau: 700,
        mau30: 1500,
      },
      ...{ stickiness: 0.14, sessions: 300, sessionsPerUser: 1.5 },
    })),
    retention: list.map((day, i) => ({
      ...head(day),
      size: 40,
      retained: {
        1: i < 29 ? 16 : null,
        3: i < 27 ? 9 : null,
        7: i < 23 ? 6 : null,
        14: null,
        30: null,
      },
    })),
    sessions: list.map((day) => ({
      ...{ ...head(day), ended: 290, open: 3, meanS: 1500.5, p50S: 930, p90S: 3600, p99S: 9000 },
      buckets: [
        { upToS: 66, count: 40 },
        { upToS: 900, count: 200 },
        { upToS: 9000, count: 50 },
      ],
    })),
    economy: names.slice(0, 2).map((currency) => ({
      ...{ currency, state: 'open', asOf, daysKnown: 30, ...balance, coverage },
      ...{
        sources: flow([600, 200, 100]),
        sinks: flow([400]),
        sourceItems: flow([500]),
        sinkItems: flow([400]),
      },
      days: list.map((day) => ({ ...head(day), ...balance, coverage: [] })),
    })),
    revenue: [
      list.map((day) => ({
        ...{ ...head(day), currency: 'USD', cents: 12_345, payments: 9, payers: 8, newPayers: 2 },
        ...{ payingShare: 0.04, arpdauCents: 61.7, arppuCents: 1543.1, otherCurrencies: [] },
      })),
    ],
    funnels: [
      {
        ...{ name: names[1], windowS: 86_400, withoutUser: 0, asOf },
        steps: names.slice(0, 3).map((event, i) => ({
          event,
          users: 90 - 30 * i,
          ofFirst: 1 - i / 3,
          ofPrevious: 0.7,
          medianS: i * 61,
        })),
        days: list.map((day) => ({
          ...head(day),
          users: [3, 2, 1],
          medianS: [0, 61, 122],
          withoutUser: 0,
        })),
      },
    ],
    events: {
      days: list.slice(-7),
      rows: names.map((event, i) => ({
        ...{ event, others: 0, count: 100 - i, share: 0.12, state: 'open', asOf, daysKnown: 7 },
        byDay: [1, 2, 3, null, 5, 6, 7],
      })),
    },
    changes: {
      day: list.at(-2),
      rows: [
        {
          section: 'events',
          name: ['event', names[0]],
          unit: 'count',
          value: 30,
          mean: 20,
          days: 4,
          change: 0.5,
        },
      ],
    },
    health: {
      asOf,
      funnels: [],
      instances: names.slice(0, 3).map((instance, i) => ({
        ...{ state: ['here', 'silent', 'ended'][i], seenAt: asOf, players: 12 },
        health: {
          ...{
            version: '0.1.0',
            instance,
            queued: 5,
            accepted: 100,
            written: 95,
            dropped: i,
            totals: 'blocked',
          },
          destinations: [
            {
              name: names[i],
              queued: 3,
              oldestWaitingMs: 4_200,
              sent: 7,
              retried: 1,
              refused: 0,
              ...{ circuit: 'open', sentPerS: 1.25, lagMs: 1_500, notSent: 0 },
              ...{ lastRefusal: names[1], lastError: names[0] },
            },
          ],
        },
      })),
    },
  };
}

module.exports = { HOSTILE, figuresOf };
