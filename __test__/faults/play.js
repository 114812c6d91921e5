// What most rows do: servers play, something breaks and is mended, again and again, and at the end
// everything is there. Two servers play, one with a spool and one without.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { waitFor } = require('../support/wait');
const { verify } = require('./oracle');
const { startServer } = require('./servers');

const MIB = 2 ** 20;
/** I7: so long after the fault a new event has arrived at the latest. */
const RECOVERY_MS = 10_000;
/**
 * I6: so much later than beside a track() that does nothing is the event loop at most, in ms. A busy
 * machine delays both, and what it adds differs as much as it is.
 */
const laterThan = (noop) => Math.max(2, noop);
const ARRIVAL_MS = 60_000;

const LIMITS = { maxQueueBytes: 64 * MIB, maxSpoolBytes: 256 * MIB };
/** 600 events a second and server, and 30 logins with their logouts. */
const LOAD = { turn: { events: 20, logins: 1 }, everyMs: 33 };

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** A server with a spool and one without, called by the row. */
async function startPair(context, uri, { options = {}, names = ['s', 'm'] } = {}) {
  const common = { uri, ...LIMITS, operationTimeoutMs: 120_000, shutdownTimeoutMs: 60_000 };
  const all = { ...common, ...options };
  return Promise.all([
    startServer({ name: names[0], options: { spoolDir: context.folder(), ...all } }),
    startServer({ name: names[1], options: all }),
  ]);
}

/** When a new event of each server has arrived, in ms from now; `count` looks for it. */
async function recovery(servers, database, timeoutMs = ARRIVAL_MS) {
  const begun = performance.now();
  const marks = await Promise.all(servers.map((server) => server.tell('fresh')));
  for (const mark of marks) {
    await waitFor(() => database.has(mark), { timeoutMs, what: `${mark} to arrive` });
  }
  return performance.now() - begun;
}

/**
 * Servers play while `harm(round)` breaks something, holds it and mends it; what it answers, if
 * anything, is done once new events have arrived. With `compares`, the event loop is watched while it
 * is broken (I6).
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

/** Stops the servers, looks at what is stored, and answers the row of the table. */
async function conclude(servers, database, { rounds, recoveryMs, ...rest } = {}) {
  const accounts = [];
  for (const server of servers) accounts.push(await server.leave());
  return judge(accounts, database, { rounds, recoveryMs, ...rest });
}

/**
 * The row of the table for these accounts, with what is wrong as `problems`. `recoveryLimitMs`: when
 * a new event must have arrived, `isRefused` allows that records were not taken over.
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

/** Nobody knows which of its records were refused. */
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
};
