// The course of most rows: servers play while something breaks and is repaired, several times; at the end
// every record must be there. Two servers play, one with a spool and one without.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { waitFor } = require('../support/wait');
const { verify } = require('./oracle');
const { startServer } = require('./servers');

const MIB = 2 ** 20;
/** I7: the time in which a new event must arrive after the fault. */
const RECOVERY_MS = 10_000;
/**
 * I6: by how much more, in ms, track() may delay the event loop than a track() that does nothing does. A
 * busy machine delays both, and by amounts that differ as much as the delay itself.
 */
const laterThan = (noop) => Math.max(2, noop);
const ARRIVAL_MS = 60_000;

const LIMITS = { maxQueueBytes: 64 * MIB, maxSpoolBytes: 256 * MIB };
/** 600 events a second and server, and 30 logins with their logouts. */
const LOAD = { turn: { events: 20, logins: 1 }, everyMs: 33 };

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** A server with a spool and one without. */
async function startPair(context, uri, { options = {}, names = ['s', 'm'] } = {}) {
  const common = { uri, ...LIMITS, operationTimeoutMs: 120_000, shutdownTimeoutMs: 60_000 };
  const all = { ...common, ...options };
  return Promise.all([
    startServer({ name: names[0], options: { spoolDir: context.folder(), ...all } }),
    startServer({ name: names[1], options: all }),
  ]);
}

/** The pair, with a proxy between it and a server of its own. */
async function throughProxy(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const servers = await startPair(context, proxy.uri(database.name));
  return { database, proxy, servers };
}

/** The time, in ms from now, until a new event of each server has arrived. */
async function recovery(servers, database, timeoutMs = ARRIVAL_MS) {
  const begun = performance.now();
  const marks = await Promise.all(servers.map((server) => server.tell('fresh')));
  for (const mark of marks) {
    await waitFor(() => database.has(mark), { timeoutMs, what: `${mark} to arrive` });
  }
  return performance.now() - begun;
}

/**
 * Servers play while `harm(round)` breaks something, waits and repairs it. If it answers a function, that is
 * called once new events have arrived. With `compares`, the delay of the event loop is measured while
 * something is broken (I6).
 */
async function playHarmed(servers, { database, rounds, harm, load = LOAD, compares = false }) {
  const recoveries = [];
  for (const server of servers) server.play(load);
  for (let round = 0; round < rounds; round++) {
    await recovery(servers, database);
    if (compares) await all(servers, 'compare', true);
    const after = await harm(round);
    if (compares) await all(servers, 'compare', false);
    recoveries.push(await recovery(servers, database));
    await after?.();
  }
  return Math.max(...recoveries);
}

function all(servers, what, given) {
  return Promise.all(servers.map((server) => server.tell(what, given)));
}

/** Stops the servers, audits the database, and answers the row of the table. */
async function conclude(servers, database, { rounds, recoveryMs, ...rest } = {}) {
  const accounts = [];
  for (const server of servers) accounts.push(await server.leave());
  return judge(accounts, database, { rounds, recoveryMs, ...rest });
}

/**
 * The row of the table for these accounts, with its `problems`. `recoveryLimitMs` is the time in which a new
 * event must arrive; `isRefused` allows rejected records.
 */
async function judge(accounts, database, given = {}) {
  const { rounds = 1, recoveryMs, recoveryLimitMs = RECOVERY_MS, isRefused = false } = given;
  const { limits = LIMITS, allowed = [], ...oracle } = given;
  const living = accounts.filter(({ health }) => health);
  const counted = accounts.map((one) => (isRefused && one.health ? partial(one) : one));
  const row = await verify(database.db, counted, oracle);
  row.problems.push(
    ...living.flatMap((one) => healthProblems(one, { isRefused, allowed, limits })),
  );
  if (recoveryMs > recoveryLimitMs) {
    row.problems.push(`a new event took ${Math.round(recoveryMs)} ms to arrive`);
  }
  const seen = (what) => sum(living.map(({ health }) => what(health)));
  return {
    ...row,
    rounds,
    recoveryMs,
    worstTrackMs: Math.max(0, ...accounts.map((one) => one.worstTrackMs ?? 0)),
    delays: living.map(({ delayP99 }) => delayP99).filter(({ real }) => real !== undefined),
    duplicates: seen(({ duplicates }) => duplicates),
    casConflicts: seen(({ casConflicts }) => casConflicts),
    replays: seen(
      ({ retried, spool }) => retried + (spool?.recovered ?? 0) + (spool?.recoveredFromOthers ?? 0),
    ),
    refused: seen(({ rejected }) => sum(Object.values(rejected))),
    notSpooled: seen(({ spool }) => spool?.notSpooled ?? 0),
    lines: living.flatMap(({ lines }) => lines),
    dropped: summed(living.map(({ health }) => health.dropped)),
  };
}

const SUMMED = ['rounds', 'accepted', 'stored', 'lost', 'duplicated', 'counterError'];
const SEEN = ['duplicates', 'casConflicts', 'replays', 'refused'];

/** One row of the table for several that belong together. */
function mergeRows(rows) {
  const total = (key) => sum(rows.map((row) => row[key] ?? 0));
  const most = (key) => Math.max(0, ...rows.map((row) => row[key] ?? 0));
  return {
    ...Object.fromEntries([...SUMMED, ...SEEN].map((key) => [key, total(key)])),
    recoveryMs: most('recoveryMs') || undefined,
    worstTrackMs: most('worstTrackMs'),
    delays: rows.flatMap(({ delays = [] }) => delays),
    problems: rows.flatMap(({ problems }) => problems),
    note: rows
      .map(({ note }) => note)
      .filter(Boolean)
      .join('; '),
  };
}

/** Counts by reason, of all servers. */
function summed(counts) {
  const total = {};
  for (const [reason, count] of counts.flatMap(Object.entries)) {
    total[reason] = (total[reason] ?? 0) + count;
  }
  return total;
}

/** The account of a server some of whose records were refused: nobody knows which. */
function partial(account) {
  // Logouts of logins that were refused are accepted and write nothing.
  return { ...account, accepted: account.health.written };
}

function healthProblems({ name, health, most, delayP99 }, { isRefused, allowed, limits }) {
  const problems = [];
  const expect = (isRight, text) => isRight || problems.push(`${name}: ${text}`);
  expect(health.queued === 0, `${health.queued} queued at the end`);
  for (const what of ['dropped', 'warnings', ...(isRefused ? [] : ['rejected'])]) {
    const counts = Object.entries(health[what]).filter(([reason]) => !allowed.includes(reason));
    expect(counts.length === 0, `${what} ${JSON.stringify(health[what])}`);
  }
  expect(most.queuedBytes <= limits.maxQueueBytes, `${most.queuedBytes} bytes in memory`);
  expect(most.spoolBytes <= limits.maxSpoolBytes, `${most.spoolBytes} bytes on disk`);
  const { real, noop } = delayP99;
  if (real !== undefined && noop !== undefined) {
    expect(
      real <= noop + laterThan(noop),
      `event loop delay p99 ${real.toFixed(1)} ms, ${noop.toFixed(1)} ms beside no track()`,
    );
  }
  return problems;
}

module.exports = {
  LIMITS,
  LOAD,
  all,
  conclude,
  delay,
  judge,
  mergeRows,
  playHarmed,
  recovery,
  startPair,
  throughProxy,
};
