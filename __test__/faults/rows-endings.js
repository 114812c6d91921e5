// Servers that end under load in every way except SIGKILL: with and without a spool, while MongoDB answers
// and while it does not.
'use strict';

const { LIMITS, judge, mergeRows } = require('./play');
const { launch, startServer } = require('./servers');
const { promisedOf, reportOf } = require('./turns');

/** 2 000 events a second. */
const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 5, turns: 60 };
/** The time limit of the flush at exit, and what Node itself takes. */
const FLUSH_MS = 1_500;
const NODE_MS = 1_500;

/**
 * Which records must be stored while MongoDB answers: `all`, also those of the turn that ends the process;
 * `turns`, those of the turns before; `none`, without a spool no record in memory.
 */
const ENDINGS = {
  SIGTERM: { promised: 'none', signal: 'SIGTERM' },
  'process.exit()': { promised: 'all', code: 0 },
  'an uncaught exception': { promised: 'all', code: 1 },
  'worker: terminate()': { promised: 'turns', code: 0 },
  'worker: process.exit() of the main thread': { promised: 'turns', code: 0 },
};

async function endings(context) {
  const mongo = await context.standalone();
  const rounds = context.rounds(1, 8);
  const rows = [];
  for (const ending of Object.keys(ENDINGS)) {
    for (const how of ['memory', 'spool', 'spool, away']) {
      const database = mongo.database();
      rows.push(await endedAs(context, { mongo, database, ending, how, rounds }));
    }
  }
  const note = `${Object.keys(ENDINGS).length} ways, with a spool and without`;
  return { ...mergeRows(rows), note };
}

async function endedAs(context, { mongo, database, ending, how, rounds }) {
  const proxy = await context.proxy(mongo);
  const spoolDir = how === 'memory' ? undefined : context.folder();
  const options = { uri: proxy.uri(database.name), spoolDir, ...LIMITS };
  const accounts = [];
  const problems = [];
  for (let round = 0; round < rounds; round++) {
    // It never reaches MongoDB, so that every record is left to the next server.
    if (how === 'spool, away') proxy.freeze();
    const end = await endOf({ name: `e${round}`, ending, options });
    const endedMs = Date.now();
    proxy.thaw();
    problems.push(...endProblems(end, { ending, endedMs }));
    accounts.push(accountOf(end, { name: `e${round}`, ending, how }));
  }
  const server = await startServer({ name: 'next', options });
  accounts.push(await server.leave());
  // A killed process without a spool may have stored records of the last half second that are not in the
  // totals. It did not play longer than that.
  const mayLag = how === 'memory' && ending === 'SIGTERM' ? Number.POSITIVE_INFINITY : 0;
  const row = await judge(accounts, database, { rounds, mayLag });
  const what = `${ending}, ${how}`;
  return { ...row, problems: [...problems, ...row.problems].map((text) => `${what}: ${text}`) };
}

/** A server that plays and ends itself. */
async function endOf({ name, ending, options }) {
  const inThread = ending.startsWith('worker');
  const settings = { name, inThread, reports: true, options: { ...options, flushIntervalMs: 500 } };
  const server = launch(settings, { timeoutMs: 60_000 });
  await server.ready;
  await server.tell('start');
  await server.tell('endAfter', { ending, ...LOAD });
  return server.finished;
}

function endProblems({ code, signal, stdout, stderr }, { ending, endedMs }) {
  const expected = ENDINGS[ending];
  const isRight = expected.signal ? signal === expected.signal : code === expected.code;
  const problems = isRight ? [] : [`ended with ${code ?? signal}: ${stderr}`];
  const tookMs = endedMs - lastOf(stdout).ms;
  if (tookMs > FLUSH_MS + NODE_MS) problems.push(`its end took ${tookMs} ms`);
  return problems;
}

/** The numbers of its records, and the time, just before it ended. */
function lastOf(stdout) {
  const numbers = /^last (\d+) (\d+) (\d+)$/m.exec(stdout).slice(1);
  const [events, logins, ms] = numbers.map(Number);
  return { events, logins, ms };
}

function accountOf({ stdout }, { name, ending, how }) {
  const report = reportOf(stdout);
  const { turns } = report;
  const { events, logins, ms: endedMs } = lastOf(stdout);
  const ended = turns.findLast(({ ms }) => ms <= endedMs) ?? { events: 0, logins: 0 };
  const promises = {
    all: { events, logins },
    turns: ended,
    none: how === 'memory' ? { events: 0, logins: 0 } : promisedOf(report, endedMs),
  };
  const most = Math.max(events, ...turns.map((turn) => turn.events));
  return {
    name,
    promised: promises[ENDINGS[ending].promised] ?? { events: 0, logins: 0 },
    // A worker goes on tracking until it is terminated.
    events: most + LOAD.turn.events,
    logins: Math.max(logins, ...turns.map((turn) => turn.logins)) + LOAD.turn.logins,
  };
}

module.exports = {
  30: { name: 'servers end under load', run: endings },
};
