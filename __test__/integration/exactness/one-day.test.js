// Sixteen game servers write one day of one database at once, with the same users: nothing is lost,
// nothing counts twice, and every total is exact.
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
const DAY = '2036-05-17';
const ROUNDS = 60;
const ROUND = { events: 8, logins: 2, logouts: 2 };
const FIRST_LOGINS = 8;
/** How far the clock advances in a round, so that sessions last minutes. */
const ROUND_MS = 45_000;

/** Servers whose users overlap; two of them log in everybody. */
function settings(uri, seed) {
  return Array.from({ length: SERVERS }, (_, i) => ({
    uri,
    seed: seed + i,
    clock: `${DAY}T08:00:00.000Z`,
    users: i < 2 ? users(0, 120) : users(i * 5, 40),
  }));
}

const times = Array.from(
  { length: ROUNDS },
  (_, i) => Date.parse(`${DAY}T08:00:00.000Z`) + (i + 1) * ROUND_MS,
);

async function playDay(servers) {
  const all = (what, given) => Promise.all(servers.map((server) => server.tell(what, given)));
  await all('start');
  await all('play', { rounds: 1, round: { logins: FIRST_LOGINS } });
  await all('flush');
  await all('play', { rounds: ROUNDS, round: ROUND, times });
  return Promise.all(servers.map((server) => server.leave()));
}

/** Plays it on `uri` and audits it; answers figures of what is stored. */
async function playAndAudit(t, database, uri) {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const accounts = await withServers(settings(uri, seed), playDay);
  const metrics = await freshMetrics(database.uri, [DAY]);
  const stored = await audit(database.db, accounts, { metrics });
  t.diagnostic(JSON.stringify(stored));
  t.diagnostic(troubles(accounts));
  assert.strictEqual(stored.events, SERVERS * ROUNDS * ROUND.events);
  assert.strictEqual(stored.sessions, SERVERS * (FIRST_LOGINS + ROUNDS * ROUND.logins));
  assert.ok(metrics[DAY].avgSessionMin > 0, 'sessions take minutes');
  return stored;
}

describe(`${SERVERS} servers on one day`, () => {
  it('as they come', async (t) => {
    const database = mongo.database();
    await playAndAudit(t, database, database.uri);
  });

  it('each of whose first writes comes at the same moment as those of the others', async (t) => {
    const database = mongo.database();
    const tally = new Tally();
    const proxy = await startProxy(mongo.server.port, tally);
    const kinds = ['insert bases', 'ensure day', 'insert markers', 'add to day'];
    const gathered = kinds.map((kind) => gather(proxy, SERVERS, (one) => kindOf(one) === kind));
    await playAndAudit(t, database, proxy.uri(database.name));
    await proxy.close();
    for (const line of tally.lines()) t.diagnostic(line);
    assert.deepStrictEqual(
      gathered.map(({ taken }) => taken.length),
      kinds.map(() => SERVERS),
    );
    for (const kind of ['insert bases', 'insert markers']) {
      const { duplicates } = tally.kinds[kind];
      assert.ok(duplicates >= SERVERS - 1, `${duplicates} duplicates of "${kind}"`);
    }
    // No reply was lost, so that no write was repeated.
    const { replays, casConflicts } = tally.kinds['add to day'];
    assert.deepStrictEqual(
      [replays, casConflicts, tally.kinds['insert events'].replays],
      [0, 0, 0],
    );
  });
});
