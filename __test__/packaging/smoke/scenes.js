// The scenes of the smoke test, each a program in a runtime: the API, and every way to end.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const path = require('node:path');
const { childEnvironment } = require('../../support/environment');
const mongods = require('../../support/mongod');
const { succeeds, within } = require('../../support/wait');

/** The files that play them. */
const HOSTS = path.join(__dirname, 'hosts');
const EVENTS = 50;
const TIMEOUT_MS = 20_000;
/** Nothing listens there. */
const NOBODY = 'mongodb://127.0.0.1:1';

/** Each in a process and with a database of its own; `host` is a `Host`. */
const SCENES = {
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
    if (host.hasSignals) assert.strictEqual(signal, 'SIGKILL');
    const { seen } = await host.run('host.cjs', 'recovering');
    assert.deepStrictEqual(seen, { recovered: EVENTS });
    await host.assertStored();
  },
};

/** What Windows cannot play. */
const OF_SIGNALS = 'start() keeps it alive, SIGTERM ends it by stop()';

/** One run of a runtime: its folder has the packages, its database is new. */
class Host {
  constructor({ command, folder, server, client, env = {}, ...limits }) {
    this.name = mongods.freshDatabaseName();
    const { timeoutMs = TIMEOUT_MS, hasSignals = true } = limits;
    Object.assign(this, { command, folder, timeoutMs, hasSignals, db: client.db(this.name) });
    this.env = {
      ...env,
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
      const end = await within(ended, { timeoutMs: this.timeoutMs, what: 'its end' });
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

/** Whether the scene works, in a database of its own. */
async function play(name, surroundings) {
  const host = new Host(surroundings);
  try {
    await SCENES[name](host);
    console.log(`  works: ${name}`);
    return true;
  } catch (error) {
    console.log(`  DOES NOT WORK: ${name}\n${error.message.replace(/^/gm, '    ')}`);
    return false;
  } finally {
    await host.db.dropDatabase();
  }
}

/**
 * The names of the scenes that fail, each time of `attempts`. `command` runs a file; `surroundings`: the `folder`
 * of the files, a `client` of the `server`, and where needed `env`, `timeoutMs` and whether the system
 * `hasSignals`.
 */
async function playScenes(command, { attempts = 1, ...surroundings }) {
  const failed = [];
  for (const name of Object.keys(SCENES)) {
    if (name === OF_SIGNALS && surroundings.hasSignals === false) continue;
    const isPlayed = await succeeds(() => play(name, { command, ...surroundings }), attempts);
    if (!isPlayed) failed.push(name);
  }
  return failed;
}

module.exports = { HOSTS, playScenes };
