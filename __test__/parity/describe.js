// Turns any JavaScript value into JSON that shows what a caller could tell apart:
// types, key order, classes, and whether an ObjectId is one of the host's own bson.
'use strict';

function describeWith(HostObjectId) {
  return function describe(value) {
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
    if (typeof value === 'number') return describeNumber(value);
    if (typeof value === 'undefined') return '<undefined>';
    if (typeof value === 'function') return '<function>';
    if (typeof value !== 'object') return `<${typeof value} ${String(value)}>`;
    if (Array.isArray(value)) return value.map(describe);
    if (value instanceof HostObjectId) return { '<ObjectId of the host>': value.toHexString() };
    if (value instanceof Date) return { '<Date>': value.getTime() };
    if (value instanceof Promise) return '<Promise>';
    if (value instanceof Error) return { '<Error>': value.name };
    if (value._bsontype) return { [`<foreign ${value._bsontype}>`]: String(value) };
    const entries = Object.entries(value).map(([key, inner]) => [key, describe(inner)]);
    const plain = Object.fromEntries(entries);
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype) return plain;
    return { [`<${prototype ? prototype.constructor.name : 'no prototype'}>`]: plain };
  };
}

function describeNumber(value) {
  if (Object.is(value, -0)) return '<-0>';
  return Number.isFinite(value) ? value : `<${value}>`;
}

module.exports = { describeWith };
