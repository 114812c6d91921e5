/**
 * End of the process or of a thread: what its clients still hold is written, forwarded or reported.
 *
 * It blocks for 1.5 s at most, that for the records of the host's own `exit` listeners included, and 0.1 s longer
 * if these have yet to reach the spool.
 * One hook serves all copies of this module in the process, however often Jest or a bundler has loaded it.
 */
'use strict';

const { performance } = require('node:perf_hooks');
const { isMainThread } = require('node:worker_threads');
const { loadBinary } = require('./loader.js');
const { lineWriter } = require('./logger.js');

const { flushOnExit } = loadBinary();
const { apply } = Reflect;
// Taken now: fake timers replace the method.
const monotonicMs = performance.now.bind(performance);
const LIMIT_MS = 1_500;

/**
 * @typedef {object} ExitingClient
 * @property {import('./logger.js').WriteLine} write
 * @property {() => void} handOverLast
 *
 * @typedef {object} Entry
 * @property {WeakRef<ExitingClient>} client
 * @property {FinalizationRegistry<Entry>} collected removes the entry. Held by it: the entry may outlive
 *   this module, when a `vm` context is forgotten
 *
 * @typedef {{ [key: symbol]: Set<Entry> | undefined }} Registry
 */

/** Clients of this environment are kept under this name of `process`. */
const CLIENTS = Symbol.for('gso-analytics.clients');
const registry = /** @type {Registry} */ (/** @type {unknown} */ (process));

/** @type {FinalizationRegistry<Entry>} */
const collected = new FinalizationRegistry((entry) => registry[CLIENTS]?.delete(entry));

/**
 * Flushes the client when the process or its thread ends. Does not keep the client from being collected.
 *
 * @param {ExitingClient} client
 */
function flushAtExit(client) {
  let clients = registry[CLIENTS];
  if (clients === undefined) {
    clients = new Set();
    Object.defineProperty(process, CLIENTS, { value: clients });
    hookExit();
  }
  const entry = { client: new WeakRef(client), collected };
  clients.add(entry);
  collected.register(client, entry);
}

/**
 * Flushes when `exit` is emitted, and again when all of its listeners have been called: those that are
 * registered after ours may track. Not only then, as any of them may end the process.
 */
function hookExit() {
  const { emit } = /** @type {any} */ (process);
  /** @type {number | undefined} */
  let begun;
  let said = '';
  const flush = () => {
    begun ??= monotonicMs();
    said = flushAll(Math.max(0, LIMIT_MS - (monotonicMs() - begun)), said);
  };
  process.on('exit', flush);
  /** @this {unknown} @param {any[]} args */
  process.emit = function (...args) {
    try {
      return apply(emit, this, args);
    } finally {
      if (args[0] === 'exit') {
        flush();
        begun = undefined;
        said = '';
      }
    }
  };
}

/**
 * @param {number} limitMs
 * @param {string} said the line about what was left when this was called before, not to be said again
 * @returns {string} the line about what is left, if anything is
 */
function flushAll(limitMs, said) {
  const live = [...(registry[CLIENTS] ?? [])]
    .map((entry) => entry.client.deref())
    .filter((client) => client !== undefined);
  for (const client of live) client.handOverLast();
  const left = flushOnExit(isMainThread, limitMs);
  if (left.records === 0 && left.unforwarded === 0) return '';
  const line = lineOf(left);
  const write = live[0]?.write ?? lineWriter(undefined);
  if (line !== said) write(isLost(left) ? 'error' : 'warn', line);
  return line;
}

/** @param {import('../native.js').Left} left */
function isLost({ records, spooled, unforwarded, spooledEvents }) {
  return records > spooled || unforwarded > spooledEvents;
}

/** @param {import('../native.js').Left} left */
function lineOf(left) {
  const { records, spooled, unforwarded, spooledEvents } = left;
  const begin = `the process ends; records not written: ${records}, events not forwarded: ${unforwarded}`;
  if (!isLost(left)) return `${begin}; all are in the spool: the next start sends them`;
  const kept =
    spooled + spooledEvents > 0
      ? `, but for ${spooled} records and ${spooledEvents} events in the spool`
      : '';
  return `${begin}; they are lost${kept}: await stop() before the process ends, or set spoolDir`;
}

module.exports = { flushAtExit };
