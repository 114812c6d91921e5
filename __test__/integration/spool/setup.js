// What the tests of the spool share: folders that are gone afterwards, what is in one, and a game server
// in a process of its own that can be told what to do and be killed.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');
const { deserialize } = require('bson');
const support = require('../../support/game-server');
const { waitFor } = require('../../support/wait');
const { startProxy } = require('../../support/proxy');

const ORDERS = require.resolve('./orders');
/** Of the format of a segment and of a record, see `src/spool/segment_format.rs` and `src/spool/record_codec.rs`. */
const [SEGMENT_HEADER, FRAME_HEADER, RECORD_HEADER] = [36, 16, 54];
const EVENT = 1;

const folders = [];

after(async () => {
  await support.endServers();
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

class Server extends support.GameServer {
  /** Stops in order; answers the last health report. */
  leave() {
    return this.stopAnd(() => this.tell('getHealth'));
  }
}

/**
 * A game server with these options that has been started. It is killed when the file ends, unless it
 * has ended.
 */
async function startServer(options, { timeoutMs = 120_000, ...how } = {}) {
  const limits = { timeoutMs, answerMs: timeoutMs };
  return support.startServer(ORDERS, { options }, { ...limits, ...how }, Server);
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
