// What the addon has to make of a scenario, as far as exceptions need it: sessions, daily documents
// and answers. It also tells which field each provoking call touches: only there may the addon
// differ from the reference, and only towards what is worked out here.
'use strict';

const { BSON: bson } = require('../../support/driver');
const { COUNTED } = require('./payloads');
const { saidByAddon } = require('./posts');
const { NO_CAST, castOf, makeValue } = require('./values');

const COUNTER_OF = {
  __proto__: null,
  'dungeon.complete': 'dungeonsRun',
  'craft.complete': 'craftsCompleted',
  'pvp.battle': 'pvpBattles',
  'pvp.ranked.battle': 'pvpBattles',
  'raid.complete': 'raidBattles',
  'market.sale': 'marketSales',
  'user.register': 'newUsers',
  'credits.earn': 'creditsEarned',
  'credits.spend': 'creditsSpent',
  'gems.earn': 'gemsEarned',
  'gems.spend': 'gemsSpent',
  'gems.purchase': 'gemsPurchased',
  'stripe.payment': 'stripeRevenue',
};
const COUNTERS = [...new Set(Object.values(COUNTER_OF)), 'dau', 'sessionCount', 'totalSessionS'];
const FIELDS = [...COUNTERS, 'month'].sort();
const GREATEST = 2 ** 53;
const DAY_MS = 86_400_000;
const LEFT_MEMORY = 'days that left memory';
const SHARED = 'two instances';

class Model {
  constructor({ calls, webhook }) {
    this.webhook = webhook;
    this.instances = [];
    this.days = new Map();
    /** Moment of the login → session. */
    this.sessions = new Map();
    /** Name of the call → what it answers. */
    this.answers = new Map();
    /** Moment of the call → its data as it was then, for provoking calls. */
    this.meantData = new Map();
    /** Moment of the call → what its post says besides the time, for provoking calls. */
    this.meantPosts = new Map();
    this.printed = [];
    this.touched = new Set();
    calls.forEach((call, index) => {
      const name = nameOf(call, index);
      this.play(call, name);
    });
  }

  play(call, name) {
    if (call.op === 'days') this.answers.set(name, { days: this.countersNow() });
    else if (call.op !== 'join') this[call.op](call, name);
  }

  touch(provokes, ...target) {
    this.touched.add([provokes, ...target].join(' | '));
  }

  wasTouched(provokes, ...target) {
    return this.touched.has([provokes, ...target].join(' | '));
  }

  day(moment) {
    const day = isoOf(moment).slice(0, 10);
    if (!this.days.has(day)) {
      const counters = Object.fromEntries(COUNTERS.map((counter) => [counter, 0]));
      this.days.set(day, { day, month: day.slice(0, 7), counters, users: new Set(), by: {} });
    }
    return this.days.get(day);
  }

  count(call, moment, counter, amount) {
    const day = this.day(moment);
    day.counters[counter] += amount;
    day.by[counter] ??= new Set();
    day.by[counter].add(call.on);
    if (day.by[counter].size > 1) this.touch(SHARED, day.day, counter);
    return day;
  }

  create({ on }) {
    this.instances[on] = { active: new Map(), isStarted: false, isStopped: false, provoked: [] };
  }

  start({ on }) {
    const instance = this.instances[on];
    if (instance.isStarted) this.touch('start twice', 'printed');
    else this.printed.push('[ANALYTICS] System started');
    Object.assign(instance, { isStarted: true, isStopped: false });
  }

  stop({ on }) {
    Object.assign(this.instances[on], { isStarted: false, isStopped: true });
  }

  track(call, name) {
    const { provokes, at } = call;
    const counter = COUNTER_OF[eventKey(call.event)];
    if (provokes) {
      this.touchAll(provokes, { call: name, at, counter });
      this.meantData.set(isoOf(at), call.data);
      this.meantPosts.set(isoOf(at), saidByAddon(call));
    }
    const refused = call.refused || this.instances[call.on].isStopped;
    if (!counter || refused) return;
    this.count(call, at, counter, amountOf(call));
  }

  touchAll(provokes, { call, at, counter }) {
    this.touch(provokes, 'call', call);
    this.touch(provokes, 'at', isoOf(at));
    this.touch(provokes, isoOf(at).slice(0, 10), counter);
    this.touch(provokes, 'day', isoOf(at).slice(0, 10));
  }

  login(call) {
    const { on, at, id, provokes } = call;
    const day = isoOf(at).slice(0, 10);
    if (provokes) {
      this.touchAll(provokes, { at, counter: 'dau' });
      this.touch(provokes, day, 'sessionCount');
      this.instances[on].provoked.push(provokes);
    }
    const text = castOf(id, bson);
    const isDropped = text === NO_CAST || !text || castOf(call.name, bson) === NO_CAST;
    if (isDropped || call.refused) return;
    this.instances[on].active.set(text, at);
    this.sessions.set(at, { text, month: day.slice(0, 7), logoutAt: null, durationS: 0 });
    const { users, counters } = this.count(call, at, 'sessionCount', 1);
    users.add(text);
    counters.dau = users.size;
    this.count(call, at, 'dau', 0);
  }

  logout(call) {
    const { on, at, id, provokes } = call;
    const { active, provoked } = this.instances[on];
    const text = castOf(id, bson);
    const since = active.get(text);
    if (since === undefined) return;
    active.delete(text);
    const durationS = Math.round((at - since) / 1000);
    Object.assign(this.sessions.get(since), { logoutAt: at, durationS });
    const { day } = this.count(call, since, 'totalSessionS', durationS);
    if (dayNumber(at) - dayNumber(since) > 1) this.touch(LEFT_MEMORY, day, 'totalSessionS');
    if (!provokes) return;
    provoked.push(provokes);
    this.touchAll(provokes, { at: since, counter: 'totalSessionS' });
  }

  metrics({ on, at }, name) {
    const today = isoOf(at).slice(0, 10);
    const month = today.slice(0, 7);
    const { active, provoked } = this.instances[on];
    for (const provokes of provoked) this.touch(provokes, 'call', name);
    for (const provokes of [SHARED]) {
      if (this.wasTouched(provokes, today, 'dau')) this.touch(provokes, 'call', name);
    }
    const sessions = [...this.sessions.values()].filter((session) => session.month === month);
    const ended = sessions.map(({ durationS }) => durationS).filter((seconds) => seconds > 0);
    const mean = ended.reduce((sum, seconds) => sum + seconds, 0) / (ended.length || 1);
    this.answers.set(name, {
      today,
      dau: this.days.get(today)?.counters.dau ?? 0,
      mau: new Set(sessions.map(({ text }) => text)).size,
      avgSessionMin: Math.round(mean / 60),
      activeSessions: active.size,
      days: this.countersNow(),
    });
  }

  countersNow() {
    return new Map([...this.days].map(([day, { counters }]) => [day, { ...counters }]));
  }

  /** The whole daily document, as canonical EJSON. */
  dailyDocument(name) {
    const day = this.days.get(name);
    if (!day) return undefined;
    const rest = FIELDS.map((field) => [field, stored(day.counters[field] ?? day.month)]);
    return { _id: '<ObjectId>', day: day.day, __v: stored(0), ...Object.fromEntries(rest) };
  }
}

function isoOf(moment) {
  return new Date(moment).toISOString();
}

function dayNumber(moment) {
  return Math.floor(moment / DAY_MS);
}

/** The reference looks an event up as a property key. */
function eventKey(event) {
  const value = makeValue(event, bson);
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : '';
  try {
    return String(value);
  } catch {
    return '';
  }
}

/** What a call adds: numbers and numeric strings up to 2^53, and 0 for everything else. */
function amountOf({ event, data }) {
  const field = COUNTED[eventKey(event)];
  if (field === null) return 1;
  const value = makeValue(data, bson)?.[field];
  if (!value) return 0;
  const isNumeric = typeof value === 'string' && value.trim() !== '';
  const isNumber = ['number', 'bigint'].includes(typeof value) || value instanceof Number;
  const isOfBson = ['Double', 'Int32', 'Long', 'Decimal128'].includes(value._bsontype);
  const number = isNumber || isNumeric || isOfBson ? Number(String(value)) : 0;
  return Math.abs(number) <= GREATEST ? number : 0;
}

/** A counter or a text, as canonical EJSON shows what is stored for it. */
function stored(value) {
  if (typeof value === 'string') return value;
  const isInt32 = Number.isInteger(value) && value >= -(2 ** 31) && value < 2 ** 31;
  return bson.EJSON.serialize(isInt32 ? new bson.Int32(value) : new bson.Double(value), {
    relaxed: false,
  });
}

/** How a call is called in reports. */
function nameOf({ op }, index) {
  return `${String(index + 1).padStart(3, '0')} ${op}`;
}

module.exports = { COUNTERS, Model, isoOf, nameOf, stored };
