// Shared by the tests of resources: a process whose number of threads is limited, until the test lifts it.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { endServers, startServer } = require('../../support/game-server');

const ROOT = path.join(__dirname, '..', '..', '..');
const ORDERS = path.join(__dirname, 'orders.js');
/** No other process has this user, so that the limit of its processes limits the program's threads. */
const FIRST_USER = 54_000 + (process.pid % 1_000) * 10;

/** Enough threads for everything. */
const MANY = 1_000;

const folders = [];
let users = 0;

after(async () => {
  await endServers();
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** Why threads cannot be refused here, if they cannot. The limit does not hold for root. */
function whyNot() {
  if (process.platform !== 'linux') return 'limits are set by prlimit, which Linux has';
  if (process.getuid() !== 0) return 'takes a user who may become another';
  try {
    const program = "require('.'); require('node:child_process').execFileSync('prlimit')";
    const options = { cwd: ROOT, uid: FIRST_USER, gid: FIRST_USER, stdio: 'ignore' };
    execFileSync(process.execPath, ['-e', program], options);
    return false;
  } catch {
    return 'another user cannot read this folder, or has no prlimit';
  }
}

/** A folder of the user that the next server becomes. */
function folderOfUser(user) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-resources-'));
  folders.push(folder);
  fs.chownSync(folder, user, user);
  return folder;
}

function nextUser() {
  users += 1;
  return FIRST_USER + users;
}

/** A game server of this user. */
function startAs(user, settings) {
  return startServer(ORDERS, { ...settings, user });
}

function threadsOf({ pid }) {
  return fs.readdirSync(`/proc/${pid}/task`).length;
}

/** From now on the process of this user may make this many more threads. */
function allowThreads(server, user, more) {
  const limit = Math.min(threadsOf(server) + more, MANY);
  const args = ['--pid', String(server.pid), `--nproc=${limit}:`];
  execFileSync('prlimit', args, { uid: user, gid: user });
}

module.exports = { allowThreads, folderOfUser, nextUser, startAs, threadsOf, whyNot };
