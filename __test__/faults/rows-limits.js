// Limits of the system and of a container: no file descriptor is free, no thread may be made, memory is small.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { waitFor } = require('../support/wait');
const { makeContainer, notPlayed } = require('./containers');
const { all, conclude, delay, playHarmed, startPair } = require('./play');
const { startServer } = require('./servers');

const MIB = 2 ** 20;

/** Two servers forward events; in each round their connections break between `takeAway` and `giveBack`. */
async function playShort(context, { takeAway, giveBack }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const receiver = await context.receiver();
  // The look-up of a name takes a thread.
  const uri = proxy.uri(database.name).replace('127.0.0.1', 'localhost');
  const options = { webhookUrl: receiver.url, shutdownTimeoutMs: 5_000 };
  const servers = await startPair(context, uri, { options });
  const harm = async () => {
    await takeAway(servers);
    proxy.cut();
    await delay(context.chosen(2_000, 10_000));
    await giveBack(servers);
  };
  const rounds = context.rounds(2, 6);
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  const row = await conclude(servers, database, { rounds, recoveryMs });
  return { ...row, note: `${receiver.requests} requests forwarded` };
}

function descriptorsUsedUp(context) {
  return playShort(context, {
    takeAway(servers) {
      for (const server of servers) limitDescriptors(server, openIn(server));
    },
    giveBack(servers) {
      for (const server of servers) limitDescriptors(server, 1_000);
    },
  });
}

function openIn({ pid }) {
  return fs.readdirSync(`/proc/${pid}/fd`).length;
}

function limitDescriptors({ pid }, most) {
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${most}:`]);
}

async function threadsRefused(context) {
  const container = makeContainer(context, 'pids');
  if (!container) return notPlayed('pids');
  return playShort(context, {
    async takeAway(servers) {
      for (const { pid } of servers) container.take(pid);
      container.limit(container.threads);
      const answers = await all(servers, 'isThreadRefused');
      if (answers.includes(false)) throw new Error('threads are not refused');
    },
    giveBack: () => container.limit('max'),
  });
}

/** Enough for a server with small queues. */
const CONTAINER_BYTES = 192 * MIB;
const SMALL = { maxQueueBytes: 8 * MIB, maxSpoolBytes: 8 * MIB };
/** So many records do not fit into the container. */
const REFUSED = 500_000;
const FLOOD = { turn: { events: 400 }, everyMs: 10 };
const REFUSED_MS = 120_000;

/** While MongoDB is away, servers track more than fits into their containers: their bounds keep them alive. */
async function memoryLimited(context) {
  const containers = [makeContainer(context, 'memory'), makeContainer(context, 'memory')];
  if (containers.includes(undefined)) return notPlayed('memory');
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const options = { uri: proxy.uri(database.name), ...SMALL, operationTimeoutMs: 120_000 };
  const settings = [
    { name: 's', options: { ...options, spoolDir: context.folder() } },
    { name: 'm', options },
  ];
  const servers = await Promise.all(
    settings.map((one, i) => {
      const container = containers[i];
      container.limitMemory(CONTAINER_BYTES);
      return startServer(one, { container, nodeArgs: ['--max-old-space-size=64'] });
    }),
  );
  const seen = (isSo) => async () =>
    (await all(servers, 'account')).every(({ health }) => isSo(health));
  const harm = async () => {
    proxy.freeze();
    const isRefused = seen(({ rejected }) => rejected.queue_full > REFUSED);
    await waitFor(isRefused, {
      timeoutMs: REFUSED_MS,
      what: 'records to be refused',
      everyMs: 100,
    });
    await all(servers, 'slower', 50);
    proxy.thaw();
    // Until there is room again a new event is refused like any other.
    const isRoomy = seen(({ queuedBytes }) => queuedBytes < MIB);
    await waitFor(isRoomy, { timeoutMs: 60_000, what: 'room', everyMs: 100 });
  };
  const rounds = context.rounds(1, 1);
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, load: FLOOD });
  const given = { rounds, recoveryMs, isRefused: true, limits: SMALL };
  const row = await conclude(servers, database, given);
  return { ...row, note: `containers of ${CONTAINER_BYTES / MIB} MiB` };
}

module.exports = {
  34: { name: 'file descriptors are used up', run: descriptorsUsedUp },
  37: { name: 'the container allows no more threads', run: threadsRefused },
  38: { name: 'the container has little memory', run: memoryLimited },
};
