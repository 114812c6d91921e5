// The game servers of the fault tests, each a process of its own. All have ended when the tests end.
'use strict';

const { execFileSync } = require('node:child_process');
const support = require('../support/game-server');
const { waitFor } = require('../support/wait');
const { lastSignOf, promisedOf, reportOf } = require('./turns');

const ORDERS = require.resolve('./orders');
const LIFETIME_MS = 30 * 60_000;

class Server extends support.GameServer {
  /** With `fileBytes`, none of its files may become longer; `container` limits what it uses. */
  constructor(plays, settings, { fileBytes, container, ...how } = {}) {
    super(plays, settings, { timeoutMs: LIFETIME_MS, answerMs: LIFETIME_MS, ...how });
    this.turn = { events: 0, logins: 0 };
    if (fileBytes) limitFiles(this.pid, fileBytes);
    container?.take(this.pid);
  }

  /** Plays until told `enough`; `played` resolves at the end of it. */
  play(given) {
    this.turn = given.turn;
    this.played = this.tell('play', given);
    this.played.catch(() => {});
  }

  /** Waits for the first turn that it reports. */
  async firstTurn() {
    const isThere = () => this.output.stdout.includes('\n');
    await waitFor(isThere, { timeoutMs: 30_000, what: `a turn of ${this.name}`, everyMs: 1 });
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

  /** Kills it at once; answers the account by what it had reported. */
  async crash({ isKept = true } = {}) {
    const killedMs = Date.now();
    await this.kill();
    return this.accountOfDead(killedMs, isKept);
  }

  /**
   * The account of a server that died at this time, or after its last report. With a spool, the records of
   * its turns must be stored.
   */
  accountOfDead(killedMs, isKept = true) {
    const report = reportOf(this.output.stdout);
    const diedMs = killedMs ?? lastSignOf(report);
    const last = report.turns.at(-1) ?? { events: 0, logins: 0 };
    return {
      name: this.name,
      promised: isKept ? promisedOf(report, diedMs) : { events: 0, logins: 0 },
      // The turn in which it died is not reported.
      events: last.events + this.turn.events,
      logins: last.logins + this.turn.logins,
    };
  }
}

function limitFiles(pid, bytes) {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}`]);
}

/** Does not wait for its first answer: it may end before that. */
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
