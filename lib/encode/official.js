/**
 * Values that the official `bson` module encodes, one at a time: Date, ObjectId, Decimal128 and the like.
 *
 * The module is loaded when the first such value comes. Values that it refuses are rejected.
 */
'use strict';

const { types } = require('node:util');
const { Rejection } = require('./rejection.js');

/**
 * @typedef {import('./bson.js').Encoder} Encoder
 * @typedef {(writer: Encoder, value: any, at: number, pos: number) => number} WriteLeaf
 */

// As in `bson.js`.
const DROPPED = -2;

/**
 * A fresh value of the host's own `bson`, so that one of another major version is accepted.
 * @type {(writer: Encoder, type: 'Double' | 'ObjectId' | 'Decimal128', from: any, at: number, pos: number) => number}
 */
function official(writer, type, from, at, pos) {
  const bson = loaded(writer);
  let value;
  try {
    value = type === 'Decimal128' ? bson.Decimal128.fromString(from) : new bson[type](from);
  } catch (error) {
    throw new Rejection('unserializable', error);
  }
  return leaf(writer, value, at, pos);
}

/** @param {Encoder} writer */
function loaded(writer) {
  try {
    return writer.bson();
  } catch (error) {
    throw new Rejection('unserializable', error);
  }
}

/**
 * Lets the official module encode one value, and takes its bytes over.
 * @type {WriteLeaf}
 */
function leaf(writer, value, at, pos) {
  writer.afford(pos, bulk(value));
  const document = serialized(writer, value);
  // 4 bytes length, type, empty key; the terminator at the end.
  const count = document.length - 7;
  if (count < 0) return DROPPED;
  writer.afford(pos, count);
  writer.grow(pos, count);
  writer.bytes[at] = document[4];
  writer.bytes.set(document.subarray(6, 6 + count), pos);
  return pos + count;
}

/** @type {(writer: Encoder, value: any) => Uint8Array} */
function serialized(writer, value) {
  try {
    return serializedBy(loaded(writer), value);
  } catch (error) {
    if (error instanceof Rejection) throw error;
    // Of another major version: that of a mongoose which was loaded since, or of another copy.
    for (const bson of /** @type {any} */ (error)?.name === 'BSONVersionError'
      ? writer.allBsons()
      : []) {
      try {
        return serializedBy(bson, value);
      } catch {
        // The next may be the one.
      }
    }
    throw new Rejection('unserializable', error);
  }
}

/** @type {(bson: typeof import('bson'), value: any) => Uint8Array} */
function serializedBy(bson, value) {
  return bson.serialize({ '': value }, { ignoreUndefined: false });
}

/**
 * A lower bound of the encoded size, known without encoding.
 * @param {any} value
 */
function bulk(value) {
  if (typeof value !== 'object') return 8;
  if (types.isUint8Array(value)) return value.length;
  if (types.isRegExp(value)) return value.source.length;
  let size = 0;
  for (const part of [value.buffer, value.code, value.value, value.pattern, value.options]) {
    if (part != null && typeof part.length === 'number') size += part.length;
  }
  return size;
}

module.exports = { DROPPED, leaf, official };
