// Runs one measurement of one side as a process of its own, on a fresh database.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { childEnvironment } = require('../../__test__/support/environment');
const { dropDatabases, freshDatabaseName } = require('../../__test__/support/mongod');
const { waitFor } = require('../../__test__/support/wait');
const { prepare } = require('../workload');

/** Sides that write nothing to MongoDB. */
const NOT_STORING = ['noop', 'segment', 'posthog', 'mixpanel', 'amplitude'];
const OWN_EVENTS = { event: { $in: ['credits.earn', 'probe'] } };
const OWN_SESSIONS = { userId: { $not: /^old/ } };
const CHILD = path.join(__dirname, '..', 'child.js');
const TIMEOUT_MS = 10 * 60_000;
/** Sixteen processes start at once on few cores. */
const START_MS = 60_000;
/** The replaced class uses an option that mongoose 9 warns about, once in each process. */
const QUIET = '--disable-warning=MONGOOSE';

/** What all measurements of a run share: the server, the programs, the other sides. */
class Bench {
  constructor({ server, client, node, rust, reference }) {
    Object.assign(this, { server, client, node, rust, reference });
  }

  /** Measures in `processes` at once, on a fresh database; answers their results. */
  measure(task, { processes = 1 } = {}) {
    return this.withDatabase((database) =>
      Promise.all(Array.from({ length: processes }, () => database.measure(task))),
    );
  }

  /** Fails if what was measured is not found in the database afterwards. */
  async withDatabase(work) {
    const database = new Database(this);
    await prepare(database.db);
    try {
      const result = await work(database);
      await database.audit();
      return result;
    } finally {
      await dropDatabases(this.server.uri, [database.name]);
    }
  }

  /** `{ output, end }`: what it prints in the end, and what ends its standard input. */
  start(task) {
    const isRust = task.peer === 'rust';
    const text = JSON.stringify({ reference: this.reference, ...task });
    const flags = ['--expose-gc', ...(task.peer === 'reference' ? [QUIET] : [])];
    const args = isRust ? [text] : [...flags, CHILD, text];
    return launch(isRust ? this.rust : this.node, args);
  }
}

/** A database, and what the measurements on it say that they have stored there. */
class Database {
  constructor(bench) {
    this.bench = bench;
    this.name = freshDatabaseName();
    this.db = bench.client.db(this.name);
    this.expected = { events: 0, credits: 0, logins: 0 };
  }

  measure(task) {
    return this.begin(task).result;
  }

  /**
   * So many more processes that write today's document, through `uri` if it is given; all of them
   * have written when this resolves. Answers what makes them leave.
   */
  async accompany(count, uri = this.bench.server.uri) {
    const before = await this.writers();
    const task = { peer: 'addon', measure: 'company', uri };
    const company = Array.from({ length: count }, () => this.begin(task));
    const areHere = async () => (await this.writers()) === before + count;
    await waitFor(areHere, { timeoutMs: START_MS, what: `${count} more writers` });
    return () => {
      for (const { end } of company) end();
      return Promise.all(company.map(({ result }) => result));
    };
  }

  /** How many processes have written the only day there is. */
  async writers() {
    const day = await this.db.collection('gsodailies').findOne({});
    return Object.keys(day?._a?.w ?? {}).length;
  }

  /** `{ result, end }`: what was measured, once it is, and what ends one that waits for that. */
  begin(task) {
    const { uri, pid } = this.bench.server;
    const place = { uri, database: this.name, mongodPid: pid };
    const { output, end } = this.bench.start({ ...place, ...task });
    const result = output.then((text) => this.take(task, JSON.parse(text)));
    // It may fail while nobody waits for it yet.
    result.catch(() => {});
    return { result, end };
  }

  /** What a process has measured; what it says that it has stored is looked for later. */
  take(task, result) {
    const { done, rejected = {}, dropped = {}, ...measured } = result;
    const refused = { ...rejected, ...dropped };
    if (Object.keys(refused).length > 0)
      throw new Error(`${JSON.stringify(task)}: refused ${JSON.stringify(refused)}`);
    if (NOT_STORING.includes(task.peer)) return measured;
    for (const what of Object.keys(done)) this.expected[what] += done[what];
    return measured;
  }

  /** `{ events, credits, logins }` by documents and by totals. */
  async audit() {
    const days = await this.db.collection('gsodailies').find().toArray();
    const total = (field) => days.reduce((sum, day) => sum + Number(day[field] ?? 0), 0);
    const stored = {
      events: await this.db.collection('gsoevents').countDocuments(OWN_EVENTS),
      credits: total('creditsEarned') + total('ownCredits'),
      logins: await this.db.collection('gsosessions').countDocuments(OWN_SESSIONS),
    };
    // Only the classes write it.
    const sessionCount = total('sessionCount');
    assert.deepStrictEqual(
      { ...stored, sessionCount },
      { ...this.expected, sessionCount: this.expected.logins },
    );
  }
}

function launch(program, args) {
  const child = spawn(program, args, {
    env: childEnvironment(),
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const output = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${program} ${args.at(-1)} ended with ${code ?? signal}`));
    });
  });
  return { output, end: () => child.stdin.end() };
}

module.exports = { Bench };
