/**
 * Where the database is, when no connection string was given: with the host's mongoose, as soon as
 * that begins to connect. Also knows which copy of `bson` the host uses, since objects of another
 * major version are refused by its driver.
 */
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const mongooses = require('./mongoose.js');

class HostConnection {
  /**
   * @param {object} options of the constructor
   * @param {(text: string) => void} warn
   */
  constructor(options, warn) {
    this.given = options.mongoose ?? undefined;
    this.collections = options.collections;
    this.warnAbout = warnOnce(warn);
    this.hostBson = undefined;
    /** The connection that was adopted, and the client it had: a reconnecting host makes another. */
    this.adopted = undefined;
    this.meet();
  }

  /** Copies of mongoose that may be adopted; each gets the models it lacks. */
  meet() {
    const copies = this.given === undefined ? mongooses.loadedCopies() : [this.given];
    for (const copy of copies) {
      if (mongooses.isMongoose(copy)) mongooses.registerModels(copy, this.collections);
    }
    this.hostBson ??= copies.map(bsonOf).find((bson) => bson !== undefined);
    return copies;
  }

  /**
   * @param {{ isLast?: boolean }} [when] at the end of the process a connection that the host has
   *   closed just before is good enough
   * @returns {{ connection?: object, mayCome: boolean, other?: object }} whether a mongoose may begin
   *   to connect, and a connection that will do if it does not
   */
  find({ isLast = false } = {}) {
    const copies = this.meet();
    const those = (test) => copies.filter((copy) => test(copy.connection ?? copy));
    let connecting = those(mongooses.isConnecting);
    if (isLast && connecting.length === 0) connecting = those(mongooses.wasConnecting);
    if (connecting.length === 0) {
      return { mayCome: copies.length > 0 || isMongooseInstalled(), other: this.other(copies) };
    }
    if (connecting.length > 1) {
      this.warnAbout(
        'several copies of mongoose are connected: the first is used; see options.mongoose',
      );
    }
    return { connection: this.adopt(connecting[0]), mayCome: true };
  }

  /** The connection that `createConnection()` has made, if it has made just one. */
  other(copies) {
    const made = copies.flatMap((copy) =>
      (copy.connections ?? []).map((connection) => ({ copy, connection })),
    );
    const others = made.filter(({ connection }) => mongooses.isConnecting(connection));
    if (others.length !== 1) return undefined;
    const [{ copy, connection }] = others;
    return this.settings(connection, copy);
  }

  adopt(mongoose) {
    const connection = mongoose.connection ?? mongoose;
    this.hostBson = bsonOf(mongoose) ?? this.hostBson;
    const settings = this.settings(connection, mongoose);
    this.adopted = { mongoose, connection, client: connection.client, place: placeOf(settings) };
    return settings;
  }

  settings(connection, mongoose) {
    const missing = mongooses.unadoptable(connection);
    if (missing.length > 0) {
      this.warnAbout(
        `these settings of the mongoose connection cannot be adopted: ${missing.join(', ')}; ` +
          'if no connection comes about, set options.uri',
      );
    }
    const collections = mongooses.collectionNames(mongoose);
    return { ...mongooses.describe(connection), collections };
  }

  /** The settings of another place, if the host has gone there since its connection was adopted. */
  moved() {
    if (this.adopted === undefined) return undefined;
    const { mongoose, connection, client, place } = this.adopted;
    if (connection.client === client || !mongooses.isConnecting(connection)) return undefined;
    const settings = this.adopt(mongoose);
    return this.adopted.place === place ? undefined : settings;
  }

  forget() {
    this.adopted = undefined;
  }

  /** The host's `bson` where it has one, else our own; loaded when first needed. */
  bson() {
    return this.hostBson ?? require('bson');
  }

  /** Every `bson` there is by now: of all copies of mongoose that the host has loaded, and our own. */
  allBsons() {
    return [...this.meet().map(bsonOf).filter(Boolean), require('bson')];
  }
}

/** Text that differs between places; of an SRV record the hosts may be known or not. */
function placeOf(settings) {
  const { hosts, ...rest } = settings;
  return JSON.stringify(settings.srvHost === undefined ? settings : rest);
}

function warnOnce(warn) {
  const said = new Set();
  return (text) => {
    if (said.has(text)) return;
    said.add(text);
    warn(text);
  };
}

/** The `bson` of a mongoose instance, or of one of its connections. */
function bsonOf(mongoose) {
  return (mongoose.mongo ?? mongoose.base?.mongo)?.BSON;
}

/** @type {boolean | undefined} */
let isInstalled;

/** Whether the program could still load mongoose; looks, and loads nothing. */
function isMongooseInstalled() {
  // Under a process manager the main file is not the program's own, but its folder is.
  const places = [() => require.main?.filename, () => process.argv[1], () => `${process.cwd()}/x`];
  isInstalled ??= places.some(canLoadMongoose);
  return isInstalled;
}

function canLoadMongoose(place) {
  try {
    createRequire(path.resolve(place())).resolve('mongoose');
    return true;
  } catch {
    return false;
  }
}

/** Gives every loaded mongoose the models it lacks, as hosts expect of requiring this package. */
function registerModelsNow() {
  for (const copy of mongooses.loadedCopies()) mongooses.registerModels(copy);
}

module.exports = { HostConnection, registerModelsNow };
