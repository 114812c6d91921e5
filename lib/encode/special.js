/**
 * BSON of special values: those that are neither scalars nor plain objects and arrays.
 *
 * They are stored as mongoose and js-bson would store them. Which rules apply depends on the way to a
 * value. The mongoose rules (`cast`) look at the name of an object's constructor, minimize, and unwrap
 * by `valueOf`. Below anything that they leave alone, the js-bson rules (`raw`) apply: nothing is
 * minimized, and undefined is null.
 */
'use strict';

const { types } = require('node:util');
const { DROPPED, leaf, official } = require('./official.js');
const { Rejection } = require('./rejection.js');

const { getPrototypeOf, getOwnPropertyNames, keys: ownKeys } = Object;
const { isArray } = Array;
const ObjectPrototype = Object.prototype;
const NativeDate = Date;
const NativeNumber = Number;
const NativeString = String;
const NativeBoolean = Boolean;
const objectToString = ObjectPrototype.toString;
const stringValueOf = String.prototype.valueOf;
const mapEntries = Map.prototype.entries;

/**
 * @typedef {import('./bson.js').Encoder} Encoder
 *
 * A function that writes the value of an element: its type byte to `at`, its bytes from `pos` on.
 * Returns the position behind them, or `NOTHING` or `DROPPED`.
 * @typedef {import('./official.js').WriteLeaf} WriteLeaf
 * @typedef {(writer: Encoder, value: any, at: number, pos: number, depth: number) => number} Write
 * @typedef {(writer: Encoder, value: any, at: number, pos: number, depth: number, mode: number) => number} WriteIn
 */

// As in `bson.js`.
const RAW = 1;
const NOTHING = -1;

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** What mongoose passes when it turns a document inside another one into a plain object. */
const TO_OBJECT = {
  transform: false,
  virtuals: false,
  getters: false,
  depopulate: true,
  flattenDecimals: false,
  flattenObjectIds: false,
  flattenUUIDs: false,
  useProjection: false,
  versionKey: true,
  bson: true,
  _skipDepopulateTopLevel: true,
  _isNested: true,
};

/**
 * Whether a plain object with this property is more than a plain object to mongoose or js-bson.
 * @param {string} key
 * @param {any} value
 */
function marks(key, value) {
  switch (key) {
    case '_bsontype':
    case '$__':
      return value !== null && value !== undefined;
    case 'isMongooseBuffer':
    case '$isMongooseMap':
    case 'constructor':
      return Boolean(value);
    case 'toBSON':
      return typeof value === 'function';
    default:
      return false;
  }
}

/**
 * BigInt, symbol or function.
 * @type {Write}
 */
function primitive(writer, value, at, pos, depth) {
  writer.isPlain = false;
  if (typeof value === 'bigint') {
    if (value < INT64_MIN || value > INT64_MAX) throw new Rejection('bigint_out_of_range');
    return leaf(writer, value, at, pos);
  }
  if (typeof value === 'function' && typeof value.toBSON === 'function') {
    return writer.value(value.toBSON(), at, pos, depth, RAW);
  }
  return DROPPED;
}

/**
 * The value of `data` itself, for which mongoose has a few rules of its own.
 * @type {WriteLeaf}
 */
function topLevel(writer, value, at, pos) {
  if (typeof value !== 'object' || value === null) {
    // A function here is an absent field, not an object without fields.
    return writer.value(value, at, pos, 1, 0);
  }
  // The usual case first: the questions below cost more than a small payload.
  if (getPrototypeOf(value) === ObjectPrototype) return writer.value(value, at, pos, 1, 0);
  if (value instanceof Error) return writer.value(errorFields(value), at, pos, 1, 0);
  if (isStoredUncloned(value)) return raw(writer, value, at, pos, 1);
  return writer.value(value, at, pos, 1, 0);
}

/** @param {any} error */
function errorFields(error) {
  const fields = Object.create(null);
  for (const name of getOwnPropertyNames(error)) fields[name] = error[name];
  return fields;
}

/**
 * Documents that hold nothing but these and scalars take a shortcut in mongoose.
 * @param {any} value
 */
function isStoredUncloned(value) {
  if (isArray(value)) return false;
  if (types.isDate(value) || types.isBoxedPrimitive(value)) return isOfThisRealm(value);
  return value._bsontype === 'ObjectId' || value._bsontype === 'Decimal128';
}

/**
 * mongoose asks `instanceof`: a boxed value out of a `vm` context is unwrapped like any object.
 * @param {unknown} value
 */
function isOfThisRealm(value) {
  if (value instanceof NativeDate || value instanceof NativeNumber) return true;
  return value instanceof NativeString || value instanceof NativeBoolean;
}

/**
 * An object by mongoose's rules, in the order in which mongoose asks.
 * @type {WriteIn}
 */
function cast(writer, value, at, pos, depth, mode) {
  writer.isPlain = false;
  const type = value._bsontype;
  if (type === 'Double') return official(writer, 'Double', value.value, at, pos);
  if (value.$__ != null || value.isMongooseBuffer || value.$isMongooseMap) {
    return mongooseObject(writer, value, at, pos, depth, mode);
  }
  const maker = value.constructor;
  const name = nameOf(maker);
  if (name === 'Object') return plain(writer, value, at, pos, depth, mode);
  if (name === 'Date') return leaf(writer, new NativeDate(+value), at, pos);
  if (name === 'RegExp') return raw(writer, value, at, pos, depth);
  if (type === 'ObjectId') return official(writer, 'ObjectId', value.id, at, pos);
  if (type === 'Decimal128') {
    return official(writer, 'Decimal128', value.toString(), at, pos);
  }
  if (!maker && objectToString.call(value) === '[object Object]') {
    return plain(writer, value, at, pos, depth, mode);
  }
  if (typeof value.toBSON === 'function') return raw(writer, value, at, pos, depth);
  if (typeof value.valueOf === 'function') {
    return unwrapped(writer, value.valueOf(), at, pos, depth, mode);
  }
  return writer.object(value, at, pos, depth, mode, true);
}

/**
 * Constructors are told apart by name: a class of another realm or library copy counts too.
 * @param {unknown} maker
 */
function nameOf(maker) {
  return typeof maker === 'function' ? maker.name : '';
}

/**
 * A class called Object, an object without prototype, or one that carries a marker.
 * @type {WriteIn}
 */
function plain(writer, value, at, pos, depth, mode) {
  if (value._bsontype != null) return leaf(writer, value, at, pos);
  if (typeof value.toBSON === 'function') return raw(writer, value, at, pos, depth);
  return writer.object(value, at, pos, depth, mode, true);
}

/** @type {WriteIn} */
function unwrapped(writer, value, at, pos, depth, mode) {
  if (value === undefined && mode === 0) return NOTHING;
  return writer.value(value, at, pos, depth, RAW);
}

/**
 * Documents, arrays, maps and buffers of mongoose, and `{ ...document }`.
 * @type {WriteIn}
 */
function mongooseObject(writer, value, at, pos, depth, mode) {
  const proto = getPrototypeOf(value);
  const isPlain = proto === null || nameOf(proto.constructor) === 'Object';
  if (!isPlain || value.$__ == null || value._doc == null) {
    return unwrapped(writer, value.toObject({ ...TO_OBJECT }), at, pos, depth, mode);
  }
  if (depth > 1) return unwrapped(writer, value._doc, at, pos, depth, mode);
  return writer.value({ ...value._doc, ...spreadExtras(value) }, at, pos, depth, 0);
}

/**
 * What somebody added to a spread document beside mongoose's own state.
 * @param {any} value
 */
function spreadExtras(value) {
  const extras = Object.create(null);
  for (const key of ownKeys(value)) {
    if (key[0] === '$' || key === '_doc' || key === '__index' || key === '__parentArray') continue;
    extras[key] = value[key];
  }
  return extras;
}

/**
 * An object by js-bson's rules.
 * @type {Write}
 */
function raw(writer, value, at, pos, depth) {
  writer.isPlain = false;
  if (typeof value.toBSON !== 'function') return rawSettled(writer, value, at, pos, depth);
  const settled = value.toBSON();
  if (typeof settled !== 'object' || settled === null) {
    return writer.value(settled, at, pos, depth, RAW);
  }
  return rawSettled(writer, settled, at, pos, depth);
}

/** @type {Write} */
function rawSettled(writer, value, at, pos, depth) {
  if (value._bsontype != null) return bsonType(writer, value, at, pos, depth);
  if (types.isDate(value) || types.isUint8Array(value) || types.isRegExp(value)) {
    return leaf(writer, value, at, pos);
  }
  if (isArray(value)) return writer.array(value, at, pos, depth, RAW);
  if (types.isMap(value)) return map(writer, value, at, pos, depth);
  // js-bson asks the object that it is about to write, even if it came out of a `toBSON`.
  const target = typeof value.toBSON === 'function' ? value.toBSON() : value;
  if (typeof target !== 'object' || target === null) throw new Rejection('unserializable');
  return fields(writer, value, target, at, pos, depth);
}

/** @type {(writer: Encoder, value: any, target: any, at: number, pos: number, depth: number) => number} */
function fields(writer, value, target, at, pos, depth) {
  affordKeys(writer, target, pos);
  writer.enter(value, depth);
  const start = pos;
  pos += 4;
  for (const key of ownKeys(target)) {
    pos = rawElement(writer, key, target[key], pos, depth);
  }
  return writer.close(3, at, start, pos, depth);
}

/** @type {Write} */
function map(writer, value, at, pos, depth) {
  writer.enter(value, depth);
  const start = pos;
  pos += 4;
  for (const [key, child] of mapEntries.call(value)) {
    if (typeof key !== 'string') throw new Rejection('unserializable');
    pos = rawElement(writer, key, child, pos, depth);
  }
  return writer.close(3, at, start, pos, depth);
}

/** @type {(writer: Encoder, key: string, child: any, pos: number, depth: number) => number} */
function rawElement(writer, key, child, pos, depth) {
  const end = writer.key(key, pos + 1);
  const next = writer.value(child, pos, end, depth + 1, RAW);
  if (next < 0) {
    writer.waste();
    return pos;
  }
  if (next > writer.limit) throw new Rejection('event_too_large');
  return next;
}

/**
 * Listing the keys of these takes far more memory than the values themselves.
 * @type {(writer: Encoder, target: any, pos: number) => void}
 */
function affordKeys(writer, target, pos) {
  if (types.isTypedArray(target)) writer.afford(pos, target.length);
  else if (types.isStringObject(target)) writer.afford(pos, stringValueOf.call(target).length);
}

/**
 * A value of the `bson` package. User objects inside it are measured before they are trusted.
 * @type {Write}
 */
function bsonType(writer, value, at, pos, depth) {
  const type = value._bsontype;
  if (type === 'Code') measure(writer, value, [value.scope], at, pos, depth);
  else if (type === 'DBRef') measure(writer, value, [value.oid, value.fields], at, pos, depth);
  return leaf(writer, value, at, pos);
}

/**
 * Writes the parts only to see whether they fit; what follows overwrites them.
 * @type {(writer: Encoder, value: any, parts: any[], at: number, pos: number, depth: number) => void}
 */
function measure(writer, value, parts, at, pos, depth) {
  writer.enter(value, depth);
  for (const part of parts) {
    if (typeof part === 'object' && part !== null) raw(writer, part, at, pos, depth + 1);
  }
  writer.ancestors[depth] = undefined;
}

module.exports = { special: { marks, primitive, topLevel, cast, raw } };
