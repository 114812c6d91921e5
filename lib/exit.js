/**
 * End of the process or of a thread: what its clients still hold is written, forwarded or reported.
 *
 * One `exit` listener serves all copies of this module in the process, however often Jest or a bundler
 * has loaded it. It blocks for 1.5 s at most.
 */
'use strict';

const { isMainThread } = require('node:worker_threads');
const { loadBinary } = require('./loader.js');
const { lineWriter } = require('./logger.js');

const { flushOnExit } = loadBinary();

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
    process.on('exit', flushAll);
  }
  const entry = { client: new WeakRef(client), collected };
  clients.add(entry);
  collected.register(client, entry);
}

function flushAll() {
  const live = [...(registry[CLIENTS] ?? [])]
    .map((entry) => entry.client.deref())
    .filter((client) => client !== undefined);
  for (const client of live) client.handOverLast();
  const left = flushOnExit(isMainThread);
  if (left.records === 0 && left.unforwarded === 0) return;
  const write = live[0]?.write ?? lineWriter(undefined);
  write(isLost(left) ? 'error' : 'warn', lineOf(left));
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
