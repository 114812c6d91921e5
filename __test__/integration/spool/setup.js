// What the tests of the spool share: folders that are gone afterwards, what is in one, and a game server
// in a process of its own that can be told what to do and be killed.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { deserialize } = require('bson');
const { waitFor, within } = require('../../support/wait');
const { startProxy } = require('../../support/proxy');
const { startProgram } = require('../../support/setup');

/** Of the format of a segment and of a record, see src/spool/frame.rs and src/pipeline/spooled.rs. */
const [SEGMENT_HEADER, FRAME_HEADER, RECORD_HEADER] = [36, 16, 54];
const EVENT = 1;

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

/** The number of the last event in the spool; undefined if there is none. */
function lastEventIn(folder) {
  let last;
  for (const file of segmentsIn(folder)) {
    for (const body of bodiesIn(path.join(folder, file))) {
      if (body[0] === EVENT) last = body;
    }
  }
  return last && numberOf(last);
}

/** The numbers of all events in the spool, in order. */
function eventsIn(folder) {
  const bodies = segmentsIn(folder).flatMap((file) => [...bodiesIn(path.join(folder, file))]);
  return bodies.filter((body) => body[0] === EVENT).map(numberOf);
}

/** The number that the newest record has in the spool. */
function lastNumberIn(folder) {
  let last;
  for (const file of segmentsIn(folder)) {
    for (const frame of framesIn(path.join(folder, file))) last = frame.readBigInt64LE(8);
  }
  return last;
}

/** The frames of a segment that were written in full. */
function* framesIn(file) {
  const bytes = readIfThere(file);
  for (let at = SEGMENT_HEADER; at + FRAME_HEADER < bytes.length; ) {
    const end = at + FRAME_HEADER + bytes.readUInt32LE(at);
    if (end > bytes.length) return;
    yield bytes.subarray(at, end);
    at = end;
  }
}

/** The bodies of its records. */
function* bodiesIn(file) {
  for (const frame of framesIn(file)) yield frame.subarray(FRAME_HEADER);
}

/** What is written may be removed at any time. */
function readIfThere(file) {
  try {
    return fs.readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function numberOf(body) {
  const elements = body.subarray(RECORD_HEADER, RECORD_HEADER + body.readUInt32LE(50));
  const length = Buffer.alloc(4);
  length.writeInt32LE(4 + elements.length + 1);
  return deserialize(Buffer.concat([length, elements, Buffer.alloc(1)])).data.i;
}

/** Waits until the event with this number is on disk, or until nothing is, all being written. */
function untilOnDisk(folder, number) {
  const isThere = () => segmentsIn(folder).length === 0 || lastEventIn(folder) === number;
  return waitFor(isThere, { what: `event ${number} on disk`, everyMs: 1 });
}

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
    /**
     * Events with the numbers from `first` on, `perTurn` of them in each turn, each turn once no more
     * than `below` bytes are queued. Answers how many were queued at most.
     */
    async track({ first = 0, count, perTurn = 100, below = Number.POSITIVE_INFINITY, ...rest }) {
      const { event = 'dungeon.complete', filler } = rest;
      let mostQueued = 0;
      for (let i = first; i < first + count; i++) {
        analytics.track(event, `u${i % 50}`, { i, filler });
        if (i % perTurn !== perTurn - 1) continue;
        do {
          await nextTurn();
          mostQueued = Math.max(mostQueued, analytics.getHealth().queuedBytes);
        } while (analytics.getHealth().queuedBytes > below);
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
  let end;
  host.finished.then(({ stderr }) => {
    end = new Error(`it has ended\n${stderr}`);
    for (const { reject } of waiting.values()) reject(end);
  });
  await within(ready, { timeoutMs: 30_000, what: 'a server to start' });
  const tell = async (what, ...args) => {
    if (end) throw end;
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

/** Whether a request inserts events. */
const hasEvents = ({ command, body }) => command === 'insert' && body.insert === 'gsoevents';

/** Between servers and `mongo`, with a database of its own: `{ database, uri, away(), back(), close() }`. */
async function throughProxy(mongo, options) {
  const database = mongo.database();
  const proxy = await startProxy(mongo.server.port, options);
  return {
    ...{ database, proxy, uri: proxy.uri(database.name) },
    away() {
      proxy.isRefusing = true;
      proxy.cut();
    },
    back() {
      proxy.isRefusing = false;
    },
    close: () => proxy.close(),
  };
}

/**
 * The events 0 to `events - 1` are stored once each and nothing else, sessions of so many users as well,
 * of which `ended` have ended, and the totals of all days are what is stored.
 */
async function assertStored(database, { events, sessions = 0, ended = 0, users = sessions }) {
  const stored = (await database.events()).map(({ data }) => data.i).sort((a, b) => a - b);
  const counts = new Map();
  for (const i of stored) counts.set(i, (counts.get(i) ?? 0) + 1);
  const missing = Array.from({ length: events }, (_, i) => i).filter((i) => !counts.has(i));
  const doubled = [...counts].filter(([, count]) => count > 1).map(([i]) => i);
  const briefly = (list) => [list.length, list.slice(0, 5)];
  assert.deepStrictEqual(
    { missing: briefly(missing), doubled: briefly(doubled), count: stored.length },
    { missing: [0, []], doubled: [0, []], count: events },
  );
  const all = await database.sessions();
  const closed = all.filter(({ logoutAt }) => logoutAt !== null);
  assert.deepStrictEqual([all.length, closed.length], [sessions, ended]);
  const days = await database.days();
  const total = (field) => days.reduce((sum, day) => sum + day[field], 0);
  const seconds = all.reduce((sum, { durationS }) => sum + durationS, 0);
  assert.deepStrictEqual(['dungeonsRun', 'sessionCount', 'dau', 'totalSessionS'].map(total), [
    events,
    sessions,
    users,
    seconds,
  ]);
}

module.exports = {
  assertStored,
  eventsIn,
  filesIn,
  freshFolder,
  hasEvents,
  lastEventIn,
  lastNumberIn,
  segmentsIn,
  startServer,
  throughProxy,
  untilOnDisk,
  writersOf,
};
