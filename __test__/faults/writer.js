// What a game server of these tests tracks. Each record follows from a mark, `<name>:<number>`, which it
// carries: the last number of a server that was killed tells everything that it tracked.
'use strict';

const { COUNTED } = require('../integration/exactness/counted');

const EVENTS = [...Object.keys(COUNTED), 'chat.message', 'level.up'];
/** Small enough that no sum comes near 2^53. */
const LARGEST_AMOUNT = 1_000;
/** All servers have them in common. */
const USERS = 200;
/** A session is closed when this many others have begun since. */
const CLOSED_AFTER = 5;

/** FNV-1a: looks random, and is the same for the same mark. */
function numberOf(mark) {
  let hash = 0x811c9dc5;
  for (let i = 0; i < mark.length; i++) hash = Math.imul(hash ^ mark.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** `{ event, userId, data }` of the event with this mark. */
function eventOf(mark) {
  const number = numberOf(mark);
  const event = EVENTS[number % EVENTS.length];
  const userId = `user${(number >>> 4) % USERS}`;
  const field = COUNTED[event]?.[1];
  const amount = (number >>> 8) % LARGEST_AMOUNT;
  return { event, userId, data: { mark, ...(field && { [field]: amount }) } };
}

/** The user of the session with this number. No user has two open sessions. */
function userOf(name, number) {
  return `user${(numberOf(name) + number * 7) % USERS}`;
}

/** How many sessions are closed after this many logins. */
function closedOf(logins) {
  return Math.max(0, logins - CLOSED_AFTER);
}

class Writer {
  constructor(analytics, name) {
    this.analytics = analytics;
    this.name = name;
    this.events = 0;
    this.logins = 0;
    /** The longest call of track(). */
    this.worstTrackMs = 0;
  }

  event(track = (...args) => this.analytics.track(...args), isKeyed = false) {
    const { event, userId, data } = eventOf(`${this.name}:${this.events}`);
    data.copy = { event, userId, ts: new Date() };
    const options = isKeyed ? { dedupeKey: data.mark } : undefined;
    const begun = performance.now();
    track(event, userId, data, options);
    this.worstTrackMs = Math.max(this.worstTrackMs, performance.now() - begun);
    this.events += 1;
  }

  /** Logs in a user, and logs out an earlier one. */
  login() {
    const number = this.logins;
    const username = `${this.name}:${number}:${Date.now()}`;
    this.analytics.onLogin(userOf(this.name, number), username);
    if (number >= CLOSED_AFTER) this.analytics.onLogout(userOf(this.name, number - CLOSED_AFTER));
    this.logins += 1;
  }

  /** The first of its events has a dedupe key where the turn is `keyed`. */
  turn({ events = 0, logins = 0, keyed = false }) {
    for (let i = 0; i < logins; i++) this.login();
    for (let i = 0; i < events; i++) this.event(undefined, keyed && i === 0);
  }

  get account() {
    const { name, events, logins, worstTrackMs } = this;
    return { name, events, logins, worstTrackMs };
  }
}

/** The cost of a call in a server without analytics. */
function trackNothing() {}

module.exports = { Writer, closedOf, eventOf, trackNothing, userOf };
