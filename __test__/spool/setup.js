// What the tests of the spool share: folders that are gone afterwards, what is in one, and a game server
// in a process of its own that can be told what to do and be killed.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { waitFor, within } = require('../support/wait');
const { startProgram } = require('../integration/setup');

const folders = [];
const servers = [];

after(async () => {
  for (const server of servers) server.child.kill('SIGKILL');
  await Promise.all(servers.map(({ finished }) => finished));
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** An empty folder. */
function freshFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-spool-'));
  folders.push(folder);
  return folder;
}

/** Paths below a folder, in order; those that go meanwhile are left out. */
function filesIn(folder) {
  const entries = fs.readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

const segmentsIn = (folder) => filesIn(folder).filter((file) => file.endsWith('.seg'));

/** Runs in a process of its own and obeys messages: `[method, ...arguments]` of `orders`. */
function obey(given) {
  const { setImmediate: nextTurn } = require('node:timers/promises');
  const AnalyticsSystem = require('.');
  const lines = [];
  const keep = (level) => (line) => lines.push(`${level} ${line}`);
  const logger = { info: keep('info'), warn: keep('warn'), error: keep('error') };
  const analytics = new AnalyticsSystem({ logger, ...given.options });
  analytics.start();
  const orders = {
    /** Events with the numbers from `first` on, `perTurn` of them in each turn. */
    async track({ first = 0, count, perTurn = 1_000, event = 'dungeon.complete', filler = '' }) {
      let mostQueued = 0;
      for (let i = first; i < first + count; i++) {
        analytics.track(event, `u${i % 50}`, { i, amount: 2, filler });
        if (i % perTurn === perTurn - 1) await nextTurn();
        if (i % 100 === 0) mostQueued = Math.max(mostQueued, analytics.getHealth().queuedBytes);
      }
      return mostQueued;
    },
    login: async (user) => {
      const began = performance.now();
      await analytics.onLogin(user, `name of ${user}`);
      return performance.now() - began;
    },
    beginLogin: (user) => void analytics.onLogin(user, `name of ${user}`),
    beginLogout: (user) => void analytics.onLogout(user),
    logout: (user) => analytics.onLogout(user),
    flush: () => analytics.flush(),
    getMetrics: () => analytics.getMetrics(),
    getHealth: () => analytics.getHealth(),
    lines: () => lines,
    start: () => analytics.start(),
    stop: () => analytics.stop(),
    /** Nothing holds a process that has stopped but this channel. */
    leave: () => setImmediate(() => process.disconnect()),
    exit: (code) => void setImmediate(() => process.exit(code)),
  };
  process.on('message', async ({ number, what, args }) => {
    try {
      process.send({ number, answer: await orders[what](...args) });
    } catch (error) {
      process.send({ number, error: error.code ?? error.stack });
    }
  });
  process.send({ number: 0 });
}

/**
 * A game server with these options: `tell(order, ...arguments)` resolves with the answer. It is killed
 * when the file ends, unless it has ended.
 */
async function startServer(options, { timeoutMs = 120_000, ...rest } = {}) {
  const host = startProgram(obey, { given: { options }, ipc: true, timeoutMs, ...rest });
  servers.push(host);
  const waiting = new Map();
  let lastNumber = 0;
  host.child.on('message', ({ number, answer, error }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error === undefined) resolve(answer);
    else reject(Object.assign(new Error(error), { code: error }));
  });
  // Also when nobody waits for the answer.
  host.child.on('error', () => {});
  const answerOf = (number) =>
    new Promise((resolve, reject) => waiting.set(number, { resolve, reject }));
  const ready = answerOf(0);
  host.finished.then(({ stderr }) => {
    for (const { reject } of waiting.values()) reject(new Error(`it has ended\n${stderr}`));
  });
  await within(ready, { timeoutMs: 30_000, what: 'a server to start' });
  const tell = (what, ...args) => {
    lastNumber += 1;
    const answer = answerOf(lastNumber);
    host.child.send({ number: lastNumber, what, args });
    return within(answer, { timeoutMs, what });
  };
  return {
    ...host,
    tell,
    async kill(signal = 'SIGKILL') {
      host.child.kill(signal);
      return host.finished;
    },
    /** Stops in order; answers the last health report. */
    async leave() {
      await tell('stop');
      const health = await tell('getHealth');
      await tell('leave');
      await host.finished;
      return health;
    },
    /** Waits until the health report is as wanted, and answers it. */
    async until(isSo, { timeoutMs: limit = 30_000, what = String(isSo) } = {}) {
      let health;
      const look = async () => {
        health = await tell('getHealth');
        return isSo(health);
      };
      await waitFor(look, { timeoutMs: limit, what }).catch((error) => {
        throw new Error(`${error.message}: ${JSON.stringify(health)}`);
      });
      return health;
    },
  };
}

/** Ids of the processes that have written a day, and how many there are. */
async function writersOf(database) {
  const days = await database.days();
  return [...new Set(days.flatMap(({ _a }) => Object.keys(_a?.w ?? {})))];
}

module.exports = { filesIn, freshFolder, segmentsIn, startServer, writersOf };
