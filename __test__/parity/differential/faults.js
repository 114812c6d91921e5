// Faults that are put into the addon on purpose, one for each area that the differential compares:
// as near to where the product makes the thing as a process of the tests can reach. Each is made
// once, at the occasion that the seed chooses.
'use strict';

const path = require('node:path');

const AREAS = ['counter', 'type', 'index', 'order', 'webhook'];

/** Puts the fault in; answers what is to be done to the database in the end, if anything. */
function install({ area, nth }, { root }) {
  const { Encoder } = require(path.join(root, 'lib', 'encode', 'bson.js'));
  const { FrameWriter } = require(path.join(root, 'lib', 'encode', 'frame.js'));
  return faults[area]({ Encoder, FrameWriter, occasion: countdown(nth) });
}

/** Answers true once, the `nth` time it is asked. */
function countdown(nth) {
  let left = nth;
  return () => {
    left -= 1;
    return left === -1;
  };
}

const faults = {
  /** One amount counts one more. */
  counter({ FrameWriter, occasion }) {
    const { amount } = FrameWriter.prototype;
    FrameWriter.prototype.amount = function (...args) {
      return amount.apply(this, args) + (occasion() ? 1 : 0);
    };
  },

  /** One whole number is stored as a double. */
  type({ Encoder, occasion }) {
    const { number } = Encoder.prototype;
    Encoder.prototype.number = function (value, at, pos) {
      const isInt32 = (value | 0) === value && !Object.is(value, -0);
      if (!isInt32 || !occasion()) return number.call(this, value, at, pos);
      this.bytes[at] = 1;
      this.view.setFloat64(pos, value, true);
      return pos + 8;
    };
  },

  /** The fields of one payload come in the opposite order. */
  order({ Encoder, occasion }) {
    const { data } = Encoder.prototype;
    Encoder.prototype.data = function (value, at) {
      const isChosen = hasOrder(value) && occasion();
      return data.call(this, isChosen ? reversed(value) : value, at);
    };
  },

  /** One byte of one webhook body is another. */
  webhook({ FrameWriter, occasion }) {
    const { body } = FrameWriter.prototype;
    FrameWriter.prototype.body = function (flags, pos, ...args) {
      const end = body.call(this, flags, pos, ...args);
      if (end > pos && occasion()) this.encoder.bytes[pos + 2] ^= 0x20;
      return end;
    };
  },

  /** One index is missing. */
  index({ occasion }) {
    return async (db) => {
      for (const collection of ['gsosessions', 'gsodailies', 'gsoevents']) {
        const indexes = await db.collection(collection).indexes();
        for (const { name } of indexes.filter((index) => index.name !== '_id_')) {
          if (occasion()) await db.collection(collection).dropIndex(name);
        }
      }
    };
  },
};

/** Whether its fields are all stored, in an order of their own. */
function hasOrder(value) {
  const fields = Object.entries(value ?? {});
  const isStored = ([key, inner]) =>
    !/^\d/.test(key) && ['string', 'number'].includes(typeof inner);
  return typeof value === 'object' && fields.length > 1 && fields.every(isStored);
}

function reversed(object) {
  return Object.fromEntries(Object.entries(object).reverse());
}

module.exports = { AREAS, install };
