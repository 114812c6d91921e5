// Puts a scenario together: a list of calls, each with the moment at which the standing clock of
// the players is when it is made. Every call has a moment of its own, which tells afterwards which
// document is which call's.
'use strict';

const { generator } = require('../../support/random');
const { castOf } = require('./values');
const { BSON: bson } = require('../../support/driver');
const { ID_TYPES } = require('./payloads');

const DAY_MS = 86_400_000;

class Builder {
  constructor(seed, start) {
    const random = generator(seed);
    this.random = random;
    this.below = (n) => Math.floor(random() * n);
    this.pick = (list) => list[this.below(list.length)];
    this.chance = (share) => random() < share;
    this.now = Date.parse(start);
    this.calls = [];
    this.users = [];
    this.instances = 0;
    /** User → moment of the login, for each instance. */
    this.active = [];
    /** Users with a login or logout that nobody has waited for. */
    this.pending = new Set();
    /** Events that must not be counted any more. */
    this.closed = new Set();
    this.retired = new Set();
  }

  get day() {
    return new Date(this.now).toISOString().slice(0, 10);
  }

  /** Appends a call; it returns the call, so that more can be said about it. */
  call(op, details = {}) {
    this.now += 1;
    const given = Object.entries(details).filter(([, value]) => value !== undefined);
    const call = { op, on: this.anyInstance(), at: this.now, ...Object.fromEntries(given) };
    this.calls.push(call);
    return call;
  }

  anyInstance() {
    const numbers = Array.from({ length: this.instances }, (_, on) => on);
    return this.pick(numbers.filter((on) => !this.retired.has(on))) ?? 0;
  }

  /** No more calls of this instance. */
  retire(on) {
    this.retired.add(on);
    this.active[on].clear();
  }

  create() {
    const on = this.instances;
    this.instances += 1;
    this.active.push(new Map());
    return this.call('create', { on });
  }

  /** Waits for everything that was not awaited. */
  join() {
    if (this.pending.size > 0) this.call('join');
    this.pending.clear();
  }

  /** Ids whose texts are all different: else two types of one id would be one user. */
  addUsers(count) {
    const types = Object.keys(ID_TYPES);
    const taken = new Set(this.users.map((id) => castOf(id, bson)));
    while (this.users.length < count) {
      const id = ID_TYPES[this.pick(types)](this.below(60) + 10);
      if (taken.has(castOf(id, bson))) continue;
      taken.add(castOf(id, bson));
      this.users.push(id);
    }
  }

  /** The player's place in `users` is the call's `user`: a caller passes the same value again. */
  login(user, { on = this.anyInstance(), wait = this.chance(0.6), name } = {}) {
    if (this.pending.has(user)) this.join();
    const call = this.call('login', { on, user, id: this.users[user], name, wait });
    this.active[on].set(user, this.now);
    if (!wait) this.pending.add(user);
    return call;
  }

  logout(user, { on = this.anyInstance(), wait = this.chance(0.6) } = {}) {
    if (this.pending.has(user)) this.join();
    const call = this.call('logout', { on, user, id: this.users[user], wait });
    this.active[on].delete(user);
    if (!wait) this.pending.add(user);
    return call;
  }

  track(event, data, details = {}) {
    return this.call('track', { event, data, id: this.pick(this.users), ...details });
  }

  ask(op, details) {
    this.join();
    return this.call(op, details);
  }

  pass(ms) {
    this.now += ms;
  }

  /** A later moment of another day. Whoever logged in before the day before it logs out first, or
   *  stays: the reference forgets such days and would overwrite what it wrote of them. */
  goTo(moment, { leave = false } = {}) {
    this.join();
    for (const [on, users] of this.active.entries()) {
      for (const [user, since] of [...users]) {
        if (leave || dayNumber(moment) - dayNumber(since) < 2) continue;
        if (this.chance(0.5)) this.logout(user, { on, wait: true });
        users.delete(user);
      }
    }
    this.now = Math.max(this.now, moment);
  }

  nextDay({ days = 1, ...options } = {}) {
    const midnight = (dayNumber(this.now) + days) * DAY_MS;
    this.goTo(midnight + this.below(DAY_MS / 2), options);
  }

  nextMonth() {
    const date = new Date(this.now);
    const first = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
    this.goTo(first + this.below(3) * DAY_MS + this.below(DAY_MS / 2));
  }
}

function dayNumber(moment) {
  return Math.floor(moment / DAY_MS);
}

module.exports = { Builder, DAY_MS };
