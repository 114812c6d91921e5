// What the rows share: servers, databases and folders, made when they are asked for and gone at the end.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { MongoClient } = require('../support/driver');
const support = require('../support/mongod');
const { startProxy } = require('../support/proxy');
const { Tally } = require('../integration/exactness/writes');
const { endServers } = require('../support/game-server');

/** Of the rounds of the short form the brief one plays one in so many. */
const BRIEF_SHARE = 5;

class Database {
  constructor(client, serverUri, name = support.freshDatabaseName()) {
    this.name = name;
    this.uri = support.withDatabase(serverUri, name);
    this.db = client.db(name);
  }

  count(filter = {}, collection = 'gsoevents') {
    return this.db.collection(collection).countDocuments(filter);
  }

  /** Whether the event is there; an event is never found later than it can be read. */
  async has(mark) {
    return (await this.count({ 'data.mark': mark })) > 0;
  }
}

/** A server, and a client that is closed with it. */
class Mongo {
  constructor(server) {
    this.server = server;
    // Of a server that is harmed the test itself must not wait for ever.
    this.client = new MongoClient(server.uri, { serverSelectionTimeoutMS: 60_000 });
  }

  database() {
    return new Database(this.client, this.server.uri);
  }

  async stop() {
    await this.client.close();
    await this.server.stop();
  }
}

class Context {
  #cleanups = [];
  #shared;

  constructor({ isBrief, isShort, rounds, say, failPoints }) {
    Object.assign(this, { isBrief, isShort, givenRounds: rounds, say, failPoints });
    /** What was seen of repetitions at proxies, over all rows. */
    this.tallies = [];
  }

  /** How many rounds a row plays. */
  rounds(short, full) {
    const brief = Math.ceil(short / BRIEF_SHARE);
    return this.givenRounds ?? (this.isBrief ? brief : this.chosen(short, full));
  }

  chosen(short, full) {
    return this.isShort ? short : full;
  }

  /** The standalone server that most rows use: killed and frozen it may be, if it is mended. */
  async standalone() {
    this.#shared ??= new Mongo(await support.startMongod({ own: true, say() {} }));
    return this.#shared;
  }

  /** A server of this row's own, as `startMongod` takes its options. */
  async mongod(options) {
    const mongo = new Mongo(await support.startMongod({ own: true, ...options, say() {} }));
    this.onEnd(() => mongo.stop());
    return mongo;
  }

  async proxy(mongo, port = mongo.server.port) {
    const tally = new Tally();
    const proxy = await startProxy(port, tally);
    this.tallies.push(tally);
    this.onEnd(() => proxy.close());
    return Object.assign(proxy, { tally });
  }

  folder(name = 'spool') {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), `gso-faults-${name}-`));
    this.onEnd(() => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    return folder;
  }

  onEnd(cleanup) {
    this.#cleanups.push(cleanup);
  }

  /** The end of a row. */
  async end() {
    await endServers();
    for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
  }

  async close() {
    await this.end();
    await this.#shared?.stop();
  }
}

module.exports = { Context };
