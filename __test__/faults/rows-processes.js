// Many processes: on one spool, on one day, at midnight.
'use strict';

const { users, freshMetrics, sumOf, withServers } = require('../integration/exactness/servers');
const { audit } = require('../integration/exactness/audit');
const { fates } = require('../support/proxy');
const { waitFor } = require('../support/wait');
const { LIMITS, delay, judge, recovery } = require('./play');
const { startServer } = require('./servers');

const LOAD = { turn: { events: 10, logins: 1 }, everyMs: 10 };
const SERVERS = 16;
const DAY = '2036-05-17';
const NIGHT = ['2036-01-30', '2036-01-31', '2036-02-01'];
/** A slot that nobody owns is looked for every 30 s. */
const RECOVERED_MS = 60_000;

/** Slots are not shared; the records of a process that died are recovered by the other or by a new one. */
async function onOneSpool(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const options = { uri: proxy.uri(database.name), spoolDir: context.folder(), ...LIMITS };
  const rounds = context.rounds(1, 4);
  const accounts = [];
  const recoveries = [];
  const living = await startServer({ name: 'living', options });
  living.play(LOAD);
  for (let round = 0; round < rounds; round++) {
    const other = await startServer({ name: `other${round}`, options, reports: true });
    other.play(LOAD);
    await recovery([living, other], database);
    // Its records from now on are on disk only.
    proxy.freeze();
    await delay(300);
    accounts.push(await other.crash());
    // Recovered by a process that starts now, and every other time by a running one.
    if (round % 2 === 0) {
      proxy.thaw();
      const successor = await startServer({ name: `successor${round}`, options });
      await successor.tell('flush');
      accounts.push(await successor.leave());
    } else {
      const before = await recoveredBy(living);
      proxy.thaw();
      const isRecovered = async () => (await recoveredBy(living)) > before;
      await waitFor(isRecovered, { timeoutMs: RECOVERED_MS, what: 'the slot to be recovered' });
    }
    recoveries.push(await recovery([living], database));
  }
  accounts.push(await living.leave());
  const recoveryMs = Math.max(...recoveries);
  return judge(accounts, database, { rounds, recoveryMs });
}

/** How many records of other processes it has recovered. */
async function recoveredBy(server) {
  const { health } = await server.tell('account');
  return health.spool.recoveredFromOthers;
}

/** The test of exactness, played among the faults. */
async function sixteen(context, { days, play, gap }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  // Some of their writes are lost, or their replies.
  const when = ({ command }) => ['insert', 'update', 'findAndModify'].includes(command);
  proxy.rule({ when, fate: fates.loseReply, chance: 0.02 });
  proxy.rule({ when, fate: fates.loseRequest, chance: 0.02 });
  const settings = Array.from({ length: SERVERS }, (_, i) => ({
    ...{ uri: proxy.uri(database.name), seed: i, users: users(i * gap, 40) },
    clock: `${days[0]}T08:00:00.000Z`,
  }));
  const accounts = await withServers(settings, play);
  const metrics = await freshMetrics(database.uri, days);
  const problems = [];
  const stored = await audit(database.db, accounts, { metrics }).catch((error) => {
    problems.push(error.message);
    return { events: undefined, sessions: undefined, closed: 0 };
  });
  const records = accounts.reduce((sum, { events, sessions }) => sum + events + sessions.length, 0);
  const lost = records - stored.events - stored.sessions;
  return {
    ...{ rounds: 1, accepted: records, stored: stored.events + stored.sessions, lost, problems },
    ...{ duplicated: problems.length > 0 ? undefined : 0 },
    ...{ counterError: problems.length > 0 ? undefined : 0 },
    duplicates: sumOf(accounts, 'duplicates'),
    casConflicts: sumOf(accounts, 'casConflicts'),
    replays: sumOf(accounts, 'retried'),
    note: `${SERVERS} processes, ${proxy.tally.total('replays')} replays at the proxy`,
  };
}

function onOneDay(context) {
  const rounds = context.chosen(40, 150);
  const begin = Date.parse(`${DAY}T08:00:00.000Z`);
  const times = Array.from({ length: rounds }, (_, i) => begin + i * 45_000);
  const play = async (servers) => {
    const everybody = (what, given) =>
      Promise.all(servers.map((server) => server.tell(what, given)));
    await everybody('start');
    const round = { events: 8, logins: 2, logouts: 2 };
    await everybody('play', { rounds, round, times, pauseMs: 10 });
    return Promise.all(servers.map((server) => server.leave()));
  };
  return sixteen(context, { days: [DAY], play, gap: 5 });
}

function atMidnight(context) {
  const rounds = context.chosen(20, 60);
  const play = async (servers) => {
    await Promise.all(servers.map((server) => server.tell('start')));
    for (const day of NIGHT.slice(1)) {
      const midnight = Date.parse(`${day}T00:00:00.000Z`);
      // Each crosses midnight at a moment of its own.
      const timesOf = (s) =>
        Array.from({ length: rounds }, (_, i) => midnight + (i - rounds / 2) * 400 + s * 90);
      const given = { rounds, round: { events: 6, logins: 2, logouts: 2 }, pauseMs: 25 };
      await Promise.all(
        servers.map((server, s) => server.tell('play', { ...given, times: timesOf(s) })),
      );
    }
    return Promise.all(servers.map((server) => server.leave()));
  };
  return sixteen(context, { days: NIGHT, play, gap: 4 });
}

module.exports = {
  22: { name: 'two processes on one spool', run: onOneSpool },
  23: { name: 'sixteen processes on one day', run: onOneDay },
  24: { name: 'sixteen processes at midnight', run: atMidnight },
};
