// What the players of one game server do, chosen by a seed, with an exact account of it. Each event has a
// mark and a copy of its fields in its data, each session has a mark as its username.
'use strict';

const { generator } = require('../../support/random');
const { COUNTED, shareOf } = require('./counted');

const UNCOUNTED = ['chat.message', 'level.up'];
const EVENTS = [...Object.keys(COUNTED), ...UNCOUNTED];
/** Small enough that no sum comes near 2^53. */
const LARGEST_AMOUNT = 1_000;

class Player {
  constructor(analytics, { name, seed, users }) {
    this.analytics = analytics;
    this.name = name;
    this.random = generator(seed);
    this.users = users;
    /** The number of the open session by user. */
    this.online = new Map();
    this.account = { name, calls: 0, events: 0, amounts: {}, sessions: [] };
  }

  chosen(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  event() {
    const [event, userId] = [this.chosen(EVENTS), this.chosen(this.users)];
    const mark = `${this.name}:${this.account.events}`;
    const data = { mark, copy: { event, userId, ts: new Date() }, ...this.amountOf(event) };
    this.account.events += 1;
    this.account.calls += 1;
    this.note(event, data);
    this.analytics.track(event, userId, data);
  }

  /** Sometimes undefined, and sometimes a text, which counts as the number in it. */
  amountOf(event) {
    const field = COUNTED[event]?.[1];
    if (!field || this.random() < 0.05) return {};
    const amount = Math.floor(this.random() * LARGEST_AMOUNT);
    return { [field]: this.random() < 0.1 ? String(amount) : amount };
  }

  note(event, data) {
    const share = shareOf(event, data);
    if (!share) return;
    const day = new Date().toISOString().slice(0, 10);
    this.account.amounts[day] ??= {};
    const sums = this.account.amounts[day];
    sums[share.total] = (sums[share.total] ?? 0) + share.amount;
  }

  /** A user who is online logs in again at times: the session before stays open. */
  login(user = this.chosen(this.users)) {
    const number = this.account.sessions.length;
    this.online.set(user, number);
    this.account.sessions.push([user, Date.now(), null]);
    this.account.calls += 1;
    this.analytics.onLogin(user, `${this.name}:${number}`);
  }

  /** The user may not be online here: then nothing is to be written. */
  logout(user = this.chosen(this.users)) {
    const number = this.online.get(user);
    this.online.delete(user);
    if (number !== undefined) this.account.sessions[number][2] = Date.now();
    this.account.calls += 1;
    this.analytics.onLogout(user);
  }

  /** What is to be done in one turn. */
  round({ events = 0, logins = 0, logouts = 0 }) {
    for (let i = 0; i < logins; i++) this.login();
    for (let i = 0; i < events; i++) this.event();
    for (let i = 0; i < logouts; i++) this.logout();
  }
}

module.exports = { Player };
