// The game servers that are harmed, each a process of its own, none of which is left behind.
'use strict';

const { execFileSync } = require('node:child_process');
const path = require('node:path');
const { Orders } = require('../integration/exactness/servers');
const { startHost } = require('../support/host');
const { within } = require('../support/wait');
const { promisedOf, turnsOf } = require('./turns');

const PROGRAM = path.join(__dirname, 'game-server.js');
const LIFETIME_MS = 30 * 60_000;

const alive = new Set();

class Server {
  /** With `fileBytes` none of its files may grow beyond that. */
  constructor(settings, { env, nodeArgs, fileBytes } = {}) {
    this.name = settings.name;
    this.turn = { events: 0, logins: 0 };
    this.host = startHost(PROGRAM, {
      args: [JSON.stringify(settings)],
      ...{ env, nodeArgs, ipc: true, timeoutMs: LIFETIME_MS },
    });
    if (fileBytes) limitFiles(this.pid, fileBytes);
    this.orders = new Orders(this.host);
    this.finished = this.host.finished;
    alive.add(this);
    this.finished.then(() => alive.delete(this));
  }

  get pid() {
    return this.host.pid;
  }

  tell(what, given) {
    return this.orders.give(what, given);
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
    await this.tell('stop');
    const { code, stderr } = await within(this.finished, { timeoutMs: 30_000, what: this.name });
    if (code !== 0) throw new Error(`${this.name} ended with ${code}:\n${stderr}`);
    return account;
  }

  /** Kills it at once; answers the account of what it had told. */
  async kill({ isKept = true } = {}) {
    const killedMs = Date.now();
    this.host.child.kill('SIGKILL');
    await this.finished;
    return this.accountOfDead(killedMs, isKept);
  }

  /** What is promised of a server that died then: with a spool, what its turns had handed over. */
  accountOfDead(diedMs, isKept = true) {
    const turns = turnsOf(this.host.output.stdout);
    const last = turns.at(-1) ?? { events: 0, logins: 0 };
    return {
      name: this.name,
      promised: isKept ? promisedOf(turns, diedMs) : { events: 0, logins: 0 },
      // It had not told of the turn in which it died.
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
  return new Server(settings, how);
}

/** A server that has been told to start. */
async function startServer(settings, how) {
  const server = launch(settings, how);
  await within(server.orders.ready, { timeoutMs: 30_000, what: `${settings.name} to be there` });
  await server.tell('start');
  return server;
}

async function killAll() {
  const servers = [...alive];
  for (const server of servers) server.host.child.kill('SIGKILL');
  await Promise.all(servers.map((server) => server.finished));
}

module.exports = { killAll, launch, startServer };
