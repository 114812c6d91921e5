// Sessions of processes that died, or only look as if they had. All times are the real ones: a process is dead
// when it was silent for 90 s, and its sessions are closed within 120 s of its last sample.
'use strict';

const support = require('../support/game-server');
const { waitFor, within } = require('../support/wait');
const { Findings, checkMonths, checkTotals } = require('../integration/exactness/audit');
const { ELECTION_MS, lossesOf } = require('../integration/exactness/primaries');
const { delay } = require('./play');

const PLAYERS = require.resolve('../integration/existing-data/players');
const LIFETIME_MS = 30 * 60_000;
const CLOSED_MS = 120_000;
/** Somewhat longer than somebody who watches needs to find a process dead. */
const WATCHED_MS = 130_000;
const AWAY_MS = 180_000;
const FROZEN_MS = 120_000;
/** Longer than anybody has who is dead until the others have closed the sessions. */
const CUT_MS = 130_000;
const SAMPLE_MS = 30_000;
const ONLINE = 10_000;
const FEW = 20;

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

async function startServer(name, options, { how, players = FEW } = {}) {
  const settings = { name, options };
  const server = await support.startServer(PLAYERS, settings, { timeoutMs: LIFETIME_MS, ...how });
  await server.tell('start');
  await server.tell('login', [0, players]);
  await server.tell('flush');
  return server;
}

/** The newest sample of the server that has so many players. */
async function sampleOf(database, players) {
  let sample;
  const isThere = async () => {
    [sample] = await database.all('gsoreports', { _id: /^now:/, n: players });
    return sample !== undefined;
  };
  await waitFor(isThere, { timeoutMs: SAMPLE_MS, what: `a sample with ${players} players` });
  return sample;
}

const openOf = (database, name) =>
  database.count('gsosessions', { username: { $regex: `^${name}:` }, logoutAt: null });
/** Waits until so many players of the server are online. */
async function areOpen(database, name, players) {
  const isSo = async () => (await openOf(database, name)) === players;
  await waitFor(isSo, { timeoutMs: SAMPLE_MS * 2, what: `${players} players of ${name} online` });
}

const claimsOf = (database) => database.all('gsoreports', { _id: /^dead:/ });

/** Waits until nobody of the server is online; answers how long after its last sample that was. */
async function closed(database, name, sample) {
  // Who goes on with the work of a closer that was killed has to find the dead before, too.
  const timeoutMs = CLOSED_MS + 60_000;
  const isClosed = async () => (await openOf(database, name)) === 0;
  await waitFor(isClosed, { timeoutMs, what: `the sessions of ${name} to be closed` });
  const closedMs = Date.now() - sample.at.getTime();
  const isDone = async () => (await claimsOf(database)).every(({ state }) => state === 'done');
  await waitFor(isDone, { timeoutMs, what: 'the claims to be done' });
  return closedMs;
}

function closedProblems(closedMs) {
  const isInTime = closedMs <= CLOSED_MS;
  return isInTime ? [] : [`closed ${Math.round(closedMs / 1000)} s after the last sample`];
}

async function estimatedLogouts(servers) {
  const reports = await Promise.all(servers.map((server) => server.tell('getHealth')));
  return sum(reports.map((health) => health.estimatedLogouts));
}

/**
 * What is wrong: `expected` says of each server how many of its sessions are open and when others end; all
 * totals are those of the stored sessions.
 */
async function audit(database, expected) {
  const findings = new Findings();
  const [sessions, days] = [await database.sessions(), await database.days()];
  const bases = await database.all('gsouniques', { '_id.p': 'base' });
  checkTotals(findings, { amounts: new Map(), sessions, days });
  checkMonths(findings, { sessions, days, bases });
  for (const [name, { players, open, endsAt }] of Object.entries(expected)) {
    const own = sessions.filter(({ username }) => username.startsWith(`${name}:`));
    findings.equal(own.length, players, `sessions of ${name}`);
    const online = own.filter(({ logoutAt }) => logoutAt === null);
    findings.equal(online.length, open, `open sessions of ${name}`);
    if (endsAt === undefined) continue;
    const others = own.filter((one) => one.logoutAt !== null);
    const isRight = ({ logoutAt, loginAt }) => endsAt({ logoutMs: +logoutAt, loginMs: +loginAt });
    findings.equal(others.filter((one) => !isRight(one)).length, 0, `wrong ends of ${name}`);
  }
  const stored = sessions.length + sessions.filter(({ logoutAt }) => logoutAt !== null).length;
  return { rounds: 1, accepted: stored, stored, lost: 0, duplicated: 0, problems: findings.lines };
}

/** At the moment of the last sample, or a second after the login. */
const atSample =
  (sample) =>
  ({ logoutMs, loginMs }) =>
    logoutMs === Math.max(sample.t.getTime(), loginMs + 1_000);

/** Two servers see it, and both close the sessions. */
async function killedUnderLoad(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const options = { uri: database.uri };
  const living = await Promise.all(['a', 'b'].map((name) => startServer(name, options)));
  const victim = await startServer('victim', options, { players: ONLINE });
  const sample = await sampleOf(database, ONLINE);
  await victim.kill();
  const closedMs = await closed(database, 'victim', sample);
  const claims = await claimsOf(database);
  const row = await audit(database, {
    a: { players: FEW, open: FEW },
    b: { players: FEW, open: FEW },
    victim: { players: ONLINE, open: 0, endsAt: atSample({ t: claims[0].T }) },
  });
  row.problems.push(...closedProblems(closedMs));
  if (claims.length !== 1) row.problems.push(`${claims.length} claims`);
  if (claims[0].T.getTime() < sample.t.getTime())
    row.problems.push('an end before the last sample');
  const counted = await estimatedLogouts(living);
  if (counted !== ONLINE) row.problems.push(`${counted} in estimatedLogouts`);
  const { now } = await living[0].tell('concurrency');
  if (now !== 2 * FEW) row.problems.push(`${now} players online`);
  return { ...row, note: `closed after ${Math.round(closedMs / 1000)} s` };
}

/** Everybody's samples are old when it is back, and nobody has died. */
async function awayUnderThree(context) {
  const mongo = await context.mongod({});
  const database = mongo.database();
  const options = { uri: database.uri };
  const names = ['a', 'b', 'c'];
  const servers = await Promise.all(names.map((name) => startServer(name, options)));
  await mongo.server.kill('SIGKILL');
  await delay(AWAY_MS);
  await mongo.server.restart();
  await delay(WATCHED_MS);
  for (const server of servers) await server.tell('flush');
  const all = names.map((name) => [name, { players: FEW, open: FEW }]);
  const row = await audit(database, Object.fromEntries(all));
  const claims = await claimsOf(database);
  if (claims.length > 0) row.problems.push(`${claims.length} claims`);
  return row;
}

/** Its players are closed while it is frozen, and online again when it goes on; then it dies. */
async function frozenAndBack(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const options = { uri: database.uri };
  const watcher = await startServer('watcher', options);
  const frozen = await startServer('frozen', options, { players: FEW * 2 });
  const sample = await sampleOf(database, FEW * 2);
  process.kill(frozen.pid, 'SIGSTOP');
  const [closedMs] = await Promise.all([closed(database, 'frozen', sample), delay(FROZEN_MS)]);
  process.kill(frozen.pid, 'SIGCONT');
  const isBack = async () => (await openOf(database, 'frozen')) === FEW * 2;
  await waitFor(isBack, { timeoutMs: SAMPLE_MS, what: 'its players to be online again' });
  const thawedMs = Date.now();
  await frozen.tell('logout', [0, FEW]);
  await frozen.tell('login', [FEW * 2, FEW * 3]);
  await frozen.tell('flush');
  const back = await audit(database, {
    watcher: { players: FEW, open: FEW },
    frozen: { players: FEW * 3, open: FEW * 2, endsAt: ({ logoutMs }) => logoutMs >= thawedMs },
  });
  const { now } = await watcher.tell('concurrency');
  const problems = [...closedProblems(closedMs), ...back.problems];
  if (now !== FEW * 3 && now !== FEW * 4) problems.push(`${now} players online after the thaw`);
  // What was opened again is closed once more, and counts from its login.
  await delay(SAMPLE_MS);
  const last = await sampleOf(database, FEW * 2);
  await frozen.kill();
  const diedMs = await closed(database, 'frozen', last);
  const row = await audit(database, {
    watcher: { players: FEW, open: FEW },
    frozen: { players: FEW * 3, open: 0 },
  });
  row.problems.push(...problems, ...closedProblems(diedMs));
  return row;
}

const STEPS = ['claim:inserted', 'claim:advance', 'claim:close'];
/** Of three steps of a claim; its sessions are closed in two requests. */
const PASSES = { 'claim:inserted': [0], 'claim:advance': [0, 1, 2], 'claim:close': [0, 1] };
const OF_TWO_REQUESTS = 1_500;

/** The next one goes on from what stands there. All steps at once, each in a database of its own. */
async function closerKilled(context) {
  const addon = await context.failPoints();
  const mongo = await context.standalone();
  const all = STEPS.flatMap((step) => PASSES[step].map((pass) => [step, pass]));
  const rows = await Promise.all(all.map((at) => closerKilledAt(mongo.database(), addon, at)));
  const problems = rows.flatMap((row, i) => row.problems.map((one) => `${all[i]}: ${one}`));
  const stored = sum(rows.map((row) => row.stored));
  return { ...rows[0], rounds: rows.length, accepted: stored, stored, problems };
}

async function closerKilledAt(database, addon, [step, pass]) {
  const options = { uri: database.uri };
  const FAILPOINTS = `${step}=${pass > 0 ? `${pass}*off->` : ''}return`;
  const env = { FAILPOINTS, NAPI_RS_NATIVE_LIBRARY_PATH: addon };
  const victim = await startServer('victim', options, { players: OF_TWO_REQUESTS });
  const closer = await startServer('closer', options, { how: { env }, players: 0 });
  const sample = await sampleOf(database, OF_TWO_REQUESTS);
  await victim.kill();
  const what = `the closer to die at ${step}`;
  const { signal } = await within(closer.finished, { timeoutMs: WATCHED_MS, what });
  const next = await startServer('next', options);
  await closed(database, 'victim', sample);
  // The closer may be claimed by then, too.
  const ofVictim = sample._id.replace('now:', 'dead:');
  const claim = (await claimsOf(database)).find(({ _id }) => _id === ofVictim);
  const row = await audit(database, {
    next: { players: FEW, open: FEW },
    victim: { players: OF_TWO_REQUESTS, open: 0, endsAt: atSample({ t: claim.T }) },
  });
  if (signal !== 'SIGABRT') row.problems.push(`the closer ended with ${signal}`);
  await next.kill();
  return row;
}

/** Real logouts that were on the disk only replace the estimates; the others keep them. */
async function logoutsInSpool(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const spool = { uri: proxy.uri(database.name), spoolDir: context.folder() };
  const watcher = await startServer('watcher', { uri: database.uri });
  const victim = await startServer('victim', spool, { players: FEW * 2 });
  const sample = await sampleOf(database, FEW * 2);
  proxy.freeze();
  await delay(1_100);
  const leftMs = Date.now();
  await victim.tell('logout', [0, FEW]);
  await delay(1_000);
  await victim.kill();
  proxy.thaw();
  const closedMs = await closed(database, 'victim', sample);
  const successor = await startServer('successor', spool);
  const late = { logoutAt: { $gte: new Date(leftMs) } };
  const isReplaced = async () => (await database.count('gsosessions', late)) === FEW;
  await waitFor(isReplaced, { timeoutMs: SAMPLE_MS, what: 'the logouts out of the spool' });
  await successor.tell('flush');
  const row = await audit(database, {
    watcher: { players: FEW, open: FEW },
    successor: { players: FEW, open: FEW },
    victim: { players: FEW * 2, open: 0 },
  });
  row.problems.push(...closedProblems(closedMs));
  const counted = await estimatedLogouts([watcher, successor]);
  if (counted !== FEW * 2) row.problems.push(`${counted} in estimatedLogouts`);
  return row;
}

/** There is no majority for so long that everybody's samples are old, and then another primary. */
async function failOver(context) {
  const mongo = await context.mongod({ own: undefined, replSet: 3 });
  const { server } = mongo;
  const database = mongo.database();
  const options = { uri: database.uri };
  const names = ['a', 'b', 'c'];
  const servers = await Promise.all(names.map((name) => startServer(name, options)));
  const areSeen = async () =>
    (await database.all('gsoreports', { _id: /^now:/, n: FEW })).length === names.length;
  await waitFor(areSeen, { timeoutMs: SAMPLE_MS, what: 'a sample of each' });
  const steppedDown = await server.primary();
  await lossesOf(server).stepDown(steppedDown);
  const another = async () => (await server.primary()) !== steppedDown;
  await waitFor(another, { timeoutMs: ELECTION_MS, what: 'another primary' });
  const lost = [await server.primary(), steppedDown];
  await Promise.all(lost.map((member) => member.kill('SIGKILL')));
  await delay(CUT_MS);
  // Players go and come meanwhile.
  for (const one of servers) await one.tell('logout', [0, FEW / 2]);
  for (const one of servers) await one.tell('login', [FEW, FEW * 2]);
  await lost[1].restart();
  await waitFor(() => server.primary(), { timeoutMs: ELECTION_MS, what: 'a primary of two' });
  await lost[0].restart();
  await delay(WATCHED_MS);
  for (const one of servers) await one.tell('flush');
  const all = names.map((name) => [name, { players: FEW * 2, open: FEW * 1.5 }]);
  const row = await audit(database, Object.fromEntries(all));
  const claims = await claimsOf(database);
  if (claims.length > 0) row.problems.push(`${claims.length} claims`);
  return row;
}

/** Only its own way to MongoDB is cut: the others close its players, who are online again when it is back. */
async function cutOffAndBack(context) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const options = { uri: database.uri };
  const watchers = await Promise.all(['a', 'b'].map((name) => startServer(name, options)));
  const cut = await startServer('cut', { uri: proxy.uri(database.name) }, { players: FEW * 2 });
  const sample = await sampleOf(database, FEW * 2);
  proxy.isRefusing = true;
  proxy.cut();
  const [closedMs] = await Promise.all([closed(database, 'cut', sample), delay(CUT_MS)]);
  const leftMs = Date.now();
  await cut.tell('logout', [0, FEW]);
  await cut.tell('login', [FEW * 2, FEW * 3]);
  proxy.isRefusing = false;
  await areOpen(database, 'cut', FEW * 2);
  // Who takes its old samples for another death closes them again by then.
  await delay(WATCHED_MS);
  for (const one of [...watchers, cut]) await one.tell('flush');
  const row = await audit(database, {
    a: { players: FEW, open: FEW },
    b: { players: FEW, open: FEW },
    cut: { players: FEW * 3, open: FEW * 2, endsAt: ({ logoutMs }) => logoutMs >= leftMs },
  });
  row.problems.push(...closedProblems(closedMs));
  const claims = await claimsOf(database);
  if (claims.length !== 1) row.problems.push(`${claims.length} claims`);
  const counted = await estimatedLogouts([...watchers, cut]);
  if (counted !== FEW * 2) row.problems.push(`${counted} in estimatedLogouts`);
  const { now } = await watchers[0].tell('concurrency');
  if (now !== FEW * 4) row.problems.push(`${now} players online`);
  return row;
}

module.exports = {
  40: { name: 'a server with 10 000 players is killed', run: killedUnderLoad },
  41: { name: 'MongoDB is away from three servers for 3 minutes', run: awayUnderThree },
  42: { name: 'a server is frozen for 2 minutes', run: frozenAndBack },
  43: { name: 'who closes sessions of the dead is killed', run: closerKilled },
  44: { name: 'logouts come out of the spool of the dead', run: logoutsInSpool },
  45: { name: 'a replica set has no primary for 2 minutes', run: failOver },
  46: { name: 'a server is cut off from MongoDB for 2 minutes', run: cutOffAndBack },
};
