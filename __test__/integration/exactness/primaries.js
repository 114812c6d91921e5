// Ways to lose the primary of a replica set.
'use strict';

const { MongoClient } = require('../../support/driver');
const { waitFor } = require('../../support/wait');

/** A primary that receives no write for this long: all servers wait for a majority. */
const STILL_MS = 200;
/** An election takes two seconds or three here, a start after a kill one or two. */
const ELECTION_MS = 30_000;
/** Two members that were killed start and agree on one of them; on a busy machine that takes longer. */
const RESTART_MS = 90_000;

async function ask({ port }, command) {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`);
  try {
    return await client.db('admin').command(command);
  } finally {
    await client.close();
  }
}

/** Ways to lose the primary of `server`; each answers a function to call once there is another. */
function lossesOf(server) {
  return {
    async stepDown(primary) {
      await ask(primary, { replSetStepDown: 5, secondaryCatchUpPeriodSecs: 2, force: true });
      return () => {};
    },
    async kill(primary) {
      await primary.kill('SIGKILL');
      return () => primary.restart();
    },
    /** It takes writes that the other members never get, and rolls them back when it returns. */
    async rollBack(primary) {
      const others = server.members.filter((member) => member !== primary);
      await Promise.all(server.members.map(takeCheckpoint));
      // At once, since a killed process may go on reading for a moment. The others lack later writes.
      await Promise.all(others.map((member) => member.kill('SIGSTOP')));
      await waitForMinority(primary);
      await Promise.all(server.members.map((member) => member.kill('SIGKILL')));
      await Promise.all(others.map((member) => member.restart()));
      await waitFor(() => server.primary(), { timeoutMs: RESTART_MS, what: 'a primary of two' });
      return async () => {
        await primary.restart();
        await waitUntilItFollows(server, primary);
      };
    },
  };
}

/**
 * A member replays what came after its last checkpoint when it starts, which may take a minute. A member
 * without a checkpoint copies everything from a primary, which two such members never get.
 */
function takeCheckpoint(member) {
  const takes = () => ask(member, { fsync: 1 });
  return waitFor(takes, { timeoutMs: ELECTION_MS, what: 'a checkpoint', everyMs: STILL_MS });
}

/** Waits until a member that is alone has journaled what it was sent. */
async function waitForMinority(member) {
  let before;
  const isStill = async () => {
    const { optimes } = await ask(member, { replSetGetStatus: 1 });
    const [applied, durable] = [optimes.appliedOpTime.ts, optimes.durableOpTime.ts];
    const isTheSame = before?.equals(applied);
    before = applied;
    return isTheSame && durable.equals(applied);
  };
  await waitFor(isStill, { what: 'the last writes of a minority', everyMs: STILL_MS });
}

/** What a member took in an earlier term and must take back is gone when it has what came later. */
async function waitUntilItFollows(server, member) {
  const follows = async () => {
    const { term } = await ask(await server.primary(), { replSetGetStatus: 1 });
    const { optimes } = await ask(member, { replSetGetStatus: 1 });
    return Number(optimes.appliedOpTime.t) >= Number(term);
  };
  const options = { timeoutMs: ELECTION_MS, what: 'a member to follow', everyMs: STILL_MS };
  await waitFor(follows, options);
}

module.exports = { ELECTION_MS, ask, lossesOf };
