// Random databases out of a seed: what is stored at first, what is stored later, and the options of
// the instances that report it.
'use strict';

const { generator } = require('../../../support/random');
const { DAY_MS, dayOf, plus, startOf } = require('./calendar');
const { samplesOf } = require('./online');
const { countedEvents } = require('./counters');
const values = require('./values');

/** How long ago the oldest events are. */
const EVENT_DAYS = 8;

/**
 * `{ options, ttlDays, batches }`: each batch is documents to be stored between two runs, the days whose late
 * sessions are noted, and whether the server's clock was ahead before it. `nowMs` is the server's clock: nothing but
 * days of sessions is later.
 */
function generate(seed, nowMs) {
  const maker = new Maker(generator(seed), nowMs);
  return {
    options: maker.options(),
    ttlDays: maker.chance(0.1) ? 3 : 7,
    batches: Array.from({ length: maker.chance(0.4) ? 2 : 1 }, (_, index) => maker.batch(index)),
  };
}

class Maker {
  constructor(random, nowMs) {
    this.random = random;
    this.nowMs = nowMs;
    this.today = dayOf(nowMs);
    this.users = this.some(values.USERS, 1 + this.below(values.USERS.length));
    this.currencies = this.chance(0.2) ? ['gems', 'gold'] : ['credits', 'gems'];
    // Sums of both together would not be exact.
    this.amounts = this.chance(0.85) ? values.FINE : values.HUGE;
    this.counters = this.chance(0.5) ? this.someCounters() : undefined;
    this.oldDay = this.chance(0.25) ? this.one(values.EDGES) : undefined;
    this.names = this.some(values.NAMES, 1 + this.below(values.NAMES.length));
    /** Users of sessions whose day is just no longer reported again. */
    this.settled = [];
  }

  below(end) {
    return Math.floor(this.random() * end);
  }

  chance(probability) {
    return this.random() < probability;
  }

  one(list) {
    return list[this.below(list.length)];
  }

  some(list, count) {
    const left = [...list];
    return Array.from({ length: count }, () => left.splice(this.below(left.length), 1)[0]);
  }

  options() {
    const excludeUsers = this.chance(0.3)
      ? this.some(['bot-*', 'tester', 'ann', '$*'], 2)
      : undefined;
    const currencies = this.currencies.includes('gold') ? this.currencies : undefined;
    const reasonFields = this.chance(0.2) ? ['why', 'reason'] : undefined;
    return { excludeUsers, currencies, reasonFields, counters: this.counters };
  }

  someCounters() {
    const isExact = ([, one]) => this.amounts === values.FINE || typeof one !== 'string';
    const entries = Object.entries(values.COUNTERS).filter(isExact);
    return Object.fromEntries(this.some(entries, 1 + this.below(entries.length)));
  }

  batch(index) {
    const many = this.chance(0.1) ? 600 : 60;
    const make = (count, one) => Array.from({ length: count }, one);
    return {
      sessions: make(this.below(many), () => this.session(index)),
      events: make(this.below(many), () => this.event()),
      days: index === 0 ? this.dailyDocuments() : [],
      purchases: this.chance(0.6) ? make(this.below(30), () => this.purchase()) : [],
      samples: index === 0 && this.chance(0.3) ? this.samples() : [],
      ...this.late(index),
      isAhead: index > 0 && this.chance(0.3),
    };
  }

  /** Sessions that come when the last report of their day has been made, noted as this package does. */
  late(index) {
    if (index === 0 || this.chance(0.5)) return { lateDays: [], lateSessions: [] };
    const count = 1 + this.below(3);
    const lateDays = Array.from({ length: count }, () => plus(this.today, -6 - this.below(60)));
    const lateSessions = lateDays.map((day) => {
      const atMs = startOf(day) + this.timeOfDay();
      // Often somebody whose first day that makes earlier, also in reports of more than a month later.
      const isKnown = this.settled.length > 0 && this.chance(0.7);
      const userId = isKnown ? this.one(this.settled) : this.user();
      return { ...this.ending(atMs), userId, ...this.dated(day, atMs), day };
    });
    return { lateDays, lateSessions };
  }

  purchase() {
    const day = plus(this.today, -this.below(this.chance(0.3) ? 45 : 9));
    return {
      userId: this.chance(0.1) ? null : this.one(this.users),
      cents: this.one(values.CENTS),
      currency: this.one(values.CODES),
      day: this.chance(0.04) ? this.one(values.NO_DAYS)(day) : day,
      ts: new Date(startOf(day)),
    };
  }

  /** How many players one instance had in some minutes of one of the last days. */
  samples() {
    const day = plus(this.today, -1 - this.below(3));
    const minutes = Array.from({ length: 1 + this.below(40) }, () => this.below(1_440));
    return samplesOf(
      day,
      minutes.map((minute) => [minute, this.below(9)]),
    );
  }

  /** Late ones are of days that are still reported again. */
  session(index) {
    const day = index > 0 ? plus(this.today, -this.below(5)) : this.dayOfSession();
    const atMs = startOf(day) + this.timeOfDay();
    const userId = this.user();
    if (day < plus(this.today, -6) && day > plus(this.today, -9)) this.settled.push(userId);
    return {
      ...this.ending(atMs),
      userId,
      username: 'name',
      ...this.dated(day, atMs),
      __v: 0,
    };
  }

  dayOfSession() {
    if (this.oldDay && this.chance(0.3)) return plus(this.oldDay, this.below(4) - 1);
    if (this.chance(0.05)) return plus(this.today, 1 + this.below(3));
    return plus(this.today, -this.below(this.chance(0.3) ? 45 : 9));
  }

  dated(day, atMs) {
    const kept = this.chance(0.04) ? this.one(values.NO_DAYS)(day) : day;
    return { day: kept, month: day.slice(0, 7), loginAt: new Date(atMs) };
  }

  ending(atMs) {
    if (this.chance(0.15))
      return this.one([
        { logoutAt: null, durationS: 0 },
        { durationS: 0 },
        { logoutAt: null, durationS: 60 },
      ]);
    const durationS = this.one(this.chance(0.1) ? values.NO_DURATIONS : values.DURATIONS);
    const seconds = typeof durationS === 'number' && durationS < 1e6 ? Math.max(durationS, 0) : 1;
    return {
      logoutAt: new Date(atMs + seconds * 1_000),
      ...(durationS !== undefined && { durationS }),
    };
  }

  event() {
    const day = plus(this.today, -this.below(EVENT_DAYS));
    const ts = new Date(Math.min(startOf(day) + this.timeOfDay(), this.nowMs));
    const event = { userId: this.user(), event: this.eventName(), day: dayOf(ts), ts, __v: 0 };
    if (this.chance(0.05))
      return {
        ...event,
        ...this.one([{}, { data: null }, { data: [this.data()] }, { data: 'x' }]),
      };
    return { ...event, data: this.data() };
  }

  eventName() {
    if (this.chance(0.02)) return this.one(values.NO_TEXTS);
    if (this.chance(0.3)) return this.one(this.names);
    if (this.chance(0.15)) return this.one(values.OTHER_EVENTS);
    if (this.counters && this.chance(0.5)) return this.one(Object.keys(this.counters));
    return `${this.one(this.currencies)}.${this.one(['earn', 'spend'])}`;
  }

  data() {
    const amount = this.one(this.chance(0.2) ? values.NO_AMOUNTS : this.amounts);
    const fields = ['amount', 'amount', 'amount', 'gems', 'amountCents'];
    if (this.counters) fields.push(...values.COUNTER_FIELDS);
    const data = { [this.one(fields)]: amount };
    for (const field of ['reason', 'source', 'on', 'why', 'item', 'sku', 'recipe']) {
      if (this.chance(0.35)) data[field] = this.name();
    }
    return data;
  }

  name() {
    if (this.chance(0.1)) return this.one(values.NO_TEXTS);
    return this.chance(0.05) ? `name ${this.below(150)}` : this.one(this.names);
  }

  user() {
    return this.one(this.chance(0.03) ? values.NO_USERS : this.users);
  }

  timeOfDay() {
    return this.one([0, 1, DAY_MS - 1, DAY_MS - 2, this.below(DAY_MS), this.below(DAY_MS)]);
  }

  dailyDocuments() {
    const counted = [...countedEvents(this.counters).values()];
    const totals = [...new Set(counted.map(({ total }) => total))];
    const days = Array.from({ length: 12 }, (_, ago) => plus(this.today, -ago));
    return days
      .filter(() => this.chance(0.7))
      .map((day) => {
        const kept = this.some(totals, this.below(totals.length + 1));
        const total = () => (this.chance(0.1) ? this.one(['5', null, {}]) : this.below(1_000) / 2);
        return {
          day,
          month: day.slice(0, 7),
          ...Object.fromEntries(kept.map((name) => [name, total()])),
        };
      });
  }
}

module.exports = { generate };
