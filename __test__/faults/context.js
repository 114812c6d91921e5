// What the rows share: servers, databases and folders, made when they are asked for and gone at the end.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const os = require('node:os');
const path = require('node:path');
const { Mongo } = require('../support/database');
const { startProxy } = require('../support/proxy');
const { Tally } = require('../integration/exactness/writes');
const { endServers } = require('../support/game-server');

/** The brief form plays the rounds of the short form divided by this. */
const BRIEF_SHARE = 5;

/** The test does not wait for ever for a server that it has broken. */
const CLIENT = { serverSelectionTimeoutMS: 60_000 };

class Context {
  #cleanups = [];
  #shared;

  constructor({ isBrief, isShort, rounds, say, failPoints }) {
    Object.assign(this, { isBrief, isShort, givenRounds: rounds, say, failPoints });
    /** Repeated commands that the proxies of all rows have seen. */
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

  /** The standalone server that most rows share. A row that kills or freezes it repairs it. */
  async standalone() {
    this.#shared ??= await Mongo.start({ own: true }, CLIENT);
    return this.#shared;
  }

  /** A server of this row's own, as `startMongod` takes its options. */
  async mongod(options) {
    const mongo = await Mongo.start({ own: true, ...options }, CLIENT);
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

  /** Takes every webhook: `{ url, requests }`. */
  async receiver() {
    const receiver = { requests: 0 };
    const server = http.createServer((request, response) => {
      receiver.requests += 1;
      request.resume();
      response.end();
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.onEnd(() => {
      server.close();
      server.closeAllConnections();
    });
    receiver.url = `http://localhost:${server.address().port}/hook`;
    return receiver;
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
