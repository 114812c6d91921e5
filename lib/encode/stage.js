/**
 * Stage of records: each is encoded when the call is made, and all are handed over once per turn.
 *
 * The caller may change its data on the next line: nothing here refers to it later. Crossing into native
 * code costs as much as encoding a record, so records are collected as frames in one buffer. Reading data
 * can run user code, which may call in again: such a record is written apart and follows the one that was
 * being read.
 */
'use strict';

const { FrameWriter, EVENT, LOGIN, LOGOUT } = require('./frame.js');

const CAPACITY = 64 * 1024;
/** Past this point the buffer is handed over, so that few records make it grow. */
const FULL = 48 * 1024;
const APART_CAPACITY = 4 * 1024;

// Taken now: a promise job is the one end-of-turn hook that fake timers leave alone, and even
// `then` can be patched.
const { apply } = Reflect;
const { then } = Promise.prototype;
const settled = Promise.resolve();

/**
 * @typedef {import('../../native.js').CountedEvent} CountedEvent
 * @typedef {import('../../native.js').RejectReason} RejectReason
 * @typedef {import('../../native.js').WarningReason} WarningReason
 *
 * @typedef {(kind: number, time: number, first: any, second: any, third: any, options?: any) => boolean} Write
 */

class Stage {
  /**
   * @param {object} options
   * @param {CountedEvent[]} options.counters
   * @param {number} options.maxEventBytes budget of the BSON of one event's data
   * @param {boolean} options.forwarding whether webhook bodies are wanted
   * @param {() => typeof import('bson')} options.bson the official module, loaded on demand
   * @param {() => (typeof import('bson'))[]} [options.allBsons] all copies of it that are loaded
   * @param {(bytes: Uint8Array, length: number, records: number) => void} options.handOver
   *   copies before it returns
   * @param {(reason: RejectReason, detail?: unknown) => void} options.reject called for each record
   *   that will not be stored
   * @param {(reason: WarningReason) => void} [options.warn] called for a record that is kept in part
   */
  constructor(options) {
    const { counters, handOver, reject, warn = () => {} } = options;
    this.options = {
      ...options,
      counters: new Map(counters.map((counter) => [counter.event, counter])),
      countersByKey: byEvent(counters),
    };
    this.callHandOver = handOver;
    this.callReject = reject;
    this.callWarn = warn;
    this.writer = new FrameWriter(this.options, CAPACITY);
    /** Complete frames are in [base, pos) of the writer's buffer. */
    this.base = 0;
    this.pos = 0;
    this.records = 0;
    /** True while user code may run, or native code reads the buffer. */
    this.busy = false;
    this.scheduled = false;
    /** @type {Uint8Array[]} frames written while busy */
    this.apart = [];
    this.endOfTurn = () => this.turnEnded();
  }

  /**
   * @type {(time: number, event: unknown, userId: unknown, data: unknown, options?: unknown) => boolean} whether the
   *   document will be stored
   */
  event(time, event, userId, data, options) {
    return this.stage(EVENT, time, event, userId, data, options);
  }

  /**
   * @type {(time: number, ack: number, userId: unknown, username: unknown) => boolean} whether the login
   *   was accepted; `ack` 0 asks for no acknowledgement
   */
  login(time, ack, userId, username) {
    return this.stage(LOGIN, time, ack, userId, username);
  }

  /** @type {(time: number, ack: number, userId: unknown) => boolean} whether the logout was accepted */
  logout(time, ack, userId) {
    return this.stage(LOGOUT, time, ack, userId, undefined);
  }

  /** @type {Write} */
  stage(kind, time, first, second, third, options) {
    if (this.busy) return this.stageApart(kind, time, first, second, third, options);
    const writer = this.writer;
    let end = this.pos;
    this.busy = true;
    try {
      end = writer.write(kind, end, time, first, second, third, options);
    } finally {
      // `write` does not throw, unless the caller left it no stack to run on.
      this.busy = false;
    }
    const { rejection, valueWarning, currencyWarning, bodyWarning } = writer;
    const isWhole = valueWarning === null && currencyWarning === null && bodyWarning === null;
    if (end !== this.pos) {
      this.pos = end;
      this.records++;
    }
    if (this.apart.length > 0) this.collect();
    if (this.pos > FULL) this.flush();
    else if (!this.scheduled) this.schedule();
    if (isWhole && rejection === null) return true;
    return this.report(rejection, [valueWarning, currencyWarning, bodyWarning]);
  }

  /** @type {Write} */
  stageApart(kind, time, first, second, third, options) {
    const writer = new FrameWriter(this.options, APART_CAPACITY);
    const end = writer.write(kind, 0, time, first, second, third, options);
    if (end > 0) this.apart.push(writer.encoder.bytes.subarray(0, end));
    const { rejection, valueWarning, currencyWarning, bodyWarning } = writer;
    return this.report(rejection, [valueWarning, currencyWarning, bodyWarning]);
  }

  /**
   * Reports what was rejected or kept in part. The stage must be in order again: callbacks may call in.
   *
   * @param {import('./rejection.js').Rejection | null} rejection
   * @param {(WarningReason | null)[]} warnings
   */
  report(rejection, warnings) {
    for (const warning of warnings) if (warning !== null) this.callWarn(warning);
    if (rejection === null) return true;
    this.callReject(rejection.reason, rejection.cause);
    return false;
  }

  /** Appends the frames that were written apart. */
  collect() {
    const encoder = this.writer.encoder;
    for (const frame of this.apart) {
      encoder.grow(this.pos, frame.length);
      encoder.bytes.set(frame, this.pos);
      this.pos += frame.length;
      this.records++;
    }
    this.apart = [];
  }

  schedule() {
    this.scheduled = true;
    apply(then, settled, [this.endOfTurn]);
  }

  turnEnded() {
    this.scheduled = false;
    try {
      this.flush();
    } catch {
      // Only the host's callback can have thrown; a rejected promise could end its process.
    }
  }

  /**
   * Hands over every record whose call has returned. When called from user code in the middle of
   * a record, that record itself follows later.
   */
  flush() {
    if (this.busy) {
      this.flushWhileBusy();
      return;
    }
    const { base, pos, records } = this;
    if (records === 0) return;
    const encoder = this.writer.encoder;
    const bytes = encoder.bytes;
    this.base = 0;
    this.pos = 0;
    this.records = 0;
    encoder.shrink();
    this.deliver(bytes, base, pos, records);
    if (this.apart.length > 0) {
      this.collect();
      if (!this.scheduled) this.schedule();
    }
  }

  flushWhileBusy() {
    const { base, pos, records, apart } = this;
    // What is before `pos` stays where it is: the record being written continues behind it.
    this.base = pos;
    this.records = 0;
    this.apart = [];
    if (records > 0) this.deliver(this.writer.encoder.bytes, base, pos, records);
    for (const frame of apart) this.deliver(frame, 0, frame.length, 1);
  }

  /** @type {(bytes: Uint8Array, base: number, pos: number, records: number) => void} */
  deliver(bytes, base, pos, records) {
    const busy = this.busy;
    this.busy = true;
    let failure = null;
    try {
      this.callHandOver(base === 0 ? bytes : bytes.subarray(base), pos - base, records);
    } catch (error) {
      failure = { error, records };
    }
    this.busy = busy;
    if (failure !== null) this.callReject('hand_over_failed', failure);
  }
}

/**
 * @param {CountedEvent[]} counters
 * @returns {Record<string, CountedEvent>}
 */
function byEvent(counters) {
  const found = Object.create(null);
  for (const counter of counters) found[counter.event] = counter;
  return found;
}

module.exports = { Stage };
