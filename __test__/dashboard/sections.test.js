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
