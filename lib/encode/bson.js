/**
 * Encoder of payloads: BSON elements in the shape in which the mongoose-based class stored them.
 *
 * Every `track()` runs this code. Plain payloads go straight into a preallocated buffer: no clone, no
 * intermediate string, no list of keys. Special values are encoded by `special.js`, one by one, through
 * the same encoder, so that one byte budget bounds everything. Each property is read once (`AGAIN` is the
 * exception).
 */
'use strict';

const { ElementWriter } = require('./elements.js');
const { Rejection } = require('./rejection.js');
const { special } = require('./special.js');

const ObjectPrototype = Object.prototype;
const hasOwn = ObjectPrototype.hasOwnProperty;
const { getPrototypeOf } = Object;
const { isArray } = Array;

/** mongod refuses documents of more than 180 levels; the event document itself is the first. */
const MAX_DEPTH = 179;

/** Bits of `mode`: by the rules of js-bson alone, and "this is an element of an array". */
const RAW = 1;
const CHILD = 2;

/** Answers of the value writers other than a position. */
const NOTHING = -1; // undefined, or an object that minimizes to nothing: the key is left out
const DROPPED = -2; // a function or symbol: not written, but its object does not count as empty
const MARKED = -3; // an object with a key that makes mongoose or js-bson treat it specially

/**
 * Thrown when an object that was minimized away is met a second time. mongoose keeps what it made
 * of each object and would then store `{}`. Only such payloads are encoded a second time, with a
 * record of every object seen.
 */
const AGAIN = Symbol('again');

/**
 * @typedef {(value: any, at: number, pos: number, depth: number, mode: number) => number} WriteValue
 * @typedef {{ start: number, end: number }} Range
 */

class Encoder extends ElementWriter {
  /**
   * @param {object} options
   * @param {() => typeof import('bson')} options.bson the official `bson` module, loaded on demand
   * @param {() => (typeof import('bson'))[]} [options.allBsons] all copies of it that are loaded
   * @param {number} options.maxBytes budget of one payload
   * @param {boolean} [options.forwarding] whether payloads become JSON too
   * @param {number} options.capacity bytes to allocate up front
   */
  constructor({ bson, allBsons = () => [], maxBytes, forwarding = false, capacity }) {
    super(capacity);
    this.bson = bson;
    this.allBsons = allBsons;
    this.maxBytes = maxBytes;
    this.forwarding = forwarding;
    this.wasted = 0;
    /** Whether `JSON.stringify` sees no more of the last payload than was measured, if it is forwarded. */
    this.isPlain = true;
    /** @type {unknown[]} containers being written, outermost first; index 0 is unused */
    this.ancestors = [undefined];
    /** @type {Set<object> | null} */
    this.emptied = null;
    /** @type {Map<object, { start: number, end: number } | null> | null} */
    this.seen = null;
    /** @type {object[]} what is in `seen`, in the order in which it came */
    this.order = [];
  }

  /** Work that leaves no byte behind is bounded too: a small graph can hide 2^n empty objects. */
  waste() {
    if (++this.wasted > this.maxBytes) throw new Rejection('event_too_large');
  }

  /**
   * Writes the value of an element whose type byte is at `at`.
   * @type {WriteValue}
   */
  value(value, at, pos, depth, mode) {
    if (typeof value === 'string') return this.string(value, at, pos);
    if (typeof value === 'number') return this.number(value, at, pos);
    if (typeof value === 'boolean') {
      this.bytes[at] = 8;
      this.bytes[pos] = value ? 1 : 0;
      return pos + 1;
    }
    if (value === null) return this.null(at, pos);
    if (typeof value === 'object') return this.container(value, at, pos, depth, mode);
    if (value === undefined) return mode === 0 ? NOTHING : this.null(at, pos);
    return special.primitive(this, value, at, pos, depth);
  }

  /** @type {WriteValue} */
  container(value, at, pos, depth, mode) {
    if (mode & RAW) return special.raw(this, value, at, pos, depth);
    if (isArray(value)) return this.array(value, at, pos, depth, mode);
    if (getPrototypeOf(value) !== ObjectPrototype) {
      return special.cast(this, value, at, pos, depth, mode);
    }
    const end = this.object(value, at, pos, depth, mode, false);
    return end === MARKED ? special.cast(this, value, at, pos, depth, mode) : end;
  }

  /** @type {(value: unknown, depth: number) => void} */
  enter(value, depth) {
    if (depth > MAX_DEPTH) {
      const distinct = new Set(this.ancestors).size;
      throw new Rejection(distinct < this.ancestors.length ? 'cyclic' : 'too_deep');
    }
    this.ancestors[depth] = value;
  }

  /** @type {WriteValue} */
  array(value, at, pos, depth, mode) {
    const cloned = this.seen !== null && (mode & RAW) === 0;
    if (cloned && this.seen?.has(value)) return this.repeat(value, at, pos);
    if (this.forwarding && value.toJSON !== undefined) this.isPlain = false;
    this.enter(value, depth);
    const start = pos;
    const count = value.length;
    pos += 4;
    for (let i = 0; i < count; i++) {
      const end = this.index(i, pos + 1);
      const next = this.value(value[i], pos, end, depth + 1, mode | CHILD);
      if (next >= 0) pos = next;
      else this.waste();
      if (pos > this.limit) throw new Rejection('event_too_large');
    }
    const end = this.close(4, at, start, pos, depth);
    if (cloned) this.see(value, { start, end });
    return end;
  }

  /**
   * An object by mongoose's rules: minimized. `checked`: markers in it were looked at already.
   * @type {(value: any, at: number, pos: number, depth: number, mode: number, checked: boolean) => number}
   */
  object(value, at, pos, depth, mode, checked) {
    if (this.emptied?.has(value)) throw AGAIN;
    if (this.seen?.has(value)) return this.repeat(value, at, pos);
    if (this.forwarding && value.toJSON !== undefined) this.isPlain = false;
    this.enter(value, depth);
    const start = pos;
    const seenBefore = this.order.length;
    let empty = true;
    pos += 4;
    for (const key in value) {
      if (!hasOwn.call(value, key)) continue;
      const child = value[key];
      const end = this.key(key, pos + 1);
      if (!checked && special.marks(key, child)) {
        this.ancestors[depth] = undefined;
        if (this.seen !== null) this.forgetAfter(seenBefore);
        return MARKED;
      }
      const next = this.value(child, pos, end, depth + 1, 0);
      if (next >= 0) {
        pos = next;
        empty = false;
      } else {
        if (next === DROPPED) empty = false;
        this.waste();
      }
      if (pos > this.limit) throw new Rejection('event_too_large');
    }
    if (empty) return this.closeEmpty(value, at, start, pos, depth, mode);
    const end = this.close(3, at, start, pos, depth);
    if (this.seen !== null) this.see(value, { start, end });
    return end;
  }

  /**
   * Ends a document and makes it an element of type `type`.
   * @type {(type: number, at: number, start: number, pos: number, depth: number) => number}
   */
  close(type, at, start, pos, depth) {
    this.bytes[at] = type;
    this.bytes[pos++] = 0;
    this.view.setInt32(start, pos - start, true);
    this.ancestors[depth] = undefined;
    return pos;
  }

  /** @type {(value: object, at: number, start: number, pos: number, depth: number, mode: number) => number} */
  closeEmpty(value, at, start, pos, depth, mode) {
    if (this.seen !== null) this.see(value, null);
    else if (this.emptied !== null) this.emptied.add(value);
    else this.emptied = new Set([value]);
    const end = this.close(3, at, start, pos, depth);
    return mode & CHILD ? end : NOTHING;
  }

  /** @type {(value: object, range: Range | null) => void} */
  see(value, range) {
    this.seen?.set(value, range);
    this.order.push(value);
  }

  /**
   * Forgets what was seen since there were so many: it is written over, or never was.
   * @param {number} count
   */
  forgetAfter(count) {
    for (const value of this.order.splice(count)) this.seen?.delete(value);
  }

  /**
   * Writes an object again that this payload already contains.
   * @type {(value: object, at: number, pos: number) => number}
   */
  repeat(value, at, pos) {
    const range = this.seen?.get(value) ?? null;
    const count = range === null ? 5 : range.end - range.start;
    this.afford(pos, count);
    this.grow(pos, count);
    this.bytes[at] = isArray(value) ? 4 : 3;
    if (range !== null) this.bytes.copy(this.bytes, pos, range.start, range.end);
    else this.bytes.set(EMPTY_DOCUMENT, pos);
    return pos + count;
  }

  /**
   * Writes the element `data` at `at` and returns the position after it: `at` itself when nothing
   * of the value is stored. Throws `Rejection` and nothing else. Runs user code (getters, `toBSON`,
   * Proxy traps ...), which must not use this encoder meanwhile.
   * @type {(value: unknown, at: number) => number}
   */
  data(value, at) {
    const end = this.key('data', at + 1);
    this.limit = end + this.maxBytes;
    this.wasted = 0;
    this.isPlain = true;
    try {
      return this.attempt(value, at, end);
    } catch (error) {
      throw error instanceof Rejection ? error : new Rejection('unreadable', error);
    } finally {
      this.limit = Number.MAX_SAFE_INTEGER;
      if (this.emptied !== null) this.emptied = null;
      if (this.ancestors.length > 8) this.ancestors = [undefined];
    }
  }

  /** @type {(value: unknown, at: number, end: number) => number} */
  attempt(value, at, end) {
    let next;
    try {
      next = special.topLevel(this, value, at, end);
    } catch (error) {
      if (error !== AGAIN) {
        this.ancestors = [undefined];
        throw error;
      }
      next = this.attemptAgain(value, at, end);
    }
    if (next > this.limit) throw new Rejection('event_too_large');
    return next < 0 ? at : next;
  }

  /** @type {(value: unknown, at: number, end: number) => number} */
  attemptAgain(value, at, end) {
    this.emptied = null;
    this.seen = new Map();
    this.ancestors = [undefined];
    try {
      return special.topLevel(this, value, at, end);
    } finally {
      this.seen = null;
      this.order = [];
    }
  }
}

const EMPTY_DOCUMENT = new Uint8Array([5, 0, 0, 0, 0]);

module.exports = { Encoder, MAX_DEPTH };
