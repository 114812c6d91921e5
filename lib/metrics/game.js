/**
 * Families of the whole game, out of what is stored: every process gives the same. They are gauges, because those
 * of today fall to 0 at 00:00 UTC.
 */
'use strict';

/**
 * @typedef {import('./exposition.js').Family} Family
 *
 * @typedef {object} Figures what the native side has read; what is not known is null or missing
 * @property {number | null} now
 * @property {number | null} [peak]
 * @property {Record<string, any>} totals the daily document of today
 * @property {number | null} [payers]
 * @property {{ k: string | null, n: number }[] | null} [events]
 * @property {Date | null} [eventsAsOf]
 * @property {Date | null} [dayAsOf]
 * @property {number | null} [mau30]
 * @property {number | null} [p50S]
 * @property {number | null} [p90S]
 * @property {number | null} [p99S]
 * @property {{ days: number, share: number }[]} [retention]
 *
 * @typedef {object} Settings
 * @property {string[]} events names of the events that are counted
 * @property {{ currency: string, flow: string, total: string }[]} flows
 */

/** Events of a game that are shown, at most. */
const MOST_EVENTS = 40;

/**
 * @param {Figures} figures
 * @param {Settings} settings
 * @returns {Family[]}
 */
function gameFamilies(figures, { events, flows }) {
  const { totals } = figures;
  const total = (/** @type {string} */ name) => numberOf(totals[name]) ?? 0;
  return [
    one('players_online', 'Players online in all processes.', figures.now),
    one('players_online_peak', 'Most players online today, UTC.', figures.peak),
    one('today_users', 'Distinct users of today.', total('dau')),
    one('today_new_users', 'Events user.register of today.', total('newUsers')),
    one('today_logins', 'Logins of today.', total('sessionCount')),
    one('today_session_seconds', 'Length of the sessions of today.', total('totalSessionS')),
    one('today_revenue_cents', 'Total stripeRevenue of today.', total('stripeRevenue')),
    one('today_payers', 'Users who paid today.', figures.payers),
    one('month_users', 'Distinct users of the 30 days before today.', figures.mau30),
    eventFamily(figures.events ?? [], events),
    currencyFamily(flows, total),
    many('yesterday_session_length_seconds', 'Length of the sessions of yesterday.', [
      { labels: { percentile: '50' }, value: figures.p50S },
      { labels: { percentile: '90' }, value: figures.p90S },
      { labels: { percentile: '99' }, value: figures.p99S },
    ]),
    many(
      'retention_ratio',
      'Share of the newest cohort that came back so many days later.',
      (figures.retention ?? []).map(({ days, share }) => ({
        labels: { day: String(days) },
        value: share,
      })),
    ),
    many('report_timestamp_seconds', 'When the reports behind these figures were begun.', [
      { labels: { report: 'today' }, value: secondsOf(figures.eventsAsOf) },
      { labels: { report: 'yesterday' }, value: secondsOf(figures.dayAsOf) },
    ]),
  ];
}

/**
 * @param {{ k: string | null, n: number }[]} stored
 * @param {string[]} counted
 */
function eventFamily(stored, counted) {
  const shown = stored.filter(({ k }) => k !== null && counted.includes(k)).slice(0, MOST_EVENTS);
  return many(
    'today_events',
    'Events that are counted, stored today up to the report of today.',
    shown.map(({ k, n }) => ({ labels: { event: String(k) }, value: n })),
  );
}

/**
 * Totals of one currency and flow are added up.
 *
 * @param {Settings['flows']} flows
 * @param {(name: string) => number} total
 */
function currencyFamily(flows, total) {
  /** @type {Map<string, { labels: { currency: string, flow: string }, value: number }>} */
  const samples = new Map();
  for (const { currency, flow, total: name } of flows) {
    const key = `${currency} ${flow}`;
    const sample = samples.get(key) ?? { labels: { currency, flow }, value: 0 };
    sample.value += total(name);
    samples.set(key, sample);
  }
  return many('today_currency_amount', 'Amount that came in or went out today.', [
    ...samples.values(),
  ]);
}

/** @type {(name: string, help: string, value: number | null | undefined) => Family} */
function one(name, help, value) {
  return many(name, help, [{ value }]);
}

/**
 * What is not known has no sample.
 *
 * @param {string} name
 * @param {string} help
 * @param {{ labels?: Record<string, string>, value: unknown }[]} samples
 * @returns {Family}
 */
function many(name, help, samples) {
  const known = samples.flatMap(({ labels, value }) => {
    const number = numberOf(value);
    return number === undefined ? [] : [{ labels, value: number }];
  });
  return { name: `gso_${name}`, type: 'gauge', help, samples: known };
}

/** @param {unknown} value a number of BSON, or anything */
function numberOf(value) {
  if (value === null || value === undefined) return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}

/** @param {Date | null | undefined} time */
function secondsOf(time) {
  return time ? time.getTime() / 1000 : undefined;
}

module.exports = { gameFamilies };
