/**
 * Frame of one record: header, BSON elements, price, webhook body.
 *
 * A frame carries everything that the native side needs, so that it splices bytes and parses nothing.
 * Layout, little endian: `u32 length of the frame | u8 kind | u8 flags | u8 counter | u8 0 |
 * f64 time | f64 number | u32 length of the elements | elements | f64 cents, 3 bytes currency | webhook body`.
 */
'use strict';

const { types } = require('node:util');
const { amountOf } = require('./amount.js');
const { byteLength } = require('./bytes.js');
const { Encoder, MAX_DEPTH } = require('./bson.js');
const { castString, INVALID, MAX_NAME_BYTES } = require('./cast.js');
const { currencyOf } = require('./currency.js');
const { dedupeKeyOf, momentOf } = require('./track-options.js');
const { Rejection } = require('./rejection.js');

const EVENT = 1;
const LOGIN = 2;
const LOGOUT = 3;

/** Flags. Without STORED a record only counts; DATED is one whose time is not that of the call; PRICED a purchase. */
const STORED = 1;
const FORWARDED = 2;
const DATED = 4;
const PRICED = 8;

const HEADER = 28;
const PRICE = 11;
const BODY_FACTOR = 4;

// Taken now: a host's tests may replace the clock and its `Date` at any time.
const NativeDate = Date;
const { toISOString } = Date.prototype;
const { stringify } = JSON;
const { apply } = Reflect;
const { isArray } = Array;
const utf8 = new TextEncoder();
const room = new Uint8Array(MAX_NAME_BYTES);
const TOO_LONG = Symbol('too long');

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
  if (isTooLong(text)) throw new Rejection(reason);
}

/**
 * An event with a dedupe key: one that is not stored, or has no name, could not be recognised.
 *
 * @param {unknown} name
 * @param {unknown} user
 * @throws {Rejection}
 */
function requireNames(name, user) {
  if (typeof name !== 'string') throw new Rejection('invalid_event');
  if (user === INVALID) throw new Rejection('invalid_id');
}

/** @param {unknown} text */
function isTooLong(text) {
  if (typeof text !== 'string' || text.length * 3 <= MAX_NAME_BYTES) return false;
  return text.length > MAX_NAME_BYTES || byteLength(text) > MAX_NAME_BYTES;
}

/**
 * @template T
 * @param {T} name
 * @returns {T | string} at most its first 256 bytes, in whole characters
 */
function cutName(name) {
  if (typeof name !== 'string') return name;
  const beginning = name.slice(0, MAX_NAME_BYTES);
  return beginning.slice(0, utf8.encodeInto(beginning, room).read);
}

/**
 * The name that a value has as a property key. Of an array, whose text may be endless, only a single
 * element can make the name of a counter.
 *
 * @param {any} value
 */
function keyOf(value) {
  let key = value;
  for (let depth = 0; isArray(key); depth++) {
    if (key.length !== 1 || depth > MAX_DEPTH) return undefined;
    [key] = key;
  }
  return key;
}

/**
 * A replacer that ends `JSON.stringify` when the text would become longer than this.
 *
 * @param {number} limit
 */
function within(limit) {
  let left = limit;
  /** @this {any} @param {string} key @param {any} value */
  return function (key, value) {
    // A value has a character, and one that parts it from the next.
    left -= isArray(this) ? 2 : key.length + 4;
    if (typeof value === 'string') left -= value.length;
    else if (types.isTypedArray(value)) left -= value.length;
    if (left < 0) throw TOO_LONG;
    return value;
  };
}

/**
 * @typedef {import('../../native.js').CountedEvent} CountedEvent
 * @typedef {import('../../native.js').PriceFields} PriceFields
 * @typedef {import('../../native.js').RejectReason} RejectReason
 * @typedef {import('../../native.js').WarningReason} WarningReason
 * @typedef {{ cents: number, currency: string }} Price the currency is empty where none is known
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
    this.encoder = new Encoder({ bson, allBsons, maxBytes: maxEventBytes, forwarding, capacity });
    this.counters = counters;
    this.countersByKey = countersByKey;
    this.forwarding = forwarding;
    this.maxBodyBytes = BODY_FACTOR * maxEventBytes;
    /** @type {import('./rejection.js').Rejection | null} why the last record will not be stored */
    this.rejection = null;
    /** @type {WarningReason | null} of the last record's amount or username */
    this.valueWarning = null;
    /** @type {WarningReason | null} of its currency */
    this.currencyWarning = null;
    /** @type {WarningReason | null} of its webhook body */
    this.bodyWarning = null;
    this.lastTime = NaN;
    this.lastTimestamp = '';
  }

  /**
   * Writes a frame at `start` and returns its end; `start` itself when there is nothing to hand
   * over. Runs user code, which must not use this writer meanwhile. Never throws.
   * @type {(kind: number, start: number, time: number, first: any, second: any, third: any, options: any) => number}
   */
  write(kind, start, time, first, second, third, options) {
    this.rejection = null;
    this.valueWarning = null;
    this.currencyWarning = null;
    this.bodyWarning = null;
    try {
      if (kind === EVENT) return this.event(start, time, first, second, third, options);
      if (kind === LOGIN) return this.login(start, time, first, second, third);
      return this.logout(start, time, first, second);
    } catch (error) {
      this.rejection = error instanceof Rejection ? error : new Rejection('unreadable', error);
      return start;
    }
  }

  /** @type {(start: number, now: number, event: any, userId: any, data: any, options: any) => number} */
  event(start, now, event, userId, data, options) {
    const time = options ? momentOf(options.timestamp, now) : now;
    const key = options ? dedupeKeyOf(options.dedupeKey) : undefined;
    const isString = typeof event === 'string';
    const name = isString ? event : castOrInvalid(event);
    const user = typeof userId === 'string' ? userId : castOrInvalid(userId);
    limitName(name, 'name_too_long');
    limitName(user, 'id_too_long');
    if (key !== undefined) requireNames(name, user);
    const counter = isString ? this.counters.get(event) : this.counterByKey(event);
    const number = counter === undefined ? 0 : this.amount(counter.amount, data);
    const price = counter?.price ? this.price(counter.price, counter.amount, number, data) : null;
    let pos = this.begin(start);
    let flags = time === now ? STORED : STORED | DATED;
    if (name === INVALID || user === INVALID) {
      this.rejection = new Rejection(name === INVALID ? 'invalid_event' : 'invalid_id');
      flags &= ~STORED;
    } else {
      if (user !== undefined) pos = this.encoder.field('userId', user, pos);
      if (name !== undefined) pos = this.encoder.field('event', name, pos);
      if (key !== undefined) pos = this.encoder.field('dedupeKey', key, pos);
      if (data !== undefined) pos = this.encoder.data(data, pos);
    }
    const elementsEnd = pos;
    if (price !== null && (flags & STORED) !== 0) {
      pos = this.writePrice(price, pos);
      flags |= PRICED;
    }
    let end = pos;
    if (this.forwarding) {
      const [sentName, sentUser] = [posted(event, name), posted(userId, user)];
      end = this.body(flags, pos, time, sentName, sentUser, data);
      if (end !== pos) flags |= FORWARDED;
    }
    const index = counter?.index ?? 0;
    if ((flags & ~DATED) === 0 && index === 0) return start;
    return this.finish(start, elementsEnd, end, EVENT, flags, index, time, number);
  }

  /**
   * The reference looks the raw value up as a property key, which makes `['a']` equal to 'a'.
   * @param {any} event
   */
  counterByKey(event) {
    if (typeof event !== 'object' && typeof event !== 'function') return undefined;
    try {
      return this.countersByKey[keyOf(event)];
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
    this.valueWarning = 'invalid_amount';
    return 0;
  }

  /**
   * What was paid. A field that is the amount of the total, too, is read once.
   * @type {(fields: PriceFields, counted: string | undefined, number: number, data: any) => Price}
   */
  price(fields, counted, number, data) {
    const cents = fields.amount === counted ? number : this.amount(fields.amount, data);
    const field = data === null || data === undefined ? undefined : fields.currency;
    const currency = currencyOf(field ? data[field] : undefined);
    if (currency === '') this.currencyWarning = 'invalid_currency';
    return { cents, currency };
  }

  /** @type {(price: Price, pos: number) => number} */
  writePrice({ cents, currency }, pos) {
    this.encoder.grow(pos, PRICE);
    const { bytes, view } = this.encoder;
    view.setFloat64(pos, cents, true);
    for (let i = 0; i < 3; i++) bytes[pos + 8 + i] = currency === '' ? 0 : currency.charCodeAt(i);
    return pos + PRICE;
  }

  /** @type {(start: number, time: number, ack: number, userId: unknown, username: unknown) => number} */
  login(start, time, ack, userId, username) {
    const user = this.requiredId(userId);
    const name = castOrInvalid(username);
    if (name === INVALID) throw new Rejection('invalid_name');
    if (isTooLong(name)) this.valueWarning = 'name_cut';
    let pos = this.encoder.field('userId', user, this.begin(start));
    if (name !== undefined) pos = this.encoder.field('username', cutName(name), pos);
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
   * Appends the webhook body with data as it was passed. What the encoder has not measured is measured on the way.
   * Returns `pos` without a body.
   *
   * @type {(flags: number, pos: number, time: number, event: unknown, userId: unknown, data: unknown) => number}
   */
  body(flags, pos, time, event, userId, data = {}) {
    try {
      // Of a stored event the size is known to be within bounds; of another one nobody looked yet.
      const isStored = (flags & STORED) !== 0;
      if (!isStored) this.encoder.data(data, pos);
      const isMeasured = isStored && this.encoder.isPlain;
      const record = { event, userId, data, ts: this.timestamp(time) };
      const text = isMeasured ? stringify(record) : stringify(record, within(this.maxBodyBytes));
      if (text.length * 3 <= this.maxBodyBytes || byteLength(text) <= this.maxBodyBytes) {
        return this.encoder.text(text, pos);
      }
    } catch {
      // Falls through: what cannot be sent is stored all the same.
    }
    this.bodyWarning = 'not_forwardable';
    return pos;
  }
}

/**
 * An id or a name as it is posted: the text that is stored, if it can be; numbers and truth values as they
 * were passed, which JSON has and receivers know.
 *
 * @param {unknown} value
 * @param {unknown} text
 */
function posted(value, text) {
  const isOfJson = typeof value === 'number' || typeof value === 'boolean';
  return isOfJson || text === INVALID ? value : text;
}

module.exports = { FrameWriter, EVENT, LOGIN, LOGOUT };
