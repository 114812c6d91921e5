// Defects of the package: a task panics where it waits.
'use strict';

const { waitFor } = require('../support/wait');
const { judge } = require('./play');
const { startServer } = require('./servers');

const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 5 };
/** The kinds of tasks, as the source names them to failpoints. */
const TASKS = ['worker', 'request', 'io', 'sender', 'replay'];
const NOBODY = 'http://127.0.0.1:1/hook';

/** Each server finds what one that crashed has left, so that there is something to be replayed. */
async function tasksPanic(context) {
  const addon = await context.failPoints();
  const mongo = await context.standalone();
  const database = mongo.database();
  const receiver = await context.receiver();
  const passes = context.chosen([0, 1, 4, 20], [0, 1, 2, 3, 4, 8, 20, 100]);
  const accounts = [];
  const problems = [];
  let reached = 0;
  for (const task of TASKS) {
    for (const pass of passes) {
      const name = `${task}${pass}`;
      const options = { uri: database.uri, spoolDir: context.folder(), flushIntervalMs: 20 };
      accounts.push(await leaveSomething({ name: `${name}before`, options }));
      const FAILPOINTS = `${task}=${pass > 0 ? `${pass}*off->` : ''}1*panic->off`;
      const env = { FAILPOINTS, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
      const given = { name, options: { ...options, webhookUrl: receiver.url } };
      const server = await startServer(given, { env });
      server.play({ ...LOAD, turns: 60 });
      await server.played;
      await isForwarded(server, name).catch(({ message }) => problems.push(message));
      const account = await server.leave();
      accounts.push(account);
      reached += account.health.defects;
      if (pass === 0 && account.health.defects !== 1) problems.push(`${name} was not reached`);
    }
  }
  const row = await judge(accounts, database, { rounds: TASKS.length * passes.length });
  row.problems.push(...problems);
  return { ...row, note: `${TASKS.length} kinds of tasks, ${reached} panics` };
}

async function leaveSomething({ name, options }) {
  const given = { name, options: { ...options, webhookUrl: NOBODY }, reports: true };
  const server = await startServer(given);
  server.play(LOAD);
  await server.firstTurn();
  return server.crash();
}

async function isForwarded(server, name) {
  const isDone = async () => {
    const { health } = await server.tell('account');
    return health.destinations.every(({ queued }) => queued === 0);
  };
  await waitFor(isDone, { timeoutMs: 30_000, what: `events of ${name} to be forwarded` });
}

module.exports = {
  33: { name: 'a task panics where it waits', run: tasksPanic },
};
