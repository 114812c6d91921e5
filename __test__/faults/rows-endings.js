// Servers that end under load, in every way but by SIGKILL: with a spool and without, while MongoDB
// answers and while it does not.
'use strict';

const { LIMITS, judge, mergeRows } = require('./play');
const { launch, startServer } = require('./servers');
const { promisedOf, turnsOf } = require('./turns');

/** 2 000 events a second. */
const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 5, turns: 60 };
/** An end takes no longer than the time limit of the flush at exit, and Node itself. */
const FLUSH_MS = 1_500;
const NODE_MS = 1_500;

/**
 * What is promised of the records while MongoDB answers: `all` those of the turn that ends it too,
 * `turns` those of the turns that have ended. Nothing of what is in memory without a spool by `none`.
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
    // It reaches nobody from the beginning, so that everything is left to the next.
    if (how === 'spool, away') proxy.freeze();
    const end = await endOf({ name: `e${round}`, ending, options });
    const endedMs = Date.now();
    proxy.thaw();
    problems.push(...endProblems(end, { ending, endedMs }));
    accounts.push(accountOf(end, { name: `e${round}`, ending, how }));
  }
  const server = await startServer({ name: 'next', options });
  accounts.push(await server.leave());
  // Of what a process without a spool had stored when it was killed the totals may not tell yet: that
  // is half a second's worth, and it did not play longer.
  const mayLag = how === 'memory' && ending === 'SIGTERM' ? Number.POSITIVE_INFINITY : 0;
  const row = await judge(accounts, database, { rounds, mayLag });
  const what = `${ending}, ${how}`;
  return { ...row, problems: [...problems, ...row.problems].map((text) => `${what}: ${text}`) };
}

/** Lets a server play and end itself. */
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

/** How far it was, and when, when it was about to end. */
function lastOf(stdout) {
  const numbers = /^last (\d+) (\d+) (\d+)$/m.exec(stdout).slice(1);
  const [events, logins, ms] = numbers.map(Number);
  return { events, logins, ms };
}

function accountOf({ stdout }, { name, ending, how }) {
  const turns = turnsOf(stdout);
  const { events, logins, ms: endedMs } = lastOf(stdout);
  const ended = turns.findLast(({ ms }) => ms <= endedMs) ?? { events: 0, logins: 0 };
  const promises = {
    all: { events, logins },
    turns: ended,
    none: how === 'memory' ? { events: 0, logins: 0 } : promisedOf(turns, endedMs),
  };
  const most = Math.max(events, ...turns.map((turn) => turn.events));
  return {
    name,
    promised: promises[ENDINGS[ending].promised] ?? { events: 0, logins: 0 },
    // A worker tracks on until it is terminated.
    events: most + LOAD.turn.events,
    logins: Math.max(logins, ...turns.map((turn) => turn.logins)) + LOAD.turn.logins,
  };
}

module.exports = {
  30: { name: 'servers end under load', run: endings },
};
