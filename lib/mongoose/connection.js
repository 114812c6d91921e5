/**
 * Connection of the host's mongoose: its settings are adopted when no connection string was given, and
 * adopted again when the host connects to another database.
 *
 * The connection itself is never used. Also finds the copy of `bson` that the host uses, whose driver
 * refuses objects of another major version.
 */
'use strict';

const { performance } = require('node:perf_hooks');
const { untrusted } = require('../trust.js');
const { isMongoose, isMongooseInstalled, loadedCopies } = require('./discovery.js');
const { collectionNames, registerModels } = require('./models.js');
const { describe, identityOf, isConnecting, unadoptable, wasConnecting } = require('./settings.js');

/**
 * @typedef {import('./discovery.js').Mongoose} Mongoose
 * @typedef {import('./settings.js').Connection} Connection
 * @typedef {import('./settings.js').Settings} Settings
 * @typedef {import('../../native.js').Outlook} Outlook
 * @typedef {typeof import('bson')} Bson
 *
 * @typedef {object} Choice a connection of the host's
 * @property {Mongoose} mongoose
 * @property {Connection} connection
 * @property {unknown} client that it had: a host that connects again makes another
 * @property {Settings} settings
 *
 * @typedef {object} Found
 * @property {Settings} connection
 *
 * @typedef {object} NotFound
 * @property {undefined} [connection]
 * @property {Outlook} outlook what may still come
 * @property {Settings} [other] a connection that will do if nothing comes
 */

/** `readyState` of mongoose. */
const CONNECTED = 1;
const LOOK_AGAIN_MS = 1_000;
// Taken now: fake timers replace the method.
const monotonicMs = performance.now.bind(performance);

class HostConnection {
  /**
   * @param {import('../../index.js').Options} options of the constructor
   * @param {(text: string) => void} warnAbout says each text once
   * @param {object} known
   * @param {string[]} [known.harmless] names of the driver's options that need not be adopted
   * @param {string[]} [known.ownTotals] totals that the models lack
   */
  constructor(options, warnAbout, { harmless, ownTotals } = {}) {
    this.harmless = new Set(harmless);
    this.given = options.mongoose ?? undefined;
    this.collections = options.collections;
    this.ownTotals = ownTotals;
    this.warnAbout = warnAbout;
    /** @type {Bson | undefined} */
    this.hostBson = undefined;
    /** @type {Bson[]} */
    this.bsons = [];
    this.lookedAt = -LOOK_AGAIN_MS - 1;
    /** @type {Choice | undefined} */
    this.adopted = undefined;
    /** @type {Choice | undefined} used when no better one comes */
    this.other = undefined;
    this.meet();
  }

  /** Copies of mongoose that may be adopted; each gets the models it lacks. */
  meet() {
    const copies = this.given === undefined ? loadedCopies() : [this.given];
    for (const copy of copies) {
      if (isMongoose(copy)) registerModels(copy, this.collections, this.ownTotals);
    }
    this.hostBson ??= copies.map(bsonOf).find((bson) => bson !== undefined);
    return copies;
  }

  /**
   * @param {{ isLast?: boolean }} [when] at the end of the process a connection that the host has
   *   closed just before is good enough
   * @returns {Found | NotFound}
   */
  find({ isLast = false } = {}) {
    const copies = this.meet();
    /** @type {(test: (connection: Connection) => boolean) => Mongoose[]} */
    const those = (test) => copies.filter((copy) => test(copy.connection ?? copy));
    let connecting = those(isConnecting);
    if (isLast && connecting.length === 0) connecting = those(wasConnecting);
    if (connecting.length === 0) {
      const other = this.findOther(copies);
      return {
        outlook: isLast ? 'noTime' : outlookOf(copies, other),
        other: other?.settings,
      };
    }
    if (connecting.length > 1) {
      this.warnAbout(
        'several copies of mongoose are connected: records go to the database of the first; ' +
          'to choose another, pass options.mongoose',
      );
    }
    this.adopted = this.choice(connecting[0].connection ?? connecting[0], connecting[0]);
    return { connection: this.adopted.settings };
  }

  /**
   * The connection that `createConnection()` has made, if it has made just one.
   *
   * @param {Mongoose[]} copies
   */
  findOther(copies) {
    const made = copies.flatMap((copy) =>
      (copy.connections ?? []).map((/** @type {Connection} */ connection) => ({
        copy,
        connection,
      })),
    );
    const [only, ...more] = made.filter(({ connection }) => isConnecting(connection));
    if (only === undefined || more.length > 0) return undefined;
    const { copy, connection } = only;
    if (this.other?.client !== connection.client) this.other = this.choice(connection, copy);
    return this.other;
  }

  adoptOther() {
    this.adopted = this.other;
  }

  /**
   * @param {Connection} connection
   * @param {Mongoose} mongoose
   * @returns {Choice}
   */
  choice(connection, mongoose) {
    this.hostBson = bsonOf(mongoose) ?? this.hostBson;
    const settings = this.settings(connection, mongoose);
    return { mongoose, connection, client: connection.client, settings };
  }

  /**
   * @param {Connection} connection
   * @param {Mongoose} mongoose
   * @returns {Settings}
   */
  settings(connection, mongoose) {
    const settings = describe(connection);
    const missing = [
      ...unadoptable(connection, this.harmless),
      ...(settings.tls?.unreadable ?? []),
    ];
    if (missing.length > 0) {
      this.warnAbout(
        `these settings of the mongoose connection cannot be adopted: ${missing.join(', ')}; ` +
          'if connecting fails without them, records wait: set options.uri',
      );
    }
    const { tls } = settings;
    const line = tls && !tls.allowInvalidCertificates ? untrusted() : undefined;
    if (line !== undefined) this.warnAbout(line);
    const collections = collectionNames(mongoose);
    return { ...settings, collections };
  }

  /** Whether the connection that was adopted is still in use. */
  isInUse() {
    return this.adopted !== undefined && isConnecting(this.adopted.connection);
  }

  /** Settings of another database, if the host has switched to it since its connection was adopted. */
  switched() {
    if (this.adopted === undefined) return undefined;
    const { mongoose, connection, client, settings } = this.adopted;
    const own = mongoose.connection ?? connection;
    if (own !== connection && isConnecting(own)) {
      // The one adopted was made by createConnection(), and now the host's own has come.
      this.adopted = this.choice(own, mongoose);
    } else if (connection.client !== client && isConnecting(connection)) {
      this.adopted = this.choice(connection, mongoose);
    } else {
      return undefined;
    }
    const isSame = identityOf(this.adopted.settings) === identityOf(settings);
    return isSame ? undefined : this.adopted.settings;
  }

  /** The host's `bson` where it has one, else our own; loaded when first needed. */
  bson() {
    return this.hostBson ?? require('bson');
  }

  /** Every `bson` that is loaded by now: of all copies of mongoose, and our own. */
  allBsons() {
    // Looking through all loaded modules takes a while, and whoever sends records could ask for it.
    if (monotonicMs() - this.lookedAt > LOOK_AGAIN_MS) {
      const ofHost = this.meet().map(bsonOf);
      this.bsons = [...ofHost.filter((bson) => bson !== undefined), require('bson')];
      this.lookedAt = monotonicMs();
    }
    return this.bsons;
  }
}

/**
 * @param {Mongoose[]} copies
 * @param {Choice} [other]
 * @returns {Outlook} of a host whose mongoose has no connection of its own
 */
function outlookOf(copies, other) {
  if (copies.some((copy) => wasConnecting(copy.connection ?? copy))) return 'connecting';
  if (other?.connection.readyState === CONNECTED) return 'otherConnected';
  return copies.length > 0 || isMongooseInstalled() ? 'mayConnect' : 'noMongoose';
}

/**
 * The `bson` of a mongoose instance, or of one of its connections.
 *
 * @param {Mongoose} mongoose
 * @returns {Bson | undefined}
 */
function bsonOf(mongoose) {
  return (mongoose.mongo ?? mongoose.base?.mongo)?.BSON;
}

module.exports = { HostConnection };
