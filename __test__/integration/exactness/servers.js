// Starts game servers as processes of their own, tells them what to do, and never leaves one behind.
'use strict';

const path = require('node:path');
const { startHost } = require('../../support/host');

const PROGRAM = path.join(__dirname, 'game-server.js');
const LIFETIME_MS = 150_000;

/** Answers to orders by one process; all are rejected when it ends. */
class Orders {
  #waiting = new Map();
  #last = 0;
  #end;

  constructor({ child, finished }) {
    this.child = child;
    this.ready = this.#expect(0);
    child.on('message', (message) => this.#take(message));
    finished.then((end) => {
      this.#end = new Error(`a game server ended (${end.code ?? end.signal}):\n${end.stderr}`);
      for (const { reject } of this.#waiting.values()) reject(this.#end);
    });
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
    if (error) reject(new Error(error));
    else resolve(answer);
  }

  give(what, given) {
    if (this.#end) return Promise.reject(this.#end);
    this.#last += 1;
    const answered = this.#expect(this.#last);
    this.child.send({ number: this.#last, what, given });
    return answered;
  }
}

/**
 * A game server: `tell(what, given)` as game-server.js understands it, `leave()` stops it in order and
 * answers its account, `kill()` ends it. Settings: `uri`, `clock` (where it stands at first), `users`,
 * its `name`, and if need be `seed`, `flushIntervalMs`.
 */
async function startServer(settings) {
  const complete = { seed: 1, flushIntervalMs: 100, ...settings };
  const host = startHost(PROGRAM, {
    args: [JSON.stringify(complete)],
    ipc: true,
    timeoutMs: LIFETIME_MS,
  });
  const orders = new Orders(host);
  await orders.ready;
  return {
    name: complete.name,
    pid: host.pid,
    tell: (what, given) => orders.give(what, given),
    async leave() {
      await orders.give('flush');
      const account = await orders.give('account');
      await orders.give('stop');
      const { code, stderr } = await host.finished;
      if (code !== 0) throw new Error(`${complete.name} ended with ${code}:\n${stderr}`);
      return account;
    },
    async kill() {
      host.child.kill('SIGKILL');
      await host.finished;
    },
  };
}

/**
 * Starts a server for each of the settings, called s0, s1 … unless they name it, and answers what
 * `work(servers)` does. None outlives it.
 */
async function withServers(settings, work) {
  const starting = settings.map((one, i) => startServer({ name: `s${i}`, ...one }));
  const settled = await Promise.allSettled(starting);
  const servers = settled.filter(({ value }) => value).map(({ value }) => value);
  try {
    return await work(await Promise.all(starting));
  } finally {
    await Promise.all(servers.map((server) => server.kill()));
  }
}

/** What a fresh process is told by getMetrics() on each of these days. */
async function freshMetrics(uri, days) {
  const settings = { uri, users: [], clock: `${days[0]}T12:00:00.000Z` };
  return withServers([settings], ([server]) => server.tell('metricsOf', days));
}

/** A number of all servers' health reports. */
function sumOf(accounts, what) {
  return accounts.reduce((sum, { health }) => sum + health[what], 0);
}

/** What the servers had to repeat and what came of it, and what they said about it, as one line. */
function troubles(accounts) {
  const counts = [
    `${sumOf(accounts, 'retried')} records repeated`,
    `${sumOf(accounts, 'duplicates')} documents were there`,
    `${sumOf(accounts, 'casConflicts')} additions looked up`,
  ];
  const said = accounts.flatMap(({ lines, health }) => [...lines, health.lastError?.message]);
  return [...counts, ...new Set(said)].filter(Boolean).join('; ');
}

/** `count` users, the first of them number `from`: sets of one test overlap. */
function users(from, count) {
  return Array.from({ length: count }, (_, i) => `user${from + i}`);
}

module.exports = { Orders, freshMetrics, sumOf, troubles, users, withServers };
