// What the methods should answer, out of the reports that the raw documents make.
'use strict';

const { dayOf, daysTo, plus } = require('./calendar');
const { funnel } = require('./funnels');
const { presence } = require('./online');
const { revenue } = require('./revenue');
const { World, largestFirst, sum } = require('./reports');
const { WHEN_ANSWERED } = require('./tolerances');

const STATES = ['open', 'settling', 'final'];
/** What getEconomy() says of the days with reports. */
const FLOWS = { source: ['sources', 'sourceItems'], sink: ['sinks', 'sinkItems'] };

class Answers {
  /** `asOf` says of each day when its stored report was begun. */
  constructor(stored, asOf, nowMs) {
    this.world = new World(stored);
    this.today = dayOf(nowMs);
    this.asOf = asOf;
    this.nowMs = nowMs;
    this.reported = new Set([...this.world.reportedDays(this.today, nowMs), this.today]);
    this.made = new Map();
  }

  /** `{ day, state, asOf, report }`; the report is `null` for a day of which nothing is known. */
  row(day) {
    if (!this.made.has(day)) this.made.set(day, this.makeRow(day));
    return this.made.get(day);
  }

  makeRow(day) {
    const isOver = day < this.today;
    if (this.reported.has(day)) {
      // That of today may be made again between two answers.
      const asOf = isOver ? (this.asOf.get(day) ?? null) : WHEN_ANSWERED;
      const report = this.world.report(day, asOf instanceof Date ? asOf.getTime() : this.nowMs);
      return { day, state: report.state, asOf, report };
    }
    const state = isOver ? 'final' : 'open';
    const isQuiet = isOver && this.world.firstSessionDay <= day;
    return { day, state, asOf: isQuiet ? WHEN_ANSWERED : null, report: isQuiet ? NOBODY : null };
  }

  rows({ days = 30, to = this.today }) {
    return daysTo(to, days).map((day) => this.row(day));
  }

  getActivity(range = {}) {
    return this.rows(range).map(({ report, ...head }) => {
      const { dau, wau, mau30, registered } = report?.users ?? {};
      const newUsers = report && usersSince(report, head.day);
      const sessions = report?.sessions.count;
      return unknownAsNull({
        ...head,
        ...{ dau, newUsers, returningUsers: report && dau - newUsers },
        registered: typeof registered === 'number' ? registered : null,
        ...{ wau, mau30, stickiness: share(dau, mau30), sessions },
        sessionsPerUser: share(sessions, dau),
      });
    });
  }

  getRetention({ cohorts = 30, days = [1, 3, 7, 14, 30] } = {}) {
    return daysTo(this.today, cohorts).map((day) => {
      const cohort = this.row(day);
      const cells = days.map((later) => ({ later, known: this.whole(cohort, plus(day, later)) }));
      const counted = cells.map(({ later, known }) => {
        return [later, known ? usersSince(known.report, day) : null];
      });
      return {
        day,
        ...headOf([cohort, ...cells.flatMap(({ known }) => known ?? [])]),
        size: cohort.report ? usersSince(cohort.report, day) : null,
        retained: Object.fromEntries(counted),
      };
    });
  }

  /** The row of a day that is over, if it and that of the cohort are of whole days. */
  whole(cohort, day) {
    const rows = [cohort, this.row(day)];
    const isWhole = ({ report, state }) => report !== null && state !== 'open';
    return day < this.today && rows.every(isWhole) ? rows[1] : undefined;
  }

  getSessionLengths(range = {}) {
    return this.rows(range).map(({ report, ...head }) => {
      const { ended, open, seconds, p50, p90, p99, buckets } = report?.sessions ?? {};
      return unknownAsNull({
        ...head,
        ...{ ended, open, meanS: share(seconds, ended), p50S: p50, p90S: p90, p99S: p99 },
        buckets: buckets?.map(([power, count]) => ({ upToS: 1.1 ** power, count })),
      });
    });
  }

  getEconomy({ currency, limit = 20, ...range } = {}) {
    const rows = this.rows(range);
    const wanted = this.world.settings.currencies.filter((one) => one === (currency ?? one));
    return wanted.map((one) => this.economyOf(one, rows, limit));
  }

  economyOf(currency, rows, limit) {
    const known = rows.filter(({ report }) => {
      return report?.economy && entryOf(report.economy, currency, 'source');
    });
    const entries = (flow) => known.map(({ report }) => entryOf(report.economy, currency, flow));
    const lists = Object.entries(FLOWS).flatMap(([flow, [reasons, items]]) => [
      [
        reasons,
        flowRows(
          entries(flow).map((entry) => entry.reasons),
          limit,
        ),
      ],
      [
        items,
        flowRows(
          entries(flow).map((entry) => entry.items),
          limit,
        ),
      ],
    ]);
    const amount = (flow) =>
      known.length > 0 ? sum(entries(flow).map((entry) => entry.amount)) : null;
    return {
      currency,
      ...headOf(known),
      daysKnown: known.length,
      ...balance(amount('source'), amount('sink')),
      ...Object.fromEntries(lists),
      coverage: this.coverage(currency, known),
      days: rows.map((row) => this.economyDay(currency, row)),
    };
  }

  economyDay(currency, row) {
    const { report, ...head } = row;
    const of = (flow) =>
      (report?.economy && entryOf(report.economy, currency, flow)?.amount) ?? null;
    const known = report?.economy ? [row] : [];
    const coverage = this.coverage(currency, known);
    return { ...head, ...balance(of('source'), of('sink')), coverage };
  }

  coverage(currency, rows) {
    const totals = ['source', 'sink'].flatMap((flow) => this.world.totalsOf(currency, flow));
    return totals.sort().map((total) => {
      const entries = rows.map(({ report }) => report.coverage.find(({ k }) => k === total));
      const known = entries.filter((entry) => typeof entry.total === 'number');
      if (known.length === 0) return { total, counted: null, seen: null };
      return {
        total,
        counted: sum(known.map((one) => one.total)),
        seen: sum(known.map((one) => one.events)),
      };
    });
  }

  getRevenue({ currency = 'USD', ...range } = {}) {
    const rows = this.rows(range).map(({ report, ...head }) => {
      return { ...head, dau: report?.users.dau ?? null };
    });
    return revenue(this.world, rows, this.today, currency);
  }

  /** Nobody is online: no instance says how many players it has. */
  getConcurrency({ day }) {
    const nobody = { now: null, processes: 0, byInstance: [], asOf: WHEN_ANSWERED };
    return { ...nobody, day, ...presence(day, this.world, this.nowMs) };
  }

  getFunnel(definition, { days }) {
    const { world, today, nowMs } = this;
    return funnel(definition, { world, today, nowMs, days });
  }

  getTopEvents({ limit = 20, ...range } = {}) {
    const known = this.rows(range).filter(({ report }) => report?.events);
    const all = sum(known.map(({ report }) => report.eventsTotal));
    const head = { ...headOf(known), daysKnown: known.length };
    const lists = known.map(({ report }) => report.events.map((one) => ({ a: 0, ...one })));
    return merged(lists, limit, 'n').map(({ name, others, n }) => ({
      ...{ event: name, others, count: n, share: n / all },
      ...head,
    }));
  }
}

const NOBODY = {
  users: { dau: 0, wau: 0, mau30: 0, byFirstDay: [], registered: null },
  sessions: {
    count: 0,
    ended: 0,
    open: 0,
    seconds: 0,
    p50: null,
    p90: null,
    p99: null,
    buckets: [],
  },
};

function unknownAsNull(row) {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, value ?? null]));
}

function share(part, whole) {
  return whole ? part / whole : null;
}

/** Users of the day whose first day was this one. */
function usersSince(report, first) {
  return report.users.byFirstDay.find(({ f }) => f === first)?.u ?? 0;
}

function headOf(rows) {
  const rank = Math.min(...rows.map(({ state }) => STATES.indexOf(state)), STATES.length - 1);
  const times = rows.map(({ asOf }) => asOf);
  const stored = times.filter((time) => time instanceof Date).sort((one, other) => one - other);
  return { state: STATES[rank], asOf: stored[0] ?? times[0] ?? null };
}

function entryOf(economy, currency, flow) {
  return economy.find((entry) => entry.currency === currency && entry.flow === flow);
}

function balance(sourced, sunk) {
  return { sourced, sunk, net: sourced === null ? null : sourced - sunk };
}

function flowRows(lists, limit) {
  return merged(lists, limit, 'a').map(({ name, others, a, n }) => ({
    name,
    others,
    amount: a,
    count: n,
  }));
}

/** The lists of several days as one, the rest of all in its last row. */
function merged(lists, limit, size) {
  const sums = new Map();
  const rest = { k: undefined, a: 0, n: 0 };
  for (const entry of lists.flat()) {
    const into = 'other' in entry ? rest : (sums.get(entry.k) ?? { k: entry.k, a: 0, n: 0 });
    into.a += entry.a;
    into.n += entry.n;
    if (into !== rest) sums.set(entry.k, into);
  }
  const sorted = largestFirst([...sums.values()], size);
  const cut = sorted.splice(limit);
  const shown = sorted.map(({ k, a, n }) => ({ name: k, others: 0, a, n }));
  const ofDays = lists.flat().map(({ other = 0 }) => other);
  const others = cut.length + Math.max(0, ...ofDays);
  const [a, n] = ['a', 'n'].map((part) => sum([...cut, rest].map((one) => one[part])));
  return others > 0 ? [...shown, { name: null, others, a, n }] : shown;
}

module.exports = { Answers };
