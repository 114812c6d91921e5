// Game servers under load on a replica set of three, whose primary repeatedly steps down or is killed: every
// accepted record is stored once, and every total is exact. Sessions that were stored before are summed up
// meanwhile.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { audit } = require('./audit');
const { storeOldDays } = require('./old-days');
const { ELECTION_MS, ask, lossesOf } = require('./primaries');
const { takenBack } = require('./rollbacks');
const { freshMetrics, sumOf, troubles, users, withServers } = require('./servers');

const mongo = useMongod({ replSet: 3 });

const SERVERS = 4;
const DAYS = ['2036-12-31', '2037-01-01'];
/** 500 events a second and server, on a machine that is not too slow for it. */
const ROUND = { events: 10, logins: 1, logouts: 1 };
const PAUSE_MS = 20;
const ROUND_MS = 5_000;
/** Attempts to lose a primary that has writes which no other member has. */
const MOST_ROLLBACKS = 3;

const WAYS = ['stepDown', 'kill', 'rollBack', 'stepDown', 'kill'];

const midnight = Date.parse(`${DAYS[1]}T00:00:00.000Z`);
const times = Array.from({ length: 4_000 }, (_, i) => midnight + (i - 700) * ROUND_MS);

/** Events must arrive before and after each loss, so that each loss is one for the servers. */
async function waitForMore(database, count) {
  const arrived = () => database.count('gsoevents');
  const before = await waitFor(async () => (await arrived()) + 1, { timeoutMs: ELECTION_MS });
  const more = async () => (await arrived()) >= before + count;
  await waitFor(more, { timeoutMs: ELECTION_MS, what: `${count} more events`, everyMs: 100 });
}

/** Writes that drivers sent again, by the members' own counters. */
async function repeatedByDrivers() {
  // A member that has just come back may interrupt the command.
  const what = 'the counters of a member';
  const statusOf = (one) => waitFor(() => ask(one, { serverStatus: 1 }), { what });
  const statuses = await Promise.all(mongo.server.members.map(statusOf));
  return statuses.reduce((sum, one) => sum + Number(one.transactions.retriedStatementsCount), 0);
}

/** Returns how many documents the lost primary has rolled back. */
async function losePrimary(t, database, way) {
  await waitForMore(database, 500);
  const lost = await mongo.server.primary();
  const before = takenBack(lost).length;
  const begun = performance.now();
  const repair = await lossesOf(mongo.server)[way](lost);
  const replaced = async () => (await mongo.server.primary()) !== lost;
  await waitFor(replaced, { timeoutMs: ELECTION_MS, what: 'another primary' });
  await waitForMore(database, 1);
  const away = Math.round(performance.now() - begun);
  await repair();
  const back = takenBack(lost).length - before;
  t.diagnostic(`${way}: first event after ${away} ms, ${back} documents taken back`);
  return back;
}

/** On a busy machine the other members may have replicated all of it before they were stopped. */
async function losePrimaryWithWrites(t, database) {
  for (let i = 0; i < MOST_ROLLBACKS; i++) {
    if ((await losePrimary(t, database, 'rollBack')) > 0) return;
  }
  assert.fail(`nothing was taken back in ${MOST_ROLLBACKS} times`);
}

async function playAndLose(t, database, servers) {
  const all = (what, given) => Promise.all(servers.map((server) => server.tell(what, given)));
  await all('start');
  const begun = performance.now();
  const played = all('play', { round: ROUND, times, pauseMs: PAUSE_MS });
  played.catch(() => {});
  let repeated = 0;
  for (const way of WAYS) {
    // A member that is killed forgets its counters.
    repeated = Math.max(repeated, await repeatedByDrivers());
    if (way === 'rollBack') await losePrimaryWithWrites(t, database);
    else await losePrimary(t, database, way);
  }
  await all('enough');
  await played;
  const seconds = (performance.now() - begun) / 1_000;
  const accounts = await Promise.all(servers.map((server) => server.leave()));
  const tracked = accounts.reduce((sum, { events }) => sum + events, 0);
  t.diagnostic(`${Math.round(tracked / seconds)} events/s over ${seconds.toFixed(1)} s`);
  repeated = Math.max(repeated, await repeatedByDrivers());
  t.diagnostic(`at least ${repeated} statements repeated by drivers`);
  return accounts;
}

describe(`${SERVERS} servers on a set whose primary is lost ${WAYS.length} times`, () => {
  it('write everything once', async (t) => {
    const database = mongo.database();
    const seed = Date.now() % 1_000_000;
    t.diagnostic(`seed ${seed}`);
    const old = await storeOldDays(database.db, { days: DAYS, seed });
    const settings = Array.from({ length: SERVERS }, (_, i) => ({
      // Enough that new ones come until the end.
      ...{ uri: database.uri, seed: seed + i, users: users(i * 400, 2_000) },
      clock: new Date(times[0]).toISOString(),
    }));
    const accounts = await withServers(settings, (servers) => playAndLose(t, database, servers));
    const metrics = await freshMetrics(database.uri, DAYS);
    t.diagnostic(JSON.stringify(await audit(database.db, [old, ...accounts], { metrics })));
    t.diagnostic(troubles(accounts));
    // Otherwise no loss has hit a write, or none that was carried out.
    for (const what of ['retried', 'duplicates']) {
      assert.ok(sumOf(accounts, what) > 0, `${what}: ${sumOf(accounts, what)}`);
    }
  });
});
