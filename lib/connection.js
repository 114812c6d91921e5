/**
 * Where the database is, when no connection string was given: with the host's mongoose, as soon as
 * that begins to connect. Also knows which copy of `bson` the host uses, since objects of another
 * major version are refused by its driver.
 */
'use strict';

const mongooses = require('./mongoose.js');

const DEFAULT_COLLECTIONS = {
  sessions: 'gsosessions',
  daily: 'gsodailies',
  events: 'gsoevents',
};

class HostConnection {
  /**
   * @param {object} options of the constructor
   * @param {(text: string) => void} warn
   */
  constructor(options, warn) {
    this.given = options.mongoose ?? undefined;
    this.collections = { ...DEFAULT_COLLECTIONS, ...options.collections };
    this.warn = warn;
    this.warned = false;
    this.hostBson = undefined;
    this.meet();
  }

  /** Copies of mongoose that may be adopted; each gets the models it lacks. */
  meet() {
    const copies = this.given === undefined ? mongooses.loadedCopies() : [this.given];
    for (const copy of copies) {
      if (mongooses.isMongoose(copy)) mongooses.registerModels(copy, this.collections);
    }
    return copies;
  }

  /**
   * @param {{ isLast?: boolean }} [when] at the end of the process a connection that the host has
   *   closed just before is good enough
   * @returns {{ connection?: object, loaded: boolean }}
   */
  find({ isLast = false } = {}) {
    const copies = this.meet();
    const those = (test) => copies.filter((copy) => test(copy.connection ?? copy));
    let connecting = those(mongooses.isConnecting);
    if (isLast && connecting.length === 0) connecting = those(mongooses.wasConnecting);
    if (connecting.length > 1 && !this.warned) {
      this.warned = true;
      this.warn(
        'several copies of mongoose are connected: the first is used; see options.mongoose',
      );
    }
    if (connecting.length === 0) return { loaded: copies.length > 0 };
    this.hostBson = bsonOf(connecting[0]);
    return {
      connection: mongooses.describe(connecting[0].connection ?? connecting[0]),
      loaded: true,
    };
  }

  /** The host's `bson` where it has one, else our own; loaded when first needed. */
  bson() {
    if (this.hostBson === undefined) {
      const copies = this.given === undefined ? mongooses.loadedCopies() : [this.given];
      this.hostBson = copies.map(bsonOf).find((bson) => bson !== undefined);
    }
    return this.hostBson ?? require('bson');
  }
}

/** The `bson` of a mongoose instance, or of one of its connections. */
function bsonOf(mongoose) {
  return (mongoose.mongo ?? mongoose.base?.mongo)?.BSON;
}

/** Gives every loaded mongoose the models it lacks, as hosts expect of requiring this package. */
function registerModelsNow() {
  for (const copy of mongooses.loadedCopies()) {
    mongooses.registerModels(copy, DEFAULT_COLLECTIONS);
  }
}

module.exports = { HostConnection, registerModelsNow };
