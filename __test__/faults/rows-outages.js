// MongoDB is away: killed, stopped, frozen, or without its primary.
'use strict';

const { ELECTION_MS, lossesOf } = require('../integration/exactness/primaries');
const { takenBack } = require('../integration/exactness/rollbacks');
const { waitFor } = require('../support/wait');
const { conclude, delay, playHarmed, startPair } = require('./play');

const MINUTE_MS = 60_000;
/** 1 000 events a second and server; half of that while idle slices are measured for comparison. */
const STEADY = { turn: { events: 20, logins: 1 }, everyMs: 20 };
/** The default bounds of a server. */
const ROOMY = { maxQueueBytes: 256 * 2 ** 20, maxSpoolBytes: 2 ** 30 };
/** A row of a replica set: writes are slower there, and elections take time. */
const OF_SET = { turn: { events: 10, logins: 1 }, everyMs: 40 };
/** How often a primary is lost with writes of its own until there were some. */
const MOST_ROLLBACKS = 4;

/** The course of all rows of the standalone server; `harm` breaks and repairs it. */
async function onStandalone(context, { rounds, harm, options, load, ...rest }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const servers = await startPair(context, database.uri, { options });
  const harmed = (round) => harm(mongo.server, round);
  const playing = { database, rounds, harm: harmed, load, compares: true };
  const recoveryMs = await playHarmed(servers, playing);
  return conclude(servers, database, { rounds, recoveryMs, ...rest });
}

function killed(context) {
  const harm = async (server) => {
    await server.kill('SIGKILL');
    await delay(Math.random() * 1_000);
    await server.restart();
  };
  return onStandalone(context, { rounds: context.rounds(5, 50), harm });
}

function away(context) {
  const awayMs = context.chosen(5_000, 10 * MINUTE_MS);
  const harm = async (server) => {
    await server.kill('SIGTERM');
    await delay(awayMs);
    await server.restart();
  };
  const rounds = context.rounds(1, 1);
  return onStandalone(context, { rounds, harm, load: STEADY, options: ROOMY, limits: ROOMY });
}

/** Commands that were in flight are carried out when it resumes: late, and after their repetition. */
function frozen(context) {
  const lengthsMs = context.chosen([18_000], [5_000, 20_000, 60_000]);
  const harm = async (server, round) => {
    await server.kill('SIGSTOP');
    try {
      await delay(lengthsMs[round % lengthsMs.length]);
    } finally {
      await server.kill('SIGCONT');
    }
  };
  return onStandalone(context, {
    rounds: context.rounds(lengthsMs.length, lengthsMs.length),
    harm,
  });
}

async function onReplicaSet(context, { rounds, losePrimary, load = OF_SET, ...rest }) {
  const mongo = await context.mongod({ own: undefined, replSet: 3 });
  const { server } = mongo;
  const database = mongo.database();
  const servers = await startPair(context, database.uri);
  const harm = async (round) => {
    const lost = await server.primary();
    const repair = await losePrimary(server, lost, round);
    const replaced = async () => (await server.primary()) !== lost;
    await waitFor(replaced, { timeoutMs: ELECTION_MS, what: 'another primary' });
    return repair;
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, load });
  return { server, row: await conclude(servers, database, { rounds, recoveryMs, ...rest }) };
}

async function steppedDown(context) {
  const losePrimary = (server, lost) => lossesOf(server).stepDown(lost);
  const { row } = await onReplicaSet(context, { rounds: context.rounds(3, 10), losePrimary });
  return row;
}

async function primaryKilled(context) {
  const losePrimary = (server, lost) => lossesOf(server).kill(lost);
  const { row } = await onReplicaSet(context, { rounds: context.rounds(2, 8), losePrimary });
  return row;
}

/** On a busy machine the other members may have replicated all of it before they were stopped. */
async function rolledBack(context) {
  let back = 0;
  const losePrimary = async (server, lost, round) => {
    if (back > 0 && round > 0) return lossesOf(server).stepDown(lost);
    const before = takenBack(lost).length;
    const repair = await lossesOf(server).rollBack(lost);
    return async () => {
      await repair();
      back += takenBack(lost).length - before;
    };
  };
  const { row } = await onReplicaSet(context, { rounds: MOST_ROLLBACKS, losePrimary });
  if (back === 0) row.problems.push('nothing was taken back');
  return { ...row, note: `${back} documents taken back` };
}

module.exports = {
  ROWS: {
    5: { name: 'mongod is killed and starts again', run: killed },
    6: { name: 'mongod is away for minutes', run: away },
    7: { name: 'mongod is frozen', run: frozen },
    8: { name: 'the primary steps down', run: steppedDown },
    9: { name: 'the primary is killed', run: primaryKilled },
    10: { name: 'a primary takes back what no majority had', run: rolledBack },
  },
  onStandalone,
};
