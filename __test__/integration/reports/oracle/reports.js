// The report of a day, out of the raw documents and the definitions in `docs/answers.md`. Nothing here
// knows how the addon does it: every document is looked at, for every day.
'use strict';

const { Decimal128, Long } = require('../../../support/driver');
const { DAY_MS, daysTo, isDay, plus, startOf } = require('./calendar');
const { countedEvents, movers, totalsOf } = require('./counters');
const { presence } = require('./online');

const MONTH_DAYS = 30;
/** How long before events are deleted a report no longer reads them. */
const MARGIN_MS = 1_800_000;
const HOUR_MS = 3_600_000;
const LONGEST_NAME = 64;
const LONGEST_AMOUNT = 256;
const LONGEST_SESSION_S = 2 ** 31 - 1;
const ROOM = { reasons: 20, items: 100, events: 200, sessionsPerUser: 20, firstDays: 400 };
const DEFAULTS = {
  currencies: ['credits', 'gems'],
  reasonFields: ['reason', 'source', 'on'],
  itemFields: ['item', 'sku', 'recipe'],
  excludeUsers: [],
};

/** What is stored, and what is asked of it. */
class World {
  constructor({ sessions, events, days, purchases, samples, options, ttlDays }) {
    const { excludeUsers, counters, ...given } = options;
    this.counted = countedEvents(counters);
    this.settings = { ...DEFAULTS, ...withoutUndefined(given) };
    this.excluded = excludeUsers ?? [];
    this.keptMs = ttlDays * DAY_MS;
    this.purchases = purchases;
    this.samples = samples;
    this.dated = sessions.filter(({ day }) => isDay(day));
    this.all = this.dated.filter(({ userId }) => typeof userId === 'string');
    this.sessions = this.all.filter(({ userId }) => !this.isExcluded(userId));
    this.events = events.filter(({ ts }) => ts instanceof Date);
    this.daily = new Map(days.map((document) => [document.day, document]));
    this.firstDays = new Map();
    for (const { userId, day } of this.all) {
      const known = this.firstDays.get(userId);
      if (known === undefined || day < known) this.firstDays.set(userId, day);
    }
  }

  isExcluded(userId) {
    if (typeof userId !== 'string') return false;
    return this.excluded.some((one) =>
      one.endsWith('*') ? userId.startsWith(one.slice(0, -1)) : userId === one,
    );
  }

  get firstSessionDay() {
    return this.dated.reduce((first, { day }) => (first < day ? first : day), '9999');
  }

  /** The days before today that are reported: who was there in the month, or what is kept of events. */
  reportedDays(today, nowMs) {
    const days = new Set(
      this.dated.flatMap(({ day }) => daysTo(plus(day, MONTH_DAYS - 1), MONTH_DAYS)),
    );
    const times = this.events.map(({ ts }) => ts.getTime());
    const oldest = times.reduce((first, time) => Math.min(first, time), Number.POSITIVE_INFINITY);
    const kept = Math.max(oldest, nowMs - this.keptMs);
    for (let start = kept - (kept % DAY_MS); start < startOf(today); start += DAY_MS) {
      days.add(new Date(start).toISOString().slice(0, 10));
    }
    return [...days].filter((day) => day < today).sort();
  }

  state(day, asOfMs) {
    const sinceMs = asOfMs - startOf(day);
    if (sinceMs < DAY_MS) return 'open';
    return sinceMs < 6 * DAY_MS + 12 * HOUR_MS ? 'settling' : 'final';
  }

  hasEvents(day, asOfMs) {
    return asOfMs < startOf(day) + this.keptMs - MARGIN_MS;
  }

  /** The report, as it is stored. `asOfMs` says which events are still known. */
  report(day, asOfMs) {
    const events = this.hasEvents(day, asOfMs) ? this.eventsOf(day) : undefined;
    return {
      state: this.state(day, asOfMs),
      users: this.users(day),
      sessions: this.lengths(day),
      presence: presence(day, this, asOfMs),
      settings: this.madeOf(),
      ...(events ? this.eventFields(day, events) : UNKNOWN),
    };
  }

  /** What a report says of the options. */
  madeOf() {
    return {
      currencies: this.settings.currencies.map((name) => ({
        name,
        sources: this.totalsOf(name, 'source'),
        sinks: this.totalsOf(name, 'sink'),
      })),
      counted: [...this.counted.keys()].sort(),
    };
  }

  /** The totals that say how much of a currency came in, or went out. */
  totalsOf(currency, flow) {
    return totalsOf(currency, flow, this.counted, this.settings.currencies);
  }

  usersBetween(from, to) {
    const there = this.sessions.filter(({ day }) => day >= from && day <= to);
    return new Set(there.map(({ userId }) => userId));
  }

  users(day) {
    const users = [...this.usersBetween(day, day)];
    const firstDays = tally(users.map((userId) => this.firstDays.get(userId)));
    const days = [...firstDays].sort(([one], [other]) => (one < other ? 1 : -1));
    const older = days.splice(ROOM.firstDays);
    const byFirstDay = days.map(([f, u]) => ({ f, u }));
    if (older.length > 0) byFirstDay.push({ older: sum(older.map(([, u]) => u)) });
    return {
      dau: users.length,
      wau: this.usersBetween(plus(day, -6), day).size,
      mau30: this.usersBetween(plus(day, -29), day).size,
      byFirstDay,
      registered: this.daily.get(day)?.newUsers ?? null,
    };
  }

  lengths(day) {
    const sessions = this.sessions.filter((session) => session.day === day);
    const closed = sessions.filter(({ logoutAt }) => logoutAt !== null && logoutAt !== undefined);
    const isLength = (value) =>
      typeof value === 'number' && value > 0 && value <= LONGEST_SESSION_S;
    const lengths = closed.map(({ durationS }) => durationS).filter(isLength);
    const whole = lengths.map(Math.floor).sort((one, other) => one - other);
    const percentile = (percent) => whole[Math.ceil((whole.length * percent) / 100) - 1] ?? null;
    const buckets = [...tally(whole.map(bucketOf))];
    return {
      count: sessions.length,
      ended: lengths.length,
      open: sessions.length - closed.length,
      seconds: sum(lengths),
      ...{ p50: percentile(50), p90: percentile(90), p99: percentile(99) },
      perUser: perUser(sessions),
      buckets,
    };
  }

  eventsOf(day) {
    const start = startOf(day);
    return this.events.filter(({ ts }) => ts.getTime() >= start && ts.getTime() < start + DAY_MS);
  }

  eventFields(day, all) {
    const events = all.filter(({ userId }) => !this.isExcluded(userId));
    return {
      economy: this.settings.currencies.flatMap((currency) =>
        ['source', 'sink'].map((flow) => this.flow(currency, flow, events)),
      ),
      events: capped(
        grouped(
          events,
          ({ event }) => cut(event),
          () => 0,
        ),
        ROOM.events,
        'n',
      ).map(({ a, ...shown }) => shown),
      eventsTotal: events.length,
      eventsExcluded: all.length - events.length,
      coverage: this.coverage(day, all),
    };
  }

  flow(currency, flow, events) {
    const moving = movers(currency, flow, this.counted, this.settings.currencies);
    const moved = events.flatMap((event) => this.movedBy(moving, event));
    const named = (name) =>
      grouped(
        moved,
        (one) => one[name],
        ({ amount }) => amount,
      );
    return {
      currency,
      flow,
      amount: sum(moved.map(({ amount }) => amount)),
      count: moved.length,
      reasons: capped(named('reason'), ROOM.reasons, 'a'),
      items: capped(named('item'), ROOM.items, 'a'),
    };
  }

  /** What an event brings into the game or takes out of it; nothing for any other event. */
  movedBy(moving, { event, data }) {
    const mover = moving.find((one) => one.event === event);
    if (!mover) return [];
    const reason = mover.reason ?? this.firstText(data, this.settings.reasonFields);
    const item = this.firstText(data, this.settings.itemFields);
    return [{ amount: added(mover.field, data), reason, item }];
  }

  firstText(data, fields) {
    const texts = fields.map((name) => field(data, name));
    return cut(texts.find((value) => typeof value === 'string'));
  }

  /** Totals count everybody. */
  coverage(day, events) {
    const totals = [...new Set([...this.counted.values()].map(({ total }) => total))].sort();
    const adds = (wanted) => (one) => {
      const { total, amount } = this.counted.get(one.event) ?? {};
      return total === wanted ? added(amount, one.data) : 0;
    };
    return totals.map((total) => ({
      k: total,
      total: this.daily.get(day)?.[total] ?? null,
      events: sum(events.map(adds(total))),
    }));
  }
}

/** The amount in this field of an event; 1 without one. */
function added(name, data) {
  return name === undefined ? 1 : amountOf(field(data, name));
}

const UNKNOWN = {
  economy: null,
  events: null,
  eventsTotal: null,
  eventsExcluded: null,
  coverage: null,
};

function withoutUndefined(object) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

function tally(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** A field of a document; nothing where `data` is something else. */
function field(data, name) {
  const isDocument = Object.prototype.toString.call(data) === '[object Object]' && !data._bsontype;
  return isDocument && Object.hasOwn(data, name) ? data[name] : undefined;
}

function cut(text) {
  return typeof text === 'string' ? [...text].slice(0, LONGEST_NAME).join('') : null;
}

/** As the daily totals count it. */
function amountOf(value) {
  let number = Number.NaN;
  if (typeof value === 'number') number = value;
  else if (value instanceof Long) number = Number(value.toString());
  else if (value instanceof Decimal128) number = ofText(value.toString());
  else if (typeof value === 'string') number = ofText(value);
  return Math.abs(number) <= 2 ** 53 ? number : 0;
}

function ofText(text) {
  return text.length <= LONGEST_AMOUNT && text.trim() !== '' ? Number(text) : Number.NaN;
}

function perUser(sessions) {
  const counts = [...tally([...tally(sessions.map(({ userId }) => userId)).values()])];
  counts.sort(([one], [other]) => one - other);
  const shown = counts.filter(([n]) => n <= ROOM.sessionsPerUser).map(([n, u]) => ({ n, u }));
  const more = counts.filter(([n]) => n > ROOM.sessionsPerUser);
  if (more.length > 0) {
    const [n, u] = [sum(more.map(([n, u]) => n * u)), sum(more.map(([, u]) => u))];
    shown.push({ over: ROOM.sessionsPerUser, n, u });
  }
  return shown;
}

/** The first power of 1.1 that is not shorter. */
function bucketOf(length) {
  let bucket = 0;
  while (1.1 ** bucket < length) bucket += 1;
  return bucket;
}

/** Sums by name: `[{ k, a, n }]`. */
function grouped(list, nameOf, amount) {
  const sums = new Map();
  for (const one of list) {
    const k = nameOf(one);
    const { a, n } = sums.get(k) ?? { a: 0, n: 0 };
    sums.set(k, { k, a: a + amount(one), n: n + 1 });
  }
  return [...sums.values()];
}

/** The largest, ties by name, and one row for the rest. */
function capped(sums, room, size) {
  const sorted = largestFirst(sums, size);
  const rest = sorted.splice(room);
  if (rest.length > 0) {
    sorted.push({
      other: rest.length,
      a: sum(rest.map(({ a }) => a)),
      n: sum(rest.map(({ n }) => n)),
    });
  }
  return sorted;
}

function largestFirst(sums, size) {
  const compare = (one, other) =>
    Math.abs(other[size]) - Math.abs(one[size]) || compareNames(one.k, other.k);
  return sums.toSorted(compare);
}

/** What is no text comes first; texts in the order of their characters. */
function compareNames(one, other) {
  if (one === null || other === null) return (one === null ? 0 : 1) - (other === null ? 0 : 1);
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

module.exports = { ROOM, World, largestFirst, sum };
