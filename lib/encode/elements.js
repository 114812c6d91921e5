/**
 * Writer of single BSON elements, scalars and keys, into a buffer that grows, within a budget of bytes.
 *
 * Every `track()` runs this code: text goes straight into a preallocated buffer.
 */
'use strict';

const { allocate, byteLength, viewOf } = require('./bytes.js');
const { Rejection } = require('./rejection.js');

const { max } = Math;

/** Bytes that may be written after any `reserve` without asking again: see `grow`. */
const SLACK = 256;
/** From here on the native writer beats a loop over the characters (measured on Node 20 and 24). */
const LONG_TEXT = 40;

class ElementWriter {
  /** @param {number} capacity bytes to allocate up front */
  constructor(capacity) {
    this.home = allocate(capacity);
    /** The position that nothing may be written beyond. */
    this.limit = Number.MAX_SAFE_INTEGER;
    /** @type {Buffer} */
    this.bytes = this.home;
    this.view = viewOf(this.home);
    this.capacity = this.home.length;
  }

  /** Gives up a buffer that was grown for one large record. */
  shrink() {
    if (this.bytes !== this.home) this.use(this.home);
  }

  /** @param {Buffer} bytes */
  use(bytes) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.capacity = bytes.length;
  }

  /**
   * Makes room for `count` bytes and the slack; what is before `pos` stays.
   * @type {(pos: number, count: number) => void}
   */
  grow(pos, count) {
    // Closing the deepest nesting writes one byte per level without asking: SLACK > MAX_DEPTH.
    const needed = pos + count + SLACK;
    if (needed <= this.capacity) return;
    const bytes = allocate(max(needed, this.capacity * 2));
    this.bytes.copy(bytes, 0, 0, pos);
    this.use(bytes);
  }

  /**
   * Refuses before anything is copied when `count` more bytes cannot fit the budget.
   * @type {(pos: number, count: number) => void}
   */
  afford(pos, count) {
    if (pos + count > this.limit) throw new Rejection('event_too_large');
  }

  /**
   * Writes UTF-8 without a terminator. Lone surrogates become U+FFFD, as js-bson has it.
   * @type {(text: string, pos: number) => number}
   */
  text(text, pos) {
    const count = text.length;
    if (count > LONG_TEXT) return this.longText(text, pos);
    if (pos + count * 3 + SLACK > this.capacity) this.grow(pos, count * 3);
    const bytes = this.bytes;
    for (let i = 0; i < count; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return pos + bytes.write(text, pos);
      bytes[pos + i] = code;
    }
    return pos + count;
  }

  /**
   * The caller has made sure that the length is within bounds.
   * @type {(text: string, pos: number) => number}
   */
  longText(text, pos) {
    if (pos + text.length * 3 + SLACK > this.capacity) this.grow(pos, byteLength(text));
    return pos + this.bytes.write(text, pos);
  }

  /**
   * Writes a key and its terminator.
   * @type {(key: string, pos: number) => number}
   */
  key(key, pos) {
    const count = key.length;
    if (count > LONG_TEXT) return this.unusualKey(key, pos);
    if (pos + count * 3 + SLACK > this.capacity) this.grow(pos, count * 3);
    const bytes = this.bytes;
    for (let i = 0; i < count; i++) {
      const code = key.charCodeAt(i);
      if (code > 127 || code === 0) return this.unusualKey(key, pos);
      bytes[pos + i] = code;
    }
    bytes[pos + count] = 0;
    return pos + count + 1;
  }

  /** @type {(key: string, pos: number) => number} */
  unusualKey(key, pos) {
    this.afford(pos, key.length);
    if (key.includes('\0')) throw new Rejection('invalid_key');
    const end = this.longText(key, pos);
    this.bytes[end] = 0;
    return end + 1;
  }

  /**
   * The key of an array element.
   * @type {(index: number, pos: number) => number}
   */
  index(index, pos) {
    if (index > 9) return this.key(String(index), pos);
    if (pos + SLACK > this.capacity) this.grow(pos, SLACK);
    this.bytes[pos] = 48 + index;
    this.bytes[pos + 1] = 0;
    return pos + 2;
  }

  /** @type {(text: string, at: number, pos: number) => number} */
  string(text, at, pos) {
    this.afford(pos, text.length);
    const end = this.text(text, pos + 4);
    const bytes = this.bytes;
    bytes[at] = 2;
    bytes[end] = 0;
    this.view.setInt32(pos, end - pos - 3, true);
    return end + 1;
  }

  /** @type {(number: number, at: number, pos: number) => number} */
  number(number, at, pos) {
    if ((number | 0) === number && (number !== 0 || 1 / number > 0)) {
      this.bytes[at] = 16;
      this.view.setInt32(pos, number, true);
      return pos + 4;
    }
    this.bytes[at] = 1;
    this.view.setFloat64(pos, number, true);
    return pos + 8;
  }

  /** @type {(at: number, pos: number) => number} */
  null(at, pos) {
    this.bytes[at] = 10;
    return pos;
  }

  /**
   * Writes a whole element, `null` included, for values that are known to be small strings.
   * @type {(name: string, text: string | null, at: number) => number}
   */
  field(name, text, at) {
    const pos = this.key(name, at + 1);
    return text === null ? this.null(at, pos) : this.string(text, at, pos);
  }
}

module.exports = { ElementWriter };
