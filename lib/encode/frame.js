/**
 * Frame of one record: header, BSON elements, webhook body.
 *
 * A frame carries everything that the native side needs, so that it splices bytes and parses nothing.
 * Layout, little endian: `u32 length of the frame | u8 kind | u8 flags | u8 counter | u8 0 |
 * f64 time | f64 number | u32 length of the elements | elements | webhook body`.
 */
'use strict';

const { types } = require('node:util');
const { Encoder } = require('./bson.js');
const { castString, INVALID } = require('./cast.js');
const { Rejection } = require('./rejection.js');

const EVENT = 1;
const LOGIN = 2;
const LOGOUT = 3;

/** Flags. Without STORED a record only counts. */
const STORED = 1;
const FORWARDED = 2;

const HEADER = 28;
const MAX_NAME_BYTES = 256;
const MAX_AMOUNT = 2 ** 53;
const BODY_FACTOR = 4;

// Taken now: a host's tests may replace the clock and its `Date` at any time.
const NativeDate = Date;
const { toISOString } = Date.prototype;
const { valueOf: numberValueOf } = Number.prototype;
const { stringify } = JSON;
const { apply } = Reflect;

/**
 * Runs user code; a value that throws on the way is as unusable as one that the cast refuses.
 * @param {unknown} value
 */
function castOrInvalid(value) {
  try {
    return castString(value);
  } catch {
    return INVALID;
  }
}

/** @type {(text: unknown, reason: RejectReason) => void} */
function limitName(text, reason) {
  if (typeof text !== 'string' || text.length * 3 <= MAX_NAME_BYTES) return;
  if (text.length > MAX_NAME_BYTES || Buffer.byteLength(text) > MAX_NAME_BYTES) {
    throw new Rejection(reason);
  }
}

/**
 * What a value adds to a counter; NaN for what is not an amount. Runs no user code.
 * @param {unknown} value
 */
function amountOf(value) {
  if (!value && !Number.isNaN(value)) return 0;
  let number = NaN;
  if (typeof value === 'number') number = value;
  else if (typeof value === 'string') number = numeric(value);
  else if (types.isNumberObject(value)) number = apply(numberValueOf, value, []);
  return Math.abs(number) <= MAX_AMOUNT ? number : NaN;
}

/** @param {string} text */
function numeric(text) {
  return text.length <= MAX_NAME_BYTES && text.trim() !== '' ? Number(text) : NaN;
}

/**
 * @typedef {import('../../native.js').CountedEvent} CountedEvent
 * @typedef {import('../../native.js').RejectReason} RejectReason
 * @typedef {import('../../native.js').WarningReason} WarningReason
 *
 * What `Stage` takes, with the counters as a Map and as an object without a prototype.
 * @typedef {object} Options
 * @property {Map<string, CountedEvent>} counters
 * @property {Record<string, CountedEvent>} countersByKey
 * @property {number} maxEventBytes
 * @property {boolean} forwarding
 * @property {() => typeof import('bson')} bson
 * @property {() => (typeof import('bson'))[]} [allBsons]
 */

class FrameWriter {
  /**
   * @param {Options} options
   * @param {number} capacity bytes to allocate up front
   */
  constructor({ counters, countersByKey, maxEventBytes, forwarding, bson, allBsons }, capacity) {
    this.encoder = new Encoder({ bson, allBsons, maxBytes: maxEventBytes, capacity });
    this.counters = counters;
    this.countersByKey = countersByKey;
    this.forwarding = forwarding;
    this.maxBodyBytes = BODY_FACTOR * maxEventBytes;
    /** @type {import('./rejection.js').Rejection | null} why the last record will not be stored */
    this.rejection = null;
    /** @type {WarningReason | null} of the last record's amount */
    this.amountWarning = null;
    /** @type {WarningReason | null} of its webhook body */
    this.bodyWarning = null;
    this.lastTime = NaN;
    this.lastTimestamp = '';
  }

  /**
   * Writes a frame at `start` and returns its end; `start` itself when there is nothing to hand
   * over. Runs user code, which must not use this writer meanwhile. Never throws.
   * @type {(kind: number, start: number, time: number, first: any, second: any, third: any) => number}
   */
  write(kind, start, time, first, second, third) {
    this.rejection = null;
    this.amountWarning = null;
    this.bodyWarning = null;
    try {
      if (kind === EVENT) return this.event(start, time, first, second, third);
      if (kind === LOGIN) return this.login(start, time, first, second, third);
      return this.logout(start, time, first, second);
    } catch (error) {
      this.rejection = error instanceof Rejection ? error : new Rejection('unreadable', error);
      return start;
    }
  }

  /** @type {(start: number, time: number, event: any, userId: any, data: any) => number} */
  event(start, time, event, userId, data) {
    const isString = typeof event === 'string';
    const name = isString ? event : castOrInvalid(event);
    const user = typeof userId === 'string' ? userId : castOrInvalid(userId);
    limitName(name, 'name_too_long');
    limitName(user, 'id_too_long');
    const counter = isString ? this.counters.get(event) : this.counterByKey(event);
    const number = counter === undefined ? 0 : this.amount(counter.amount, data);
    let pos = this.begin(start);
    let flags = STORED;
    if (name === INVALID || user === INVALID) {
      this.rejection = new Rejection(name === INVALID ? 'invalid_event' : 'invalid_id');
      flags = 0;
    } else {
      if (user !== undefined) pos = this.encoder.field('userId', user, pos);
      if (name !== undefined) pos = this.encoder.field('event', name, pos);
      if (data !== undefined) pos = this.encoder.data(data, pos);
    }
    let end = pos;
    if (this.forwarding) {
      end = this.body(flags, pos, time, event, userId, data);
      if (end !== pos) flags |= FORWARDED;
    }
    if (flags === 0 && counter === undefined) return start;
    return this.finish(start, pos, end, EVENT, flags, counter?.index ?? 0, time, number);
  }

  /**
   * The reference looks the raw value up as a property key, which makes `['a']` equal to 'a'.
   * @param {any} event
   */
  counterByKey(event) {
    if (typeof event !== 'object' && typeof event !== 'function') return undefined;
    try {
      return this.countersByKey[event];
    } catch {
      return undefined;
    }
  }

  /** @type {(field: string | undefined, data: any) => number} */
  amount(field, data) {
    if (!field) return 1;
    if (data === null || data === undefined) return 0;
    const number = amountOf(data[field]);
    if (!Number.isNaN(number)) return number;
    this.amountWarning = 'invalid_amount';
    return 0;
  }

  /** @type {(start: number, time: number, ack: number, userId: unknown, username: unknown) => number} */
  login(start, time, ack, userId, username) {
    const user = this.requiredId(userId);
    const name = castOrInvalid(username);
    if (name === INVALID) throw new Rejection('invalid_name');
    limitName(name, 'name_too_long');
    let pos = this.encoder.field('userId', user, this.begin(start));
    if (name !== undefined) pos = this.encoder.field('username', name, pos);
    return this.finish(start, pos, pos, LOGIN, STORED, 0, time, ack);
  }

  /** @type {(start: number, time: number, ack: number, userId: unknown) => number} */
  logout(start, time, ack, userId) {
    const pos = this.encoder.field('userId', this.requiredId(userId), this.begin(start));
    return this.finish(start, pos, pos, LOGOUT, STORED, 0, time, ack);
  }

  /** @param {unknown} userId */
  requiredId(userId) {
    const user = castOrInvalid(userId);
    if (!user || user === INVALID) throw new Rejection('invalid_id');
    limitName(user, 'id_too_long');
    return user;
  }

  /** @param {number} start */
  begin(start) {
    this.encoder.grow(start, HEADER);
    return start + HEADER;
  }

  /** @type {(start: number, elementsEnd: number, end: number, kind: number, flags: number, counter: number, time: number, number: number) => number} */
  finish(start, elementsEnd, end, kind, flags, counter, time, number) {
    const { bytes, view } = this.encoder;
    view.setUint32(start, end - start, true);
    bytes[start + 4] = kind;
    bytes[start + 5] = flags;
    bytes[start + 6] = counter;
    bytes[start + 7] = 0;
    view.setFloat64(start + 8, time, true);
    view.setFloat64(start + 16, number, true);
    view.setUint32(start + 24, elementsEnd - start - HEADER, true);
    return end;
  }

  /**
   * Many records share a millisecond.
   * @param {number} time
   */
  timestamp(time) {
    if (time !== this.lastTime) {
      this.lastTimestamp = apply(toISOString, new NativeDate(time), []);
      this.lastTime = time;
    }
    return this.lastTimestamp;
  }

  /**
   * Appends the webhook body, of the values as they were passed. Returns `pos` without one.
   * @type {(flags: number, pos: number, time: number, event: unknown, userId: unknown, data: unknown) => number}
   */
  body(flags, pos, time, event, userId, data = {}) {
    try {
      // Of a stored event the size is known to be within bounds; of another one nobody looked yet.
      if (flags === 0) this.encoder.data(data, pos);
      const text = stringify({ event, userId, data, ts: this.timestamp(time) });
      if (text.length * 3 <= this.maxBodyBytes || Buffer.byteLength(text) <= this.maxBodyBytes) {
        return this.encoder.text(text, pos);
      }
    } catch {
      // Falls through: what cannot be sent is stored all the same.
    }
    this.bodyWarning = 'not_forwardable';
    return pos;
  }
}

module.exports = { FrameWriter, EVENT, LOGIN, LOGOUT };
