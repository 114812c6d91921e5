// One game server, two of whose writes of one kind meet a fault at the proxy: shared by the tests of lost
// replies and late commands.
'use strict';

const assert = require('node:assert');
const { fates, startProxy } = require('../../support/proxy');
const { audit } = require('./audit');
const { storeOldDays } = require('./old-days');
const { freshMetrics, troubles, users, withServers } = require('./servers');
const { Tally, entryOf, kindOf } = require('./writes');

const DAYS = ['2036-01-31', '2036-02-01'];
/** Faults of each kind. After a lost reply, that to the repetition is lost, too. */
const LOSSES = 2;
/** Additions whose reply is lost, so that the entry must be confirmed. */
const PROVOCATIONS = 2;
const MINUTES = 60_000;

/** Kinds that are looked up first: only what is not done is sent again. */
const LOOKED_FOR = ['insert markers', 'insert bases', 'add to day', 'mark base', 'end base'];
/** Kinds whose number depends on timing: baselines are made by two tasks, and a claim is renewed. */
const VARYING = ['insert bases', 'pass old writes', 'claim month'];

const at = (day, minutes) => Date.parse(`${day}T10:00:00.000Z`) + minutes * MINUTES;
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);
/** Additions of events only: logins and logouts have additions of their own. */
const isOf = (kind) => (request) =>
  kindOf(request) === kind && (kind !== 'add to day' || entryOf(request.body).endsWith('.e'));

/** Two days of two months with every kind of write except the confirmation of an entry. */
async function playTwoDays(server) {
  await server.tell('start');
  for (const [round, time] of [
    [{ logins: 6, events: 10 }, at(DAYS[0], 0)],
    // Enough that some users are online.
    [{ logouts: 40, events: 4 }, at(DAYS[0], 7)],
    [{ logins: 4, events: 6, logouts: 40 }, at(DAYS[1], 0)],
    [{ logins: 2, events: 6, logouts: 10 }, at(DAYS[1], 3)],
  ]) {
    await server.tell('setClock', time);
    // Sums up what was stored before, so that no marker comes from there later.
    await server.tell('getMetrics');
    await server.tell('play', { rounds: 1, round });
    await server.tell('flush');
  }
}

/**
 * Plays them through a proxy on which `harm(proxy, kind, db)` has put its rules, by default on a database
 * with old days. Calls `after(harmed)` when everything is written, and audits.
 * `{ harmed, tally, sent }`: the commands that were harmed, what passed the proxy, and how many
 * statements the harmed held.
 */
async function play(t, { on, kind, harm, oldDays = DAYS, after = () => {} }) {
  const database = on.database();
  const seed = Date.now() % 1_000_000;
  const old = await storeOldDays(database.db, { days: oldDays, seed });
  const tally = new Tally();
  const proxy = await startProxy(on.server.port, tally);
  // An entry is confirmed only after the reply to an addition was lost.
  if (kind === 'confirm day') {
    proxy.rule({ when: isOf('add to day'), fate: fates.loseReply, times: PROVOCATIONS });
  }
  const harmed = harm(proxy, kind, database.db);
  const settings = { uri: proxy.uri(database.name), clock: `${DAYS[0]}T09:00:00.000Z`, seed };
  // Some of them are known from old days, and most are not.
  const own = users(8, 12);
  const account = await withServers([{ ...settings, users: own }], async ([server]) => {
    await playTwoDays(server);
    await after(harmed, tally);
    return server.leave();
  });
  await proxy.close();
  const metrics = await freshMetrics(database.uri, DAYS);
  await audit(database.db, [old, account], { metrics });
  t.diagnostic(`${kind}: ${harmed.length} harmed, seed ${seed}; ${troubles([account])}`);
  t.diagnostic(`  ${tally.line(kind)}; ${tally.line('confirm day')}`);
  const sent = sum(harmed.map(({ request }) => tally.statementsOf(request)));
  return { harmed, tally, sent: VARYING.includes(kind) ? harmed.length : sent };
}

/** What the server answers to this many statements that it has carried out before. */
function saidToRepetitions(kind, count) {
  return {
    replays: count,
    duplicates: kind.startsWith('insert') ? count : 0,
    casConflicts: kind === 'add to day' || kind === 'end base' ? count : 0,
  };
}

/** The outcome of the repetitions, by their kind. */
function assertCounts({ tally }, kind, expected) {
  const { replays, duplicates, casConflicts, errors } = tally.kinds[kind];
  const actual = { replays, duplicates, casConflicts };
  assert.strictEqual(errors, 0);
  if (!VARYING.includes(kind)) return assert.deepStrictEqual(actual, expected);
  for (const [what, least] of Object.entries(expected)) {
    assert.ok(actual[what] >= least, `${actual[what]} ${what}, should be ${least} or more`);
  }
}

module.exports = {
  ...{ LOOKED_FOR, LOSSES, PROVOCATIONS },
  ...{ assertCounts, isOf, play, saidToRepetitions },
};
