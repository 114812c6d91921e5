// The disks of MongoDB and of the spool: full, read-only, gone.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const AnalyticsSystem = require('../..');
const { waitFor } = require('../support/wait');
const { mountSmallDisk } = require('./disks');
const { LIMITS, conclude, delay, judge, mergeRows, playHarmed, startPair } = require('./play');
const { startServer } = require('./servers');

const MIB = 2 ** 20;
const SPOOL_DISK = 3 * MIB;
/** More than mongod needs for an empty database. */
const MONGO_DISK = 600 * MIB;
const LEFT_BYTES = 256 * 2 ** 10;
const FULL_MS = 60_000;

/** 2 000 events a second. */
const FAST = { turn: { events: 20, logins: 1 }, everyMs: 10 };

async function mongodDiskFull(context) {
  const disk = mountSmallDisk(context, { bytes: MONGO_DISK });
  if (!disk) return { problems: ['it needs a small disk, and mounting is not allowed here'] };
  const before = process.env.TMPDIR;
  process.env.TMPDIR = disk.folder;
  const mongo = await context.mongod().finally(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  const database = mongo.database();
  const servers = await startPair(context, database.uri);
  const rounds = context.rounds(1, 2);
  const harm = async () => {
    disk.fill(LEFT_BYTES);
    // It ends itself when it cannot write.
    const [member] = mongo.server.members;
    const isDown = () => member.child.exitCode !== null || member.child.signalCode !== null;
    await waitFor(isDown, { timeoutMs: FULL_MS, what: 'mongod to run out of disk' });
    disk.empty();
    await mongo.server.restart();
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, load: FAST });
  return conclude(servers, database, { rounds, recoveryMs });
}

/** MongoDB is away until the disk of the spool is full, and longer. */
async function spoolDiskFull(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const disk = mountSmallDisk(context, { bytes: SPOOL_DISK });
  const spoolDir = disk ? path.join(disk.folder, 'spool') : context.folder();
  const common = { uri: proxy.uri(database.name), operationTimeoutMs: 120_000, ...LIMITS };
  const options = { ...common, spoolDir };
  const how = disk ? {} : { fileBytes: SPOOL_DISK };
  const server = await startServer({ name: 's', options }, how);
  const rounds = context.rounds(1, 5);
  let fullFor = 0;
  const harm = async () => {
    proxy.freeze();
    const isFull = async () => (await server.tell('account')).health.spool.state === 'full';
    await waitFor(isFull, { timeoutMs: FULL_MS, what: 'the disk to be full', everyMs: 100 });
    await delay(context.chosen(1_000, 5_000));
    fullFor += 1;
    proxy.thaw();
  };
  const load = FAST;
  const recoveryMs = await playHarmed([server], { database, rounds, harm, load });
  const takesAgain = async () => (await server.tell('account')).health.spool.state === 'ok';
  await waitFor(takesAgain, { what: 'the spool to take records again', everyMs: 100 });
  const row = await conclude([server], database, { rounds, recoveryMs });
  const warnings = row.lines.filter((line) => /spool/i.test(line));
  if (fullFor !== rounds) row.problems.push('the disk was never full');
  if (warnings.length === 0) row.problems.push('no warning said that the disk is full');
  const means = disk ? `tmpfs of ${SPOOL_DISK / MIB} MiB` : `RLIMIT_FSIZE of ${SPOOL_DISK} bytes`;
  return { ...row, note: `${means}, ${row.notSpooled} records in memory only` };
}

/** Less than a segment, so that none is deleted before all records are written. */
const SMALL = { maxSpoolBytes: MIB, maxQueueBytes: MIB };

/** The bounds of disk and memory are reached while records wait to be read back. */
async function spoolBoundReached(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const common = { uri: proxy.uri(database.name), operationTimeoutMs: 120_000, ...SMALL };
  const server = await startServer({
    name: 'b',
    options: { ...common, spoolDir: context.folder() },
  });
  const rounds = context.rounds(1, 5);
  const harm = async (round) => {
    proxy.freeze();
    const isRefused = async () => {
      const { health } = await server.tell('account');
      return health.spool.state === 'full' && health.rejected.queue_full > 0;
    };
    await waitFor(isRefused, {
      timeoutMs: FULL_MS,
      what: `round ${round} to fill it`,
      everyMs: 100,
    });
    proxy.thaw();
    // Until there is room again a new event is refused like any other.
    const isRoomy = async () => (await server.tell('account')).health.queuedBytes < MIB / 8;
    await waitFor(isRoomy, { timeoutMs: FULL_MS, what: 'room', everyMs: 20 });
  };
  const load = { turn: { events: 20 }, everyMs: 10 };
  const recoveryMs = await playHarmed([server], { database, rounds, harm, load });
  const given = { rounds, recoveryMs, isRefused: true, limits: SMALL };
  const row = await conclude([server], database, given);
  return { ...row, note: `maxSpoolBytes of ${SMALL.maxSpoolBytes / MIB} MiB` };
}

async function spoolFull(context) {
  return mergeRows([await spoolDiskFull(context), await spoolBoundReached(context)]);
}

/** Kinds of `spoolDir`: `make` makes one and answers its path, `mayUse` says whether it can be used. */
const PLACES = {
  'a file': {
    make(folder) {
      fs.writeFileSync(path.join(folder, 'file'), '');
      return path.join(folder, 'file');
    },
  },
  'below a file': {
    make(folder) {
      fs.writeFileSync(path.join(folder, 'other'), '');
      return path.join(folder, 'other', 'spool');
    },
  },
  'a dangling link': {
    make(folder) {
      fs.symlinkSync(path.join(folder, 'nowhere', 'at all'), path.join(folder, 'link'));
      return path.join(folder, 'link');
    },
  },
  'a link to a folder': {
    mayUse: true,
    make(folder) {
      fs.mkdirSync(path.join(folder, 'real'));
      fs.symlinkSync(path.join(folder, 'real'), path.join(folder, 'good'));
      return path.join(folder, 'good');
    },
  },
  'missing, with its parents': { mayUse: true, make: (folder) => path.join(folder, 'a', 'b') },
};

/** A folder that cannot be used is an error, or, with `spoolFallback`, a line and no spool. */
async function spoolUnusable(context) {
  const mongo = await context.standalone();
  const problems = [];
  const folder = context.folder();
  const places = Object.entries(PLACES).map(([what, { make, mayUse }]) => ({
    ...{ what, mayUse, spoolDir: make(folder) },
  }));
  const disk = mountSmallDisk(context, { bytes: SPOOL_DISK });
  if (disk) {
    disk.remount('ro');
    places.push({ what: 'read-only', spoolDir: path.join(disk.folder, 'spool') });
  } else {
    problems.push('"read-only" needs a small disk, and mounting is not allowed here');
  }
  const database = mongo.database();
  const accounts = [];
  for (const [i, { what, mayUse = false, spoolDir }] of places.entries()) {
    const told = constructorError({ uri: database.uri, spoolDir });
    const code = mayUse ? undefined : 'ANALYTICS_SPOOL_UNAVAILABLE';
    if (told?.code !== code) problems.push(`${what}: told ${told}`);
    if (!mayUse && !told?.message.includes(spoolDir)) problems.push(`${what}: does not name it`);
    const options = { uri: database.uri, spoolDir, spoolFallback: 'memory' };
    const server = await startServer({ name: `f${i}`, options });
    server.play({ ...FAST, turns: 20 });
    await server.played;
    const account = await server.leave();
    const state = mayUse ? 'ok' : 'off';
    if (account.health.spool?.state !== state) problems.push(`${what}: not ${state}`);
    const isLoud = account.lines.some((line) => line.includes('memory only'));
    if (isLoud === mayUse) problems.push(`${what}: said ${account.lines}`);
    accounts.push(account);
  }
  accounts.push(await deletedWhileRunning(context, database));
  const row = await judge(accounts, database, { rounds: accounts.length });
  row.problems.push(...problems);
  return { ...row, note: [...places.map(({ what }) => what), 'deleted while running'].join(', ') };
}

function constructorError(options) {
  try {
    new AnalyticsSystem({ ...options, logger: false });
    return undefined;
  } catch (error) {
    return error;
  }
}

async function deletedWhileRunning(context, database) {
  const spoolDir = path.join(context.folder(), 'spool');
  const options = { uri: database.uri, spoolDir, ...LIMITS };
  const server = await startServer({ name: 'deleted', options });
  const harm = () => fs.rmSync(spoolDir, { recursive: true });
  await playHarmed([server], { database, rounds: context.rounds(1, 3), harm, load: FAST });
  return server.leave();
}

module.exports = {
  18: { name: "MongoDB's disk is full", run: mongodDiskFull },
  19: { name: "the spool's disk is full", run: spoolFull },
  20: { name: "the spool's folder cannot be used", run: spoolUnusable },
};
