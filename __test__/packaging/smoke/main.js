// `npm run test:smoke`: whether the built addon works in Bun and Deno, which the npm packages of these
// names bring, beside Node. Expects a built tree. Fails if something does not work that is not known.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { MongoClient } = require('../../support/driver');
const { childEnvironment } = require('../../support/environment');
const mongods = require('../../support/mongod');
const { within } = require('../../support/wait');
const { otherProgram } = require('../../../scripts/lib/other-programs');
const { ROOT, main, say, step } = require('../../../scripts/lib/steps');

const SMOKE = path.join(__dirname, 'hosts');
const EVENTS = 50;
const TIMEOUT_MS = 20_000;
/** Nothing listens there. */
const NOBODY = 'mongodb://127.0.0.1:1';

/** What is lost there, more often than not; docs/compatibility.md says so. */
const KNOWN = {
  Bun: ['process.exit() over a thread'],
  Deno: ['a worker thread that is terminated', 'process.exit() over a thread'],
};

/** Each in a process and with a database of its own; `host` is a `Host`. */
const CHECKS = {
  async 'the whole API, required, with the mongoose of the host'(host) {
    const { code, seen } = await host.run('host.cjs', 'api');
    assert.deepStrictEqual(
      [code, seen],
      [0, { counted: [EVENTS, 1, 1, 1], records: [EVENTS + 2, EVENTS + 2, 0], isHostType: true }],
    );
    await host.assertStored();
  },
  async 'imported as an ES module'(host) {
    const { code, seen } = await host.run('host.mjs');
    assert.deepStrictEqual([code, seen], [0, { isSame: true }]);
    await host.assertStored();
  },
  async 'start() keeps it alive, SIGTERM ends it by stop()'(host) {
    const { code, seen } = await host.run('host.cjs', 'server', (child) => child.kill());
    assert.deepStrictEqual([code, seen], [0, 'alive']);
    await host.assertStored();
  },
  'a natural end writes what is pending': (host) => host.runAndFind('end', 0),
  'process.exit() writes what is pending': (host) => host.runAndFind('exit', 0),
  'an uncaught exception lets it be written': (host) => host.runAndFind('exception', 1),
  'a rejected promise lets it be written': (host) => host.runAndFind('rejection', 1),
  async 'a worker thread that ends by itself'(host) {
    const { code, seen } = await host.run('host.cjs', 'thread');
    assert.deepStrictEqual([code, seen], [0, { code: 0 }]);
    await host.assertStored();
  },
  async 'a worker thread that is terminated'(host) {
    const { code, seen } = await host.run('host.cjs', 'terminated');
    assert.deepStrictEqual([code, seen], [0, 'terminated']);
    await host.assertStored();
  },
  'process.exit() over a thread': (host) => host.runAndFind('over', 0),
  async 'a spool that a killed process leaves'(host) {
    const { signal } = await host.run('host.cjs', 'killed', undefined, {
      HOST_URI: mongods.withDatabase(NOBODY, host.name),
    });
    assert.strictEqual(signal, 'SIGKILL');
    const { seen } = await host.run('host.cjs', 'recovering');
    assert.deepStrictEqual(seen, { recovered: EVENTS });
    await host.assertStored();
  },
};

/** One run of a runtime: its folder has the packages, its database is new. */
class Host {
  constructor({ command, folder, server, client }) {
    this.name = mongods.freshDatabaseName();
    Object.assign(this, { command, folder, db: client.db(this.name) });
    this.env = {
      HOST_URI: mongods.withDatabase(server.uri, this.name),
      HOST_SPOOL: path.join(folder, this.name),
    };
  }

  /** `{ code, signal, seen }`; `onAlive` gets the child when it has printed that it is. */
  async run(file, scene = '', onAlive = () => {}, env = {}) {
    const [program, ...args] = this.command;
    const child = spawn(program, [...args, file, scene], {
      cwd: this.folder,
      env: childEnvironment({ ...this.env, ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.stdout.on('data', (text) => {
      stdout += text;
      if (/"alive"/.test(text)) onAlive(child);
    });
    const ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    try {
      const end = await within(ended, { timeoutMs: TIMEOUT_MS, what: 'its end' });
      const line = stdout.trim().split('\n').at(-1);
      return { ...end, seen: /^["{]/.test(line) ? JSON.parse(line) : undefined, stderr };
    } catch (error) {
      throw new Error(`${error.message}\n${stdout}\n${stderr}`);
    } finally {
      child.kill('SIGKILL');
    }
  }

  async runAndFind(scene, expected) {
    const { code, stderr } = await this.run('host.cjs', scene);
    assert.strictEqual(code, expected, stderr);
    await this.assertStored();
  }

  /** Everything that was tracked is stored and counted. */
  async assertStored() {
    const days = await this.db.collection('gsodailies').find().toArray();
    assert.deepStrictEqual(
      [await this.db.collection('gsoevents').countDocuments(), days[0]?.dungeonsRun],
      [EVENTS, EVENTS],
    );
  }
}

/** Like a project of its own, in which both packages are installed. */
function makeFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-smoke-'));
  fs.cpSync(SMOKE, folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
  fs.mkdirSync(path.join(folder, 'node_modules'));
  const link = (name, target) =>
    fs.symlinkSync(target, path.join(folder, 'node_modules', name), 'junction');
  link('gso-analytics', ROOT);
  link('mongoose', path.join(ROOT, 'node_modules', 'mongoose'));
  return folder;
}

async function checkAll(command, surroundings) {
  const failed = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    const host = new Host({ command, ...surroundings });
    try {
      await check(host);
      console.log(`  works: ${name}`);
    } catch (error) {
      failed.push(name);
      console.log(`  DOES NOT WORK: ${name}\n${error.message.replace(/^/gm, '    ')}`);
    } finally {
      await host.db.dropDatabase();
    }
  }
  return failed;
}

main(async () => {
  const runtimes = {
    Node: [process.execPath],
    Bun: [await otherProgram('bun'), 'run'],
    Deno: [await otherProgram('deno'), 'run', '--allow-all'],
  };
  const server = await mongods.startMongod({ say });
  const client = new MongoClient(server.uri);
  const folder = makeFolder();
  const surprises = [];
  try {
    for (const [name, command] of Object.entries(runtimes)) {
      const failed = await step(name, () => checkAll(command, { folder, server, client }));
      const isKnown = (check) => KNOWN[name]?.includes(check);
      if (!failed.every(isKnown)) surprises.push(name);
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
    await client.close();
    await server.stop();
  }
  if (surprises.length > 0)
    throw new Error(`more does not work than is known: ${surprises.join(', ')}`);
});
