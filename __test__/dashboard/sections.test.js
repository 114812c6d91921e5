// Sections of the page, out of what the methods answer: what is unknown stays so, whatever range is shown.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Figures } = require('../../lib/dashboard/figures.js');

const TODAY = '2026-11-30';
const asOf = new Date(`${TODAY}T12:00:00Z`);
const row = (event, count, more) => ({ event, others: 0, count, daysKnown: 1, ...more });

/** Methods that remember what they were asked; `lists` are the events by day. */
function methods(lists = {}) {
  const asked = [];
  const answer = (name, value) => async (options) => {
    asked.push([name, options]);
    return typeof value === 'function' ? value(options ?? {}) : value;
  };
  const curve = Array.from({ length: 288 }, () => 100);
  const analytics = {
    getConcurrency: answer('getConcurrency', ({ day = TODAY }) => ({
      ...{ day, asOf, curve, source: 'samples' },
    })),
    getTopEvents: answer('getTopEvents', ({ days, to }) =>
      days === 1 ? (lists[to] ?? []) : [row('chat', 9), row('rare', 1)],
    ),
    ...{ getActivity: answer('getActivity', []), getRetention: answer('getRetention', []) },
    ...{ getSessionLengths: answer('getSessionLengths', []), getEconomy: answer('getEconomy', []) },
    getRevenue: answer('getRevenue', []),
  };
  return { analytics, asked };
}

const figuresOf = (analytics, days) =>
  new Figures({ analytics, survey: async () => ({}), funnels: async () => [], days });

describe('events by day', () => {
  it('are not known of days without a report, nor among the others of a day', async () => {
    const { analytics } = methods({
      '2026-11-26': [row('chat', 4)],
      '2026-11-27': [row('chat', 5), row(null, 7, { others: 3 })],
      '2026-11-28': [row('chat', null, { daysKnown: 0 })],
      '2026-11-30': [row('chat', 6), row('rare', 1)],
    });
    const { rows } = await figuresOf(analytics, 30).section('events');
    assert.deepStrictEqual(
      rows.map(({ event, byDay }) => [event, byDay]),
      [
        ['chat', [null, null, 4, 5, null, null, 6]],
        ['rare', [null, null, 0, null, null, null, 1]],
      ],
    );
  });
});

describe('yesterday', () => {
  /** A row per day, of which yesterday ends where somebody asked for it last. */
  const rowsOf = (values) =>
    Array.from({ length: 30 }, (_, i) => {
      const day = new Date(Date.parse(TODAY) - (29 - i) * 86_400_000).toISOString().slice(0, 10);
      return { day, state: i < 28 ? 'final' : 'open', asOf, ...values(i >= 28 ? 10 : 100) };
    });

  it('is compared when its report is there, with what was paid at once', async () => {
    const { analytics } = methods({
      '2026-11-29': [row('chat', 10, { state: 'open' })],
      ...Object.fromEntries(
        ['22', '15'].map((day) => [`2026-11-${day}`, [row('chat', 99, { state: 'final' })]]),
      ),
    });
    const rows = rowsOf((n) => ({ dau: n, newUsers: n, p50S: n, ended: n, size: n, retained: {} }));
    analytics.getActivity = analytics.getSessionLengths = async () => rows;
    analytics.getEconomy = async () => [
      { currency: 'gold', days: rowsOf((n) => ({ sourced: n, sunk: n })) },
    ];
    analytics.getRevenue = async () => rowsOf((n) => ({ cents: n, otherCurrencies: [] }));
    const { rows: changed } = await figuresOf(analytics, 30).section('changes');
    assert.deepStrictEqual(
      changed.map(({ name, value }) => [name, value]),
      [['Revenue', 10]],
    );
  });

  it('has no events by its name while it is open', async () => {
    const { analytics } = methods({
      '2026-11-28': [row('chat', 5, { state: 'final' })],
      '2026-11-29': [row('chat', 2, { state: 'open' })],
      '2026-11-30': [row('chat', 1, { state: 'open' })],
    });
    const { rows } = await figuresOf(analytics, 30).section('events');
    assert.deepStrictEqual(rows[0].byDay.slice(-3), [5, null, 1]);
  });
});

describe('revenue', () => {
  it('is asked in the currencies with the most purchases, whichever came first', async () => {
    const { analytics, asked } = methods();
    const codes = ['SEK', 'NOK', 'DKK', null, 'EUR', 'GBP'];
    const otherCurrencies = codes.map((currency, i) => ({ currency, cents: 9, payments: i + 1 }));
    analytics.getRevenue = async ({ currency = 'USD' }) => {
      asked.push(currency);
      return [{ day: TODAY, currency, cents: 0, payments: 0, otherCurrencies }];
    };
    const found = await figuresOf(analytics, 30).section('revenue');
    assert.deepStrictEqual(asked, ['USD', 'GBP', 'EUR', 'DKK']);
    assert.deepStrictEqual(
      found.map(([{ currency }]) => currency),
      ['GBP', 'EUR', 'DKK'],
    );
  });
});

describe('a day on which nothing happened', () => {
  it('has 0 of each event where its report is there', async () => {
    const { analytics } = methods({ '2026-11-28': [row('chat', 5, { state: 'final' })] });
    const known = ['2026-11-27', '2026-11-28', '2026-11-29'];
    analytics.getEconomy = async () => [
      {
        currency: 'gold',
        days: known.map((day, i) => {
          const state = i < 2 ? 'final' : 'open';
          return { day, state, asOf, sourced: 0, sunk: 0 };
        }),
      },
    ];
    const { rows } = await figuresOf(analytics, 7).section('events');
    assert.deepStrictEqual(rows[0].byDay, [null, null, null, 0, 5, null, null]);
  });
});

describe('a report', () => {
  it('of 366 days asks for no more cohorts than there may be', async () => {
    const { analytics, asked } = methods();
    await figuresOf(analytics, 366).section('retention');
    assert.deepStrictEqual(
      asked.map(([, { cohorts }]) => cohorts),
      [366],
    );
  });

  it('of few days is compared with the same weekdays as any other', async () => {
    const { analytics, asked } = methods();
    const figures = figuresOf(analytics, 3);
    const { normal } = await figures.section('live');
    assert.deepStrictEqual([normal.verdict, normal.days.length], ['normal', 4]);
    await figures.section('changes');
    const activity = asked.filter(([name]) => name === 'getActivity').map(([, { days }]) => days);
    assert.deepStrictEqual(activity, [30]);
  });
});
