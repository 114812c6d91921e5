// Runs one measurement of one side as a process of its own, on a fresh database.
'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');
const { childEnvironment } = require('../../__test__/support/environment');
const { dropDatabases, freshDatabaseName } = require('../../__test__/support/mongod');
const { prepare } = require('../workload');

const CHILD = path.join(__dirname, '..', 'child.js');
const TIMEOUT_MS = 10 * 60_000;
/** The replaced class uses an option that mongoose 9 warns about, once in each process. */
const QUIET = '--disable-warning=MONGOOSE';

/** What all measurements of a run share: the server, the programs, the other sides. */
class Bench {
  constructor({ server, client, node, rust, reference }) {
    Object.assign(this, { server, client, node, rust, reference });
  }

  /** Measures in `processes` at once; answers their results and how many events are stored. */
  measure(task, { processes = 1 } = {}) {
    return this.withDatabase(async (database, db) => {
      const runs = Array.from({ length: processes }, () => this.measureOn(database, task));
      const results = await Promise.all(runs);
      const stored = await db.collection('gsoevents').countDocuments();
      const [day] = await db.collection('gsodailies').find().toArray();
      return { results, stored, credits: Number(day?.creditsEarned ?? 0) };
    });
  }

  async withDatabase(work) {
    const database = freshDatabaseName();
    const db = this.client.db(database);
    await prepare(db);
    try {
      return await work(database, db);
    } finally {
      await dropDatabases(this.server.uri, [database]);
    }
  }

  measureOn(database, task) {
    const { uri, pid } = this.server;
    return this.start({ uri, database, mongodPid: pid, ...task });
  }

  async start(task) {
    const isRust = task.peer === 'rust';
    const text = JSON.stringify({ reference: this.reference, ...task });
    const flags = ['--expose-gc', ...(task.peer === 'reference' ? [QUIET] : [])];
    const args = isRust ? [text] : [...flags, CHILD, text];
    return JSON.parse(await output(isRust ? this.rust : this.node, args));
  }
}

function output(program, args) {
  const child = spawn(program, args, {
    env: childEnvironment(),
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args.at(-1)} ended with ${code ?? signal}`));
    });
  });
}

module.exports = { Bench };
