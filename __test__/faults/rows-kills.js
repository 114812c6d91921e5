// Servers that are killed: at random moments, and at each step of the path of a record.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { within } = require('../support/wait');
const { makeContainer, notPlayed } = require('./containers');
const { delay, judge } = require('./play');
const { launch, startServer } = require('./servers');

/** 2 000 events a second and 200 logins with their logouts. */
const LOAD = { turn: { events: 10, logins: 1, keyed: true }, everyMs: 5 };
const LONGEST_LIFE_MS = 500;
const REACHED_MS = 20_000;
const DAY_MS = 86_400_000;
/** Enough for a server until it is told to use up its memory. */
const CONTAINER_BYTES = 192 * 2 ** 20;

/** Starts a server on the spool, which recovers the records of the others; answers its account. */
async function writeWhatIsLeft(options) {
  const server = await startServer({ name: 'last', options });
  const begun = performance.now();
  await server.tell('flush');
  const recoveryMs = performance.now() - begun;
  return { account: await server.leave(), recoveryMs };
}

async function killAtRandom(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const options = { uri: database.uri, spoolDir: context.folder() };
  const rounds = context.rounds(25, 200);
  const accounts = [];
  for (let round = 0; round < rounds; round++) {
    const server = await startServer({ name: `k${round}`, options, reports: true });
    server.play(LOAD);
    await server.firstTurn();
    await delay(1 + Math.random() * LONGEST_LIFE_MS);
    accounts.push(await server.crash());
  }
  const { account, recoveryMs } = await writeWhatIsLeft(options);
  const row = await judge([...accounts, account], database, { rounds, recoveryMs });
  return { ...row, note: `${await writersOf(database)}, ${latenessOf(accounts)}` };
}

/** Writer ids count the processes that run at the same time, not their restarts. */
async function writersOf(database) {
  const days = await database.db.collection('gsodailies').find().toArray();
  const writers = new Set(days.flatMap(({ _a }) => Object.keys(_a?.w ?? {})));
  return `${writers.size} writer id${writers.size === 1 ? '' : 's'}`;
}

/** By how much earlier a turn must have ended where threads had to wait for a processor. */
function latenessOf(accounts) {
  const late = accounts.map(({ promised }) => promised.lateMs).sort((a, b) => a - b);
  const middle = late[Math.floor(late.length / 2)];
  return `threads waited ${middle} ms, at most ${late.at(-1)} ms`;
}

/** The names of the failpoints on the path of a record; it is an error if there are none. */
function failpointNames(folder = path.join(__dirname, '..', '..', 'src')) {
  const files = fs.readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.rs'));
  const names = files.flatMap((file) => {
    const text = fs.readFileSync(path.join(folder, file), 'utf8');
    return [...text.matchAll(/\bfailpoint!\("([^"]+)"\)/g)].map(([, name]) => name);
  });
  if (names.length === 0) throw new Error(`no failpoint!("…") in ${folder}`);
  // Those of claims and of clashes have rows of their own.
  return [...new Set(names)].filter((name) => !/^(claim|change):/.test(name)).sort();
}

async function killAtEachStep(context) {
  const addon = await context.failPoints();
  const mongo = await context.standalone();
  const database = mongo.database();
  const options = { uri: database.uri, spoolDir: context.folder(), flushIntervalMs: 20 };
  const accounts = [];
  const problems = [];
  const names = failpointNames();
  const passes = context.givenRounds
    ? Array.from({ length: context.givenRounds }, (_, i) => i)
    : context.chosen([0, 3], [0, 1, 3, 7]);
  for (const name of names) {
    for (const pass of passes) {
      const FAILPOINTS = `${name}=${pass > 0 ? `${pass}*off->` : ''}return`;
      const env = { FAILPOINTS, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
      const { account, isReached } = await dieAt({ name, pass, options, env });
      accounts.push(account);
      if (!isReached) problems.push(`${name} was not reached ${pass + 1} times`);
    }
  }
  const { account, recoveryMs } = await writeWhatIsLeft(options);
  const rounds = names.length * passes.length;
  const row = await judge([...accounts, account], database, { rounds, recoveryMs });
  row.problems.push(...problems);
  return { ...row, note: `${names.length} steps` };
}

/** A server that dies at the step, or is killed if it does not reach it. */
async function dieAt({ name, pass, options, env }) {
  // A name is part of marks and of the names of fields.
  const server = launch(
    { name: `${name.replace(':', '-')}-${pass}`, options, reports: true },
    { env },
  );
  // It may die before it can be told anything. Files are closed while it rests, and each day has its
  // first record.
  server.tell('start').catch(() => {});
  server.play({ ...LOAD, rest: [30, 150], leapMs: DAY_MS });
  const died = await within(server.finished, { timeoutMs: REACHED_MS }).catch(() => undefined);
  if (!died) return { account: await server.crash(), isReached: false };
  const { code, signal, stderr } = died;
  if (signal !== 'SIGABRT')
    throw new Error(`${server.name} ended with ${code ?? signal}: ${stderr}`);
  return { account: server.accountOfDead(), isReached: true };
}

/** The system kills a server that uses more memory than its container has. */
async function killForMemory(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const options = { uri: proxy.uri(database.name), spoolDir: context.folder() };
  const rounds = context.rounds(5, 25);
  const accounts = [];
  const problems = [];
  for (let round = 0; round < rounds; round++) {
    const container = makeContainer(context, 'memory');
    if (!container) return notPlayed('memory');
    container.limitMemory(CONTAINER_BYTES);
    const server = await startServer({ name: `o${round}`, options, reports: true }, { container });
    server.play(LOAD);
    await server.firstTurn();
    // What it tracks from now on is on the disk only.
    proxy.freeze();
    await delay(1 + Math.random() * LONGEST_LIFE_MS);
    server.tell('useUpMemory').catch(() => {});
    await within(server.finished, { timeoutMs: REACHED_MS, what: `the end of ${server.name}` });
    proxy.thaw();
    accounts.push(server.accountOfDead());
    if (container.killed !== 1) problems.push(`${server.name} was not killed for its memory`);
  }
  const { account, recoveryMs } = await writeWhatIsLeft(options);
  const row = await judge([...accounts, account], database, { rounds, recoveryMs });
  row.problems.push(...problems);
  return { ...row, note: latenessOf(accounts) };
}

module.exports = {
  1: { name: 'a server is killed at a random moment', run: killAtRandom },
  2: { name: 'a server is killed at each step of a batch', run: killAtEachStep },
  39: { name: 'a server is killed at the memory limit of its container', run: killForMemory },
};
