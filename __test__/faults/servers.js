// The game servers that are harmed, each a process of its own, none of which is left behind.
'use strict';

const { execFileSync } = require('node:child_process');
const support = require('../support/game-server');
const { promisedOf, turnsOf } = require('./turns');

const ORDERS = require.resolve('./orders');
const LIFETIME_MS = 30 * 60_000;

class Server extends support.GameServer {
  /** With `fileBytes` none of its files may grow beyond that. */
  constructor(plays, settings, { fileBytes, ...how } = {}) {
    super(plays, settings, { timeoutMs: LIFETIME_MS, answerMs: LIFETIME_MS, ...how });
    this.turn = { events: 0, logins: 0 };
    if (fileBytes) limitFiles(this.pid, fileBytes);
  }

  /** Plays until told `enough`; who waits for the end of it waits for what `finish` answers. */
  play(given) {
    this.turn = given.turn;
    this.played = this.tell('play', given);
    this.played.catch(() => {});
  }

  async pause() {
    await this.tell('enough');
    await this.played;
  }

  /** Stops it in order; answers its account. */
  async leave() {
    if (this.played) await this.pause();
    await this.tell('flush');
    const account = await this.tell('account');
    await this.stopAnd();
    return account;
  }

  /** Kills it at once; answers the account of what it had told. */
  async crash({ isKept = true } = {}) {
    const killedMs = Date.now();
    await this.kill();
    return this.accountOfDead(killedMs, isKept);
  }

  /** What is promised of a server that died then: with a spool, what its turns had handed over. */
  accountOfDead(diedMs, isKept = true) {
    const turns = turnsOf(this.output.stdout);
    const last = turns.at(-1) ?? { events: 0, logins: 0 };
    return {
      name: this.name,
      promised: isKept ? promisedOf(turns, diedMs) : { events: 0, logins: 0 },
      // It had not reported the turn in which it died.
      events: last.events + this.turn.events,
      logins: last.logins + this.turn.logins,
    };
  }
}

function limitFiles(pid, bytes) {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`]);
}

/** Without waiting until it answers, when it may end before. */
function launch(settings, how) {
  return new Server(ORDERS, settings, how);
}

/** A server that has been told to start. */
async function startServer(settings, how) {
  const server = await support.startServer(ORDERS, settings, how, Server);
  await server.tell('start');
  return server;
}

module.exports = { launch, startServer };
