// Sixteen game servers cross a UTC midnight, and the end of a month, while they write: each at its own
// moment, some by a jump of their clock, some forth and back. At the end all clocks are put back to the first
// day, whose users no server remembers. Every day and month is exact.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { startProxy } = require('../../support/proxy');
const { audit } = require('./audit');
const { gather } = require('./races');
const { freshMetrics, troubles, users, withServers } = require('./servers');
const { Tally, kindOf } = require('./writes');

const mongo = useMongod({ own: true });

const SERVERS = 16;
const DAYS = ['2036-01-30', '2036-01-31', '2036-02-01'];
const ROUND = { events: 6, logins: 2, logouts: 2 };
/** Rounds of one crossing; the middle one is about at midnight. */
const ROUNDS = 30;
const ROUNDS_BACK = 8;
const PLAYED = 2 * ROUNDS + ROUNDS_BACK;
const PAUSE_MS = 25;

/** How clocks cross midnight: milliseconds after it in round `i` of server `s`. */
const CLOCKS = {
  runs: (i, s) => (i - ROUNDS / 2) * 400 + s * 90,
  jumps: (i, s) => (i < ROUNDS / 2 + (s % 5) ? -1 : 3_600_000 + i),
  wavers: (i, s) => (i % 2 ? 1 : -1) * (i * 31 + s),
  'steps on the moment itself': (i) => Math.sign(i - ROUNDS / 2),
};
const WAYS = Object.keys(CLOCKS);

/** The clock of server `s` in each round around the beginning of `day`. */
function timesOf(s, day) {
  const clock = CLOCKS[WAYS[s % WAYS.length]];
  const midnight = Date.parse(`${day}T00:00:00.000Z`);
  return Array.from({ length: ROUNDS }, (_, i) => midnight + clock(i, s));
}

function settings(uri, seed) {
  return Array.from({ length: SERVERS }, (_, s) => ({
    uri,
    seed: seed + s,
    clock: `${DAYS[0]}T23:00:00.000Z`,
    users: users(s * 4, 40),
  }));
}

async function playNights(servers) {
  const all = (what, given) => Promise.all(servers.map((one, s) => one.tell(what, given?.(s))));
  await all('start');
  // All servers are connected then.
  await all('getMetrics');
  for (const day of DAYS.slice(1)) {
    await all('play', (s) => ({
      ...{ rounds: ROUNDS, round: ROUND, times: timesOf(s, day), pauseMs: PAUSE_MS },
      // Every other server is asked for its metrics while the day begins.
      askEvery: s % 2 ? 10 : undefined,
    }));
    await all('flush');
  }
  const times = [Date.parse(`${DAYS[0]}T12:00:00.000Z`)];
  await all('play', () => ({ rounds: ROUNDS_BACK, round: ROUND, times, pauseMs: PAUSE_MS }));
  return Promise.all(servers.map((server) => server.leave()));
}

/** The days that get a baseline or a daily document. */
function daysOf({ body: { documents, updates } }) {
  return documents ? documents.map(({ _id }) => _id.d) : updates.map(({ q }) => q.day);
}

/** All servers make the day's baseline and document at the same moment. */
function gatherOn(proxy, day) {
  return ['insert bases', 'ensure day'].map((kind) =>
    gather(proxy, SERVERS, (one) => kindOf(one) === kind && daysOf(one).includes(day)),
  );
}

async function playAndAudit(t, database, uri) {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const accounts = await withServers(settings(uri, seed), playNights);
  const metrics = await freshMetrics(database.uri, DAYS);
  const stored = await audit(database.db, accounts, { metrics });
  t.diagnostic(`${JSON.stringify(stored)}, mau ${DAYS.map((day) => metrics[day].mau)}`);
  t.diagnostic(troubles(accounts));
  assert.strictEqual(stored.events, SERVERS * PLAYED * ROUND.events);
  assert.strictEqual(stored.sessions, SERVERS * PLAYED * ROUND.logins);
  assert.deepStrictEqual(Object.keys(stored.days), DAYS);
  // Otherwise no session crosses a midnight.
  const [before, between, after] = DAYS.map((day) => stored.days[day]);
  assert.ok(before + between > metrics[DAYS[0]].mau, 'users of both days of January');
  assert.ok(between + after > stored.users, 'users of both months');
}

describe(`${SERVERS} servers at midnight`, () => {
  it('within a month and at its end', async (t) => {
    const database = mongo.database();
    await playAndAudit(t, database, database.uri);
  });

  it('that begin each day at the same moment', async (t) => {
    const database = mongo.database();
    const tally = new Tally();
    const proxy = await startProxy(mongo.server.port, tally);
    const gathered = DAYS.slice(1).flatMap((day) => gatherOn(proxy, day));
    await playAndAudit(t, database, proxy.uri(database.name));
    await proxy.close();
    for (const line of tally.lines()) t.diagnostic(line);
    assert.deepStrictEqual(
      gathered.map(({ taken }) => taken.length),
      gathered.map(() => SERVERS),
    );
    const { duplicates } = tally.kinds['insert bases'];
    assert.ok(duplicates >= 2 * (SERVERS - 1), `${duplicates} bases were there already`);
    assert.ok(tally.kinds['insert markers'].duplicates > 0, 'users were marked at once');
  });
});
