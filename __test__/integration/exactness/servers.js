// Game servers that play rounds, none of which is left behind, and what they say of themselves.
'use strict';

const support = require('../../support/game-server');

const ORDERS = require.resolve('./orders');
const LIFETIME_MS = 150_000;

class Server extends support.GameServer {
  /** Stops it in order; answers its account. */
  async leave() {
    await this.tell('flush');
    const account = await this.tell('account');
    await this.stopAnd();
    return account;
  }
}

/** With the settings of orders.js, of which `seed` and `flushIntervalMs` may be left out. */
function startServer(settings) {
  const complete = { seed: 1, flushIntervalMs: 100, ...settings };
  return support.startServer(ORDERS, complete, { timeoutMs: LIFETIME_MS }, Server);
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

/** The result of getMetrics() in a fresh process on each of these days. */
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

module.exports = { freshMetrics, sumOf, troubles, users, withServers };
