// Starts game servers, each a process of its own, tells them what to do, and leaves none behind.
'use strict';

const path = require('node:path');
const { startHost } = require('../host');
const { waitFor, within } = require('../wait');

const PROGRAM = path.join(__dirname, 'program.js');
const START_MS = 30_000;
const END_MS = 30_000;

const alive = new Set();

class GameServer {
  #waiting = new Map();
  #last = 0;
  #ended;

  /**
   * `plays` is the file with its orders, see program.js; the settings go to them, and their `name` to
   * messages. `answerMs` limits an answer, `timeoutMs` the life of the process.
   */
  constructor(plays, settings, { answerMs = 600_000, timeoutMs = 120_000, ...how } = {}) {
    const args = [JSON.stringify({ ...settings, plays })];
    this.name = settings.name ?? 'a game server';
    this.answerMs = answerMs;
    this.host = startHost(PROGRAM, { args, ipc: true, timeoutMs, ...how });
    // Also when nobody waits for the answer.
    this.host.child.on('error', () => {});
    this.host.child.on('message', (message) => this.#take(message));
    this.ready = this.#expect(0);
    this.finished = this.host.finished;
    alive.add(this);
    this.finished.then((end) => this.#end(end));
  }

  get pid() {
    return this.host.pid;
  }

  get output() {
    return this.host.output;
  }

  #expect(number) {
    const answered = new Promise((resolve, reject) => {
      this.#waiting.set(number, { resolve, reject });
    });
    // When a test fails for another reason, nobody is left who waits.
    answered.catch(() => {});
    return answered;
  }

  #take({ number, answer, error }) {
    const { resolve, reject } = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (error) reject(Object.assign(new Error(error.message), { code: error.code }));
    else resolve(answer);
  }

  #end({ code, signal, stderr }) {
    alive.delete(this);
    this.#ended = new Error(`${this.name} has ended (${code ?? signal})\n${stderr}`);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
  }

  /** Resolves with the answer to the order `what`. */
  async tell(what, given) {
    if (this.#ended) throw this.#ended;
    this.#last += 1;
    const answered = this.#expect(this.#last);
    this.host.child.send({ number: this.#last, what, given });
    return within(answered, { timeoutMs: this.answerMs, what: `${this.name} to ${what}` });
  }

  /** Waits until the health report is as wanted, and answers it. */
  async until(isSo, { timeoutMs = 30_000, what = String(isSo) } = {}) {
    let health;
    const look = async () => {
      health = await this.tell('getHealth');
      return isSo(health);
    };
    await waitFor(look, { timeoutMs, what }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(health)}`);
    });
    return health;
  }

  /** Stops it in order; answers what `report` says before it goes. */
  async stopAnd(report) {
    await this.tell('stop');
    const said = await report?.();
    await this.tell('leave');
    const end = await within(this.finished, { timeoutMs: END_MS, what: `the end of ${this.name}` });
    if (end.code !== 0) throw new Error(`${this.name} ended with ${end.code}:\n${end.stderr}`);
    return said;
  }

  /** Ends it at once; resolves with its end. */
  async kill(signal = 'SIGKILL') {
    this.host.child.kill(signal);
    return this.finished;
  }
}

/** A server that takes orders; `Server` is a subclass of `GameServer`. */
async function startServer(plays, settings, how, Server = GameServer) {
  const server = new Server(plays, settings, how);
  await within(server.ready, { timeoutMs: START_MS, what: `${server.name} to be there` });
  return server;
}

/** All that are left. */
async function endServers() {
  await Promise.all([...alive].map((server) => server.kill()));
}

module.exports = { GameServer, endServers, startServer };
