// One mongod process: started on a free loopback port with a temporary folder, answered for until
// it is stopped, and never left behind: not at exit, not by a signal, not by a killed test.
'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { MongoClient } = require('./driver');
const { Security } = require('./mongod-security');
const { waitFor } = require('./wait');

const START_ATTEMPTS = 5;
const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const LOG_LINES_SHOWN = 12;

const alive = new Set();
let watchdog;

class MongodProcess {
  constructor(binary, extraArguments, security = new Security()) {
    this.binary = binary;
    this.extraArguments = extraArguments;
    this.security = security;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-mongod-'));
    this.logFile = path.join(this.folder, 'mongod.log');
    fs.mkdirSync(path.join(this.folder, 'db'));
    this.port = undefined;
    this.child = undefined;
  }

  get pid() {
    return this.child?.pid;
  }

  /** Starts on a new free port; another process may take that port first, so it tries again. */
  async start() {
    for (let attempt = 1; ; attempt += 1) {
      this.port = await freePort();
      try {
        return await this.startOnPort();
      } catch (error) {
        if (!error.portTaken || attempt === START_ATTEMPTS) throw error;
      }
    }
  }

  async startOnPort() {
    guardThisProcess();
    fs.rmSync(this.logFile, { force: true });
    // Ctrl-C is for the program that started it, which stops it, or whose watchdog does.
    this.child = spawn(this.binary, this.arguments(), { stdio: 'ignore', detached: true });
    this.failed = undefined;
    this.child.once('error', (error) => {
      this.failed = error;
    });
    const { pid } = this.child;
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.exited.then((how) => this.onExit(pid, how));
    if (pid) {
      alive.add(this);
      watchdog.stdin.write(`+ ${pid} ${this.folder}\n`);
    }
    await this.ready();
  }

  arguments() {
    return [
      ...['--dbpath', path.join(this.folder, 'db'), '--logpath', this.logFile],
      ...['--bind_ip', '127.0.0.1', '--port', String(this.port), '--nounixsocket'],
      ...['--wiredTigerCacheSizeGB', '0.5'],
      // Tests choose their own dates, and nobody reads the diagnostics of a test server.
      ...['--setParameter', 'ttlMonitorEnabled=false'],
      ...['--setParameter', 'diagnosticDataCollectionEnabled=false'],
      ...this.securityArguments(),
      ...this.extraArguments,
    ];
  }

  securityArguments() {
    const isMember = this.extraArguments.includes('--replSet');
    return this.security.arguments(this.folder, { isMember });
  }

  async ready() {
    const reachable = () => this.failed || this.child.exitCode !== null || canConnect(this.port);
    await waitFor(reachable, { timeoutMs: READY_TIMEOUT_MS, what: `mongod on port ${this.port}` });
    if (this.failed) throw new Error(`${this.binary}: ${this.failed.message}`);
    if (this.child.exitCode === null) await this.ping();
    if (this.child.exitCode !== null) throw this.startFailure();
  }

  async ping() {
    const uri = `mongodb://127.0.0.1:${this.port}/?directConnection=true`;
    const options = { ...this.security.clientOptions, serverSelectionTimeoutMS: READY_TIMEOUT_MS };
    const client = new MongoClient(uri, options);
    const answered = client.db('admin').command({ ping: 1 });
    try {
      await Promise.race([answered, this.exited]);
    } finally {
      answered.catch(() => {});
      await client.close();
    }
  }

  startFailure() {
    const log = this.log();
    const error = new Error(
      `mongod ended with code ${this.child.exitCode} while starting; its log ends with:\n` +
        log.trim().split('\n').slice(-LOG_LINES_SHOWN).join('\n'),
    );
    error.portTaken = /address already in use/i.test(log);
    return error;
  }

  log() {
    return fs.existsSync(this.logFile) ? fs.readFileSync(this.logFile, 'utf8') : '';
  }

  onExit(pid, how) {
    if (this.child?.pid === pid) this.child.exitCode ??= how.code ?? -1;
    alive.delete(this);
    if (pid) watchdog.stdin.write(`- ${pid} ${this.folder}\n`);
  }

  /** Sends the signal (SIGSTOP and SIGCONT too); for a deadly one, resolves when it is gone. */
  async kill(signal = 'SIGKILL') {
    if (!alive.has(this)) return;
    this.child.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT') await this.gone();
  }

  async gone() {
    try {
      await waitFor(() => !alive.has(this), { timeoutMs: STOP_TIMEOUT_MS, what: 'mongod to end' });
    } catch {
      this.child.kill('SIGKILL');
      await this.exited;
    }
  }

  /** Starts again on the same port and data; if it still runs, it is stopped cleanly first. */
  async restart() {
    await this.kill('SIGTERM');
    await this.startOnPort();
  }

  /** Ends it (its data is thrown away, so without ceremony) and removes its folder. */
  async stop() {
    await this.kill('SIGKILL');
    this.remove();
  }

  stopNow() {
    this.child.kill('SIGKILL');
    this.remove();
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}

async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function canConnect(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    const answer = (value) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}

/** Once per process: the exit hook, and the watchdog for deaths without one (signals too). */
function guardThisProcess() {
  if (watchdog) return;
  const script = path.join(__dirname, 'mongod-watchdog.js');
  watchdog = spawn(process.execPath, [script], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  watchdog.unref();
  watchdog.stdin.unref();
  watchdog.stdin.on('error', () => {});
  process.once('exit', stopAllNow);
}

function stopAllNow() {
  for (const mongod of alive) mongod.stopNow();
}

module.exports = { MongodProcess };
