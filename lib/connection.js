/**
 * Where the database is, when no connection string was given: with the host's mongoose, as soon as
 * that begins to connect. Also knows which copy of `bson` the host uses, since objects of another
 * major version are refused by its driver.
 */
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');
const { performance } = require('node:perf_hooks');
const mongooses = require('./mongoose.js');

const LOOK_AGAIN_MS = 1_000;
// Taken now: fake timers replace the method.
const monotonicMs = performance.now.bind(performance);

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
    this.bsons = [];
    this.lookedAt = -LOOK_AGAIN_MS - 1;
    /** The connection that was adopted, and the client it had: a reconnecting host makes another. */
    this.adopted = undefined;
    /** The same of the one that was offered for want of a better. */
    this.offered = undefined;
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
   * @returns {{ connection?: object, prospect?: string, other?: object }} what may still come, and
   *   a connection that will do if it does not
   */
  find({ isLast = false } = {}) {
    const copies = this.meet();
    const those = (test) => copies.filter((copy) => test(copy.connection ?? copy));
    let connecting = those(mongooses.isConnecting);
    if (isLast && connecting.length === 0) connecting = those(mongooses.wasConnecting);
    if (connecting.length === 0) {
      return { prospect: isLast ? 'last' : prospectOf(copies), other: this.other(copies) };
    }
    if (connecting.length > 1) {
      this.warnAbout(
        'several copies of mongoose are connected: the first is used; see options.mongoose',
      );
    }
    this.adopted = this.choice(connecting[0].connection ?? connecting[0], connecting[0]);
    return { connection: this.adopted.settings };
  }

  /** The connection that `createConnection()` has made, if it has made just one. */
  other(copies) {
    const made = copies.flatMap((copy) =>
      (copy.connections ?? []).map((connection) => ({ copy, connection })),
    );
    const others = made.filter(({ connection }) => mongooses.isConnecting(connection));
    if (others.length !== 1) return undefined;
    const [{ copy, connection }] = others;
    if (this.offered?.client !== connection.client) this.offered = this.choice(connection, copy);
    return this.offered.settings;
  }

  adoptOther() {
    this.adopted = this.offered;
  }

  choice(connection, mongoose) {
    this.hostBson = bsonOf(mongoose) ?? this.hostBson;
    const settings = this.settings(connection, mongoose);
    return { mongoose, connection, client: connection.client, settings };
  }

  settings(connection, mongoose) {
    const settings = mongooses.describe(connection);
    const missing = [...mongooses.unadoptable(connection), ...(settings.tls?.unreadable ?? [])];
    if (missing.length > 0) {
      this.warnAbout(
        `these settings of the mongoose connection cannot be adopted: ${missing.join(', ')}; ` +
          'if no connection comes about, set options.uri',
      );
    }
    const collections = mongooses.collectionNames(mongoose);
    return { ...settings, collections };
  }

  /** Whether the connection that was adopted is still in use. */
  isThere() {
    return this.adopted !== undefined && mongooses.isConnecting(this.adopted.connection);
  }

  /** The settings of another place, if the host has gone there since its connection was adopted. */
  moved() {
    if (this.adopted === undefined) return undefined;
    const { mongoose, connection, client, settings } = this.adopted;
    const own = mongoose.connection ?? connection;
    if (own !== connection && mongooses.isConnecting(own)) {
      // The one adopted was made by createConnection(), and now the host's own has come.
      this.adopted = this.choice(own, mongoose);
    } else if (connection.client !== client && mongooses.isConnecting(connection)) {
      this.adopted = this.choice(connection, mongoose);
    } else {
      return undefined;
    }
    const isSame = placeOf(this.adopted.settings) === placeOf(settings);
    return isSame ? undefined : this.adopted.settings;
  }

  /** The host's `bson` where it has one, else our own; loaded when first needed. */
  bson() {
    return this.hostBson ?? require('bson');
  }

  /** Every `bson` there is by now: of all copies of mongoose that the host has loaded, and our own. */
  allBsons() {
    // Looking through all loaded modules takes a while, and what is tried may come from outside.
    if (monotonicMs() - this.lookedAt > LOOK_AGAIN_MS) {
      this.bsons = [...this.meet().map(bsonOf).filter(Boolean), require('bson')];
      this.lookedAt = monotonicMs();
    }
    return this.bsons;
  }
}

/** What a host without a connection may still have. */
function prospectOf(copies) {
  if (copies.some((copy) => mongooses.wasConnecting(copy.connection ?? copy))) return 'connecting';
  return copies.length > 0 || isMongooseInstalled() ? 'mongoose' : 'none';
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
