// Economy of a game with counters of its own: what adds to the total of a currency moves it, whatever its name.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, store } = require('./days');

const mongo = useMongod();

async function economyOf({ counters, currencies, events, totals }) {
  const database = mongo.database();
  const days = [{ day: dayOf(1), ...totals }];
  await store(database, { sessions: [session('u1', 1)], events, days });
  const options = { counters, currencies, presence: 'off', operationTimeoutMs: 60_000 };
  const { analytics } = create({ uri: database.uri, ...options });
  analytics.start();
  const rows = await analytics.getEconomy({ days: 1, to: dayOf(1) });
  await analytics.stop();
  return Object.fromEntries(rows.map((row) => [row.currency, row]));
}

describe('the economy', () => {
  it('has the events that a counter adds to the total of a currency', async () => {
    const { credits } = await economyOf({
      counters: {
        'quest.reward': { total: 'creditsEarned', amount: 'credits' },
        'boss.kill': 'creditsEarned',
        'guild.tax': { total: 'creditsSpent', amount: 'amount' },
      },
      events: [
        event('credits.earn', 1, { amount: 1, reason: 'login' }),
        event('quest.reward', 1, { credits: 1_000, reason: 'quest', item: 'chest' }),
        event('boss.kill', 1, { amount: 70, reason: 'boss' }),
        event('boss.kill', 1, undefined),
        event('guild.tax', 1, { amount: 5, reason: 'tax' }),
      ],
      totals: { creditsEarned: 1_003, creditsSpent: 5 },
    });
    const { sourced, sunk, net, coverage } = credits;
    assert.deepStrictEqual({ sourced, sunk, net }, { sourced: 1_003, sunk: 5, net: 998 });
    assert.deepStrictEqual(coverage, [
      { total: 'creditsEarned', counted: 1_003, seen: 1_003 },
      { total: 'creditsSpent', counted: 5, seen: 5 },
    ]);
    const shown = (rows) => rows.map(({ name, amount }) => [name, amount]);
    assert.deepStrictEqual(shown(credits.sources), [
      ['quest', 1_000],
      [null, 1],
      ['boss', 1],
      ['login', 1],
    ]);
    assert.deepStrictEqual(shown(credits.sourceItems), [
      ['chest', 1_000],
      [null, 3],
    ]);
    assert.deepStrictEqual(shown(credits.sinks), [['tax', 5]]);
  });

  it('reads amounts whose field is no path', async () => {
    const { gold } = await economyOf({
      currencies: ['gold'],
      counters: {
        'gold.earn': { total: 'goldEarned', amount: 'gold.amount' },
        'gold.spend': { total: 'goldSpent', amount: '$gold' },
      },
      events: [
        event('gold.earn', 1, { 'gold.amount': 7, gold: { amount: 100 }, amount: 100 }),
        event('gold.earn', 1, 'no object'),
        event('gold.spend', 1, { $gold: '4' }),
      ],
      totals: { goldEarned: 7, goldSpent: 4 },
    });
    const { sourced, sunk, coverage } = gold;
    assert.deepStrictEqual({ sourced, sunk }, { sourced: 7, sunk: 4 });
    assert.deepStrictEqual(coverage, [
      { total: 'goldEarned', counted: 7, seen: 7 },
      { total: 'goldSpent', counted: 4, seen: 4 },
    ]);
  });

  it('does not take a total of both directions for either', async () => {
    const moved = { total: 'creditsMoved', amount: 'amount' };
    const { credits } = await economyOf({
      counters: { 'credits.earn': moved, 'credits.spend': moved, 'credits.trade': moved },
      events: [
        event('credits.earn', 1, { amount: 8 }),
        event('credits.spend', 1, { amount: 3 }),
        event('credits.trade', 1, { amount: 50 }),
      ],
      totals: { creditsMoved: 61 },
    });
    const { sourced, sunk, coverage } = credits;
    assert.deepStrictEqual({ sourced, sunk, coverage }, { sourced: 8, sunk: 3, coverage: [] });
  });
});
