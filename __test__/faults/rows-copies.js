// Copies of spools: a copy of a spool that nobody uses is put back, or used beside the original.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { waitFor } = require('../support/wait');
const { verify } = require('./oracle');
const { LIMITS, all, delay, judge, mergeRows } = require('./play');
const { startServer } = require('./servers');

const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 10 };
/** A slot that nobody owns is looked for every 30 s. */
const RECOVERED_MS = 60_000;

/** Plays, and dies with its last records on disk only, unless `isWritten`. */
async function die({ name, options, proxy, isKept = true, isWritten = false }) {
  const server = await startServer({ name, options, reports: true });
  server.play({ ...LOAD, turns: 30 });
  await server.played;
  await server.tell('flush');
  if (!isWritten) {
    proxy.freeze();
    server.play(LOAD);
    await delay(400);
  }
  const account = await server.crash({ isKept });
  proxy.thaw();
  return account;
}

async function playOn({ name, options }) {
  const server = await startServer({ name, options });
  server.play({ ...LOAD, turns: 30 });
  await server.played;
  await server.tell('flush');
  return server;
}

/** The ways in which copies are used. */
const COPIES = {
  /** The records in the copy have been written since. */
  async 'old, with more records'({ spool, copy, dies, plays }) {
    await dies('a');
    copy(spool, 'copy');
    await plays('b', spool);
    return async () => {
      fs.rmSync(spool, { recursive: true });
      copy('copy', spool);
      await plays('c', spool);
    };
  },
  /** Records that came after the copy are lost when the copy replaces the spool. */
  async 'old, with fewer records'({ spool, copy, dies, plays }) {
    await dies('a');
    copy(spool, 'copy');
    await dies('b', { isKept: false });
    return async () => {
      fs.rmSync(spool, { recursive: true });
      copy('copy', spool);
      await plays('c', spool);
    };
  },
  /** Sequence numbers of stored records are not used again. */
  async 'without its tail, which was delivered'({ spool, dies, plays }) {
    await dies('a', { isWritten: true });
    cutSegments(spool);
    return () => plays('b', spool);
  },
  /** The original comes back while another server has gone on with a copy. */
  async 'moved away and back'({ spool, copy, dies, plays }) {
    await dies('a');
    copy(spool, 'copy');
    fs.renameSync(spool, `${spool}.away`);
    copy('copy', spool);
    await plays('b', spool);
    return async () => {
      fs.rmSync(spool, { recursive: true });
      fs.renameSync(`${spool}.away`, spool);
      await plays('c', spool);
    };
  },
  async 'cloned, and both run at once'({ spool, copy, dies, plays, clone }) {
    await dies('a');
    copy(spool, clone);
    return () => Promise.all([plays('b', spool), plays('c', clone)]);
  },
  /** One server has written its records when the other has more under the same writer id. */
  async 'cloned without a tail, and both run at once'({ spool, copy, dies, plays, clone }) {
    await dies('a');
    copy(spool, clone);
    copy(spool, 'third');
    cutSegments(path.join(path.dirname(spool), clone));
    return () => Promise.all([plays('b', clone), plays('c', 'third')]);
  },
};

/** Cuts off half of the newest segment of each slot, as if it had never been synced. */
function cutSegments(spool) {
  for (const slot of fs.readdirSync(spool)) {
    const folder = path.join(spool, slot);
    const last = fs.readdirSync(folder).findLast((name) => name.endsWith('.seg'));
    if (!last) continue;
    const file = path.join(folder, last);
    fs.truncateSync(file, Math.floor(fs.statSync(file).size / 2));
  }
}

async function copiedSpools(context) {
  const rounds = context.rounds(1, 3);
  const rows = [];
  for (let round = 0; round < rounds; round++) {
    for (const [what, play] of Object.entries(COPIES)) rows.push(await copied(context, what, play));
  }
  return { ...mergeRows(rows), note: Object.keys(COPIES).join('; ') };
}

async function copied(context, what, play) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const folder = context.folder();
  const spool = path.join(folder, 'spool');
  const accounts = [];
  const common = { uri: proxy.uri(database.name), ...LIMITS };
  const running = [];
  const at = (name) => path.resolve(folder, name);
  const plays = async (name, spoolDir) => {
    running.push(await playOn({ name, options: { ...common, spoolDir: at(spoolDir) } }));
  };
  // Servers are stopped before their folder is changed.
  const stop = async () => {
    for (const server of running.splice(0)) accounts.push(await server.leave());
  };
  const dies = async (name, how) => {
    const options = { ...common, spoolDir: spool };
    accounts.push(await die({ name, options, proxy, ...how }));
  };
  const copy = (from, to) => fs.cpSync(at(from), at(to), { recursive: true });
  const comeBack = await play({ spool, copy, dies, plays, clone: 'clone' });
  await stop();
  await comeBack();
  await waitUntilDrained(running, database, accounts);
  await stop();
  const row = await judge(accounts, database);
  return { ...row, problems: row.problems.map((problem) => `${what}: ${problem}`) };
}

/**
 * The records of a copy are written beside those of the server that uses it. Nothing tells when that is
 * done: the row waits for the documents that must be there, and audits afterwards.
 */
async function waitUntilDrained(running, database, accounts) {
  const isThere = async () => {
    await all(running, 'flush');
    const { problems } = await verify(database.db, [
      ...accounts,
      ...(await all(running, 'account')),
    ]);
    return problems.length === 0;
  };
  await waitFor(isThere, { timeoutMs: RECOVERED_MS, everyMs: 200 }).catch(() => {});
}

module.exports = {
  25: { name: 'copies of a spool come back', run: copiedSpools },
};
