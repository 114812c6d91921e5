// What the random databases of the oracle are made of: names, amounts and days that have broken
// reports, or might.
'use strict';

const { Decimal128, Double, Int32, Long } = require('../../../support/driver');

const NAMES = [
  'quest',
  'shop',
  'a.b',
  '$x',
  '',
  ' ',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '🎮🗡️',
  'é',
  'n'.repeat(63),
  'n'.repeat(64),
  'n'.repeat(80),
  '🎮'.repeat(70),
  'other',
  'null',
];

/** Events beside those of the currencies: some are counted, some are nearly a currency's. */
const OTHER_EVENTS = [
  ...['gems.purchase', 'gems.purchase', 'stripe.payment', 'pvp.battle', 'pvp.ranked.battle'],
  ...['market.sale', 'user.register', 'silver.earn', 'credits', 'credits.earn.', 'Credits.spend'],
];

/** Entries of the option `counters`: of events that move a currency too, of amounts that are no paths, and others. */
const COUNTERS = {
  'quest.reward': { total: 'creditsEarned', amount: 'credits' },
  'guild.tax': { total: 'creditsSpent', amount: 'amount' },
  'gem.gift': { total: 'gemsPurchased', amount: 'gems' },
  'boss.kill': 'gemsEarned',
  'gold.earn': { total: 'goldEarned', amount: 'gold.amount' },
  'gold.spend': { total: 'goldSpent', amount: '$gold' },
  'gold.tax': { total: 'goldSpent', amount: '.gold' },
  'gems.earn': { total: 'gemsMoved', amount: 'gems' },
  'gems.spend': { total: 'gemsMoved', amount: 'amount' },
  'gem.trade': { total: 'gemsMoved', amount: 'amount' },
  'credits.spend': 'spendings',
  'credit.fee': { total: 'spendings', amount: 'amount' },
  'credits.earn': null,
};
const COUNTER_FIELDS = ['credits', 'gold.amount', '$gold', '.gold'];

/** What stands where a text is expected. */
const NO_TEXTS = [null, undefined, 5, true, {}, ['quest'], { reason: 'quest' }];

/** Numbers whose sums are exact in any order, and what counts nothing. */
const FINE = [
  ...[0, 1, 2.5, 100, -7.25, 1_000_000, '12', ' 12 ', '0x10', '1e3', '.5', '-3', '+4', '5.'],
  ...[new Int32(9), new Double(9.5), Long.fromNumber(11), Decimal128.fromString('2.50')],
];
const HUGE = [2 ** 53, -(2 ** 53), 2 ** 52, 3 * 2 ** 50, '9007199254740992', '9007199254740993'];
const NO_AMOUNTS = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 2 ** 53 + 2, 1e300],
  ...[true, null, undefined, '', ' ', 'x', '1_000', '12 gold', 'Infinity', '0x', '1e400', {}, []],
  ...[[5], { amount: 5 }, new Date(5), '0'.repeat(300), Long.MAX_VALUE, Long.MIN_VALUE],
  ...[Decimal128.fromString('NaN'), Decimal128.fromString('1E+40'), '\u0085 1'],
];

const USERS = [
  ...['ann', 'bob', 'cem', 'dan', 'eve', '65f0c0ffee0000000000000a', 'a.b', '$x', '', ' '],
  ...['__proto__', 'constructor', '🎮', 'u'.repeat(200), 'bot-1', 'bot-2', 'bot', 'bot.', 'tester'],
];
/** Whose sessions and events are nobody's. */
const NO_USERS = [null, undefined, 7, { id: 'ann' }];

const DURATIONS = [1, 2, 12, 59.7, 60, 61, 600, 3_600, 86_399, 90_000, 0.4, 2 ** 31 - 1];
/** Of sessions that have a logout, and no length. */
const NO_DURATIONS = [0, -5, null, undefined, '60', Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY];

/** Amounts of purchases in minor units, and their currencies. */
const CENTS = [499, 999, 1, 0, -499, 100_000, 2.5, 499, 999, '499', null, {}];
const CODES = ['USD', 'USD', 'USD', 'EUR', 'JPY', null];

/** Days that are none, as `day` of a session. */
const NO_DAYS = [
  (day) => `${day}T00:00`,
  (day) => day.slice(0, 9),
  (day) => day.replaceAll('-', ''),
  (day) => new Date(`${day}T00:00:00Z`),
  () => '2026-02-30',
  () => '',
  () => null,
  () => 20_261_128,
];

/** Last days of a month or of a year, and the leap day. */
const EDGES = ['2024-02-28', '2024-02-29', '2023-02-28', '2025-12-31', '2024-12-31', '2026-01-31'];

module.exports = {
  CENTS,
  CODES,
  COUNTERS,
  COUNTER_FIELDS,
  DURATIONS,
  EDGES,
  FINE,
  HUGE,
  NAMES,
  NO_AMOUNTS,
  NO_DAYS,
  NO_DURATIONS,
  NO_TEXTS,
  NO_USERS,
  OTHER_EVENTS,
  USERS,
};
