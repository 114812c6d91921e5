/**
 * The figures of the page, by section. Each is what the public methods answer, as they answer it; beside them
 * stand the two that only the page has: whether today is normal, and what changed most.
 */
'use strict';

const { Cache } = require('./cache.js');
const { byDay, changesOf, dayBefore, sameWeekdays } = require('./changes.js');
const { normality } = require('./normal.js');

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
/** How long answers are kept. */
const LIVE = 5 * SECOND;
const TODAY = MINUTE;
const RECENT = 10 * MINUTE;
/** Samples of players online are kept for so many days; older curves do not change. */
const SAMPLED_DAYS = 4;
const SPARK_DAYS = 7;
const TOP_EVENTS = 20;
const MOST_CURRENCIES = 4;
const RETENTION_DAYS = [1, 3, 7, 14, 30];
/** A mean over a week of cohorts needs these besides the days that are shown. */
const MORE_COHORTS = 9;
const MOST_COHORTS = 366;
/** What is compared for changes: yesterday, and the same weekday of the last four weeks. */
const COMPARED_DAYS = 30;

/**
 * @typedef {{
 *   analytics: import('../../index.js'),
 *   survey: () => Promise<any>,
 *   funnels: (days: number) => Promise<any[]>,
 *   days: number,
 * }} Source `survey` tells how all instances are, `funnels` what became of the players in each declared funnel
 */

class Figures {
  /**
   * @param {Source} source
   */
  constructor({ analytics, survey, funnels, days }) {
    this.analytics = analytics;
    this.readSurvey = survey;
    this.readFunnels = funnels;
    this.days = days;
    this.cache = new Cache();
  }

  /**
   * @param {string} section one of `SECTIONS`
   * @returns {Promise<any>} rejects as the methods do
   */
  section(section) {
    const read = SECTIONS[/** @type {keyof typeof SECTIONS} */ (section)];
    // What was read yesterday is not shown beside what is read today.
    const key = `${new Date().toISOString().slice(0, 10)} ${section}`;
    return this.cache.get(key, section === 'live' || section === 'health' ? LIVE : TODAY, () =>
      read(this),
    );
  }

  /** All sections; one that cannot be read is `{ error }`. */
  async all() {
    const names = Object.keys(SECTIONS);
    const answers = await Promise.all(
      names.map((name) => this.section(name).catch((error) => ({ error: told(error) }))),
    );
    return Object.fromEntries(names.map((name, i) => [name, answers[i]]));
  }

  /** The same figures, of at least so many days. @param {number} days */
  ofAtLeast(days) {
    const { analytics, readSurvey: survey, readFunnels: funnels } = this;
    return this.days >= days ? this : new Figures({ analytics, survey, funnels, days });
  }

  today() {
    return this.cache.get('today', LIVE, () => this.analytics.getConcurrency());
  }

  /** @type {(day: string, ago: number) => Promise<any>} */
  curve(day, ago) {
    const ask = () => this.analytics.getConcurrency({ day });
    return this.cache.get(`curve ${day}`, ago > SAMPLED_DAYS ? DAY : RECENT, ask);
  }

  /**
   * The days that are over and whose events are known, whether there were any: a report has the currencies of its
   * day as soon as it has the events.
   *
   * @returns {Promise<Set<string>>}
   */
  async daysOfEvents() {
    const reading = this.ofAtLeast(COMPARED_DAYS).section('economy');
    const economy = await reading.catch(() => []);
    const known = economy.flatMap((/** @type {any} */ { days }) =>
      days.filter((/** @type {any} */ row) => isWhole(row) && row.sourced !== null),
    );
    return new Set(known.map((/** @type {any} */ { day }) => day));
  }

  /** @param {string} day */
  eventsOf(day) {
    const ask = () => this.analytics.getTopEvents({ days: 1, to: day, limit: 200 });
    const lifetime = (/** @type {any[]} */ rows) => (rows[0]?.state === 'final' ? DAY : TODAY);
    return this.cache.get(`events ${day}`, lifetime, ask);
  }
}

/** @type {Record<string, (figures: Figures) => Promise<any>>} */
const SECTIONS = {
  live: async (figures) => {
    const today = await figures.today();
    const curves = await weekdayCurves(figures, today.day);
    return { ...today, normal: normality(today, curves) };
  },
  past: async (figures) => {
    const { day } = await figures.today();
    const yesterday = await figures.curve(dayBefore(day, 1), 1);
    return { day, yesterday, weekdays: await weekdayCurves(figures, day) };
  },
  players: ({ analytics, days }) => analytics.getActivity({ days }),
  retention: ({ analytics, days }) =>
    analytics.getRetention({
      cohorts: Math.min(days + MORE_COHORTS, MOST_COHORTS),
      days: RETENTION_DAYS,
    }),
  sessions: ({ analytics, days }) => analytics.getSessionLengths({ days }),
  economy: ({ analytics, days }) => analytics.getEconomy({ days, limit: 8 }),
  revenue: revenueByCurrency,
  funnels: ({ readFunnels, days }) => readFunnels(days),
  events: topEvents,
  changes: async (figures) => {
    const { day } = await figures.today();
    const yesterday = dayBefore(day, 1);
    return {
      day: yesterday,
      rows: changesOf(await comparable(figures.ofAtLeast(COMPARED_DAYS), yesterday), yesterday),
    };
  },
  health: ({ readSurvey }) => readSurvey(),
};

/** The same weekday of the last four weeks, newest first. @type {(figures: Figures, day: string) => Promise<any[]>} */
function weekdayCurves(figures, day) {
  return Promise.all(sameWeekdays(day).map((one, week) => figures.curve(one, 7 * (week + 1))));
}

/**
 * Revenue in the currencies with the most purchases, dollars first, and alone if nothing was paid. The rows of each
 * tell of all others.
 *
 * @param {Figures} figures
 */
async function revenueByCurrency({ analytics, days }) {
  const dollars = await analytics.getRevenue({ days });
  /** @type {Map<string, number>} */
  const others = new Map();
  for (const { currency, payments } of dollars.flatMap((row) => row.otherCurrencies)) {
    if (currency !== null) others.set(currency, (others.get(currency) ?? 0) + payments);
  }
  const isPaid = dollars.some((row) => row.payments !== null && row.payments > 0);
  const hasCents = dollars.some((row) => row.cents !== null && row.cents !== 0);
  const most = [...others].sort(([, one], [, other]) => other - one);
  const rest = most.slice(0, MOST_CURRENCIES - 1).map(([currency]) => currency);
  const found = await Promise.all(rest.map((currency) => analytics.getRevenue({ days, currency })));
  return isPaid || hasCents || found.length === 0 ? [dollars, ...found] : found;
}

/** The most frequent events, and how often each came on the last days. @param {Figures} figures */
async function topEvents(figures) {
  const { day } = await figures.today();
  const days = Array.from({ length: SPARK_DAYS }, (_, i) => dayBefore(day, SPARK_DAYS - 1 - i));
  const [rows, hasEvents, ...single] = await Promise.all([
    figures.analytics.getTopEvents({ days: SPARK_DAYS, to: day, limit: TOP_EVENTS }),
    figures.daysOfEvents(),
    ...days.map((one) => figures.eventsOf(one)),
  ]);
  const lists = single.map((list, i) => (days[i] === day ? list : list.filter(isWhole)));
  return {
    days,
    rows: rows.map((row) => ({
      ...row,
      byDay: lists.map((list, i) => countIn(list, row.event, hasEvents.has(days[i]))),
    })),
  };
}

/**
 * How often an event came, out of the list of one day. Not known where the day is not, nor where the event may be
 * one of the others that a last row sums up.
 *
 * @type {(rows: any[], event: string | null, isKnown: boolean) => number | null} `isKnown`: whether the day is, whose
 *   list is empty too where nothing happened
 */
function countIn(rows, event, isKnown) {
  if (rows.length === 0) return isKnown ? 0 : null;
  if (rows[0].daysKnown === 0) return null;
  const row = rows.find((one) => one.others === 0 && one.event === event);
  return row?.count ?? (rows.some(({ others }) => others > 0) ? null : 0);
}

/**
 * The figures that are looked at for changes. Those that cannot be read are left out.
 *
 * @type {(figures: Figures, day: string) => Promise<import('./changes.js').Figure[]>}
 */
async function comparable(figures, day) {
  const [players, retention, sessions, economy, revenue, events] = await Promise.all([
    ...['players', 'retention', 'sessions', 'economy', 'revenue'].map((name) =>
      figures.section(name).catch(() => []),
    ),
    eventsByDay(figures, day).catch(() => new Map()),
  ]);
  const count = (/** @type {string} */ section, /** @type {string | string[]} */ name) => {
    return { section, name, unit: 'count' };
  };
  return [
    { ...count('players', 'Players'), values: wholeDays(players, (row) => row.dau) },
    { ...count('players', 'New players'), values: wholeDays(players, (row) => row.newUsers) },
    {
      section: 'retention',
      name: 'New players of the day before who returned',
      unit: 'share',
      values: returnedNextDay(retention),
      sizes: shifted(byDay(retention, (row) => row.size)),
    },
    {
      section: 'sessions',
      name: 'Median session length',
      unit: 'seconds',
      values: wholeDays(sessions, (row) => row.p50S),
      sizes: wholeDays(sessions, (row) => row.ended),
    },
    ...economy.flatMap((/** @type {any} */ { currency, days }) => [
      { ...count('economy', [currency, 'earned']), values: wholeDays(days, (row) => row.sourced) },
      { ...count('economy', [currency, 'spent']), values: wholeDays(days, (row) => row.sunk) },
    ]),
    ...revenue.map((/** @type {any[]} */ rows) => ({
      ...{ section: 'revenue', name: 'Revenue', unit: 'money', currency: rows[0]?.currency },
      values: byDay(rows, (row) => row.cents),
    })),
    ...[...events]
      .filter(([name]) => !isToldElsewhere(name, economy))
      .map(([name, values]) => ({ ...count('events', ['event', name]), values })),
  ];
}

/** Of days that are over: the report of an open one ends where somebody asked for it last. @type {typeof byDay} */
const wholeDays = (rows, value) => byDay(rows.filter(isWhole), value);

/** @param {{ state: string }} row */
const isWhole = ({ state }) => state !== 'open';

/** Amounts say more than the number of their events. @type {(event: string, economy: any[]) => boolean} */
const isToldElsewhere = (event, economy) =>
  economy.some(({ currency }) => event.startsWith(`${currency}.`)) || event === 'stripe.payment';

/** `retained[1]` of the cohort before, by the day of the return. @param {any[]} cohorts */
function returnedNextDay(cohorts) {
  const share = byDay(cohorts, ({ size, retained }) =>
    size > 0 && retained[1] !== null ? retained[1] / size : null,
  );
  return shifted(share);
}

/** @param {Map<string, number | null>} values of a day, put on the day after */
const shifted = (values) => new Map([...values].map(([day, value]) => [dayBefore(day, -1), value]));

/**
 * How often each frequent event came, by day, on the days that are compared.
 *
 * @type {(figures: Figures, day: string) => Promise<Map<string, Map<string, number | null>>>}
 */
async function eventsByDay(figures, day) {
  const days = [day, ...sameWeekdays(day)];
  const [hasEvents, ...read] = await Promise.all([
    figures.daysOfEvents(),
    ...days.map((one) => figures.eventsOf(one)),
  ]);
  const lists = read.map((rows) => rows.filter(isWhole));
  const found = new Map();
  const names = lists.flatMap((rows) =>
    rows.slice(0, TOP_EVENTS).flatMap(({ event }) => event ?? []),
  );
  for (const name of new Set(names)) {
    found.set(
      name,
      new Map(days.map((one, i) => [one, countIn(lists[i], name, hasEvents.has(one))])),
    );
  }
  return found;
}

/** What the page shows of an error. @param {any} error */
const told = (error) => ({ code: error?.code ?? null, message: String(error?.message ?? error) });

module.exports = { Figures, SECTION_NAMES: Object.keys(SECTIONS), told };
