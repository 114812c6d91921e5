// Two servers under one writer id, as after a snapshot of a machine was started beside it. The one that finds
// out goes on under another id, and dies on its way there.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { fates } = require('../support/proxy');
const { waitFor, within } = require('../support/wait');
const { kindOf } = require('../integration/exactness/writes');
const { LIMITS, judge, mergeRows } = require('./play');
const { launch, startServer } = require('./servers');

const REACHED_MS = 30_000;
const TURNS = { turn: { events: 5, logins: 1 }, everyMs: 2, turns: 10 };
const EVENTS_ALONE = { turn: { events: 3 }, everyMs: 2, turns: 2 };

/** Whether a request adds to the day, under another id than this one. */
function isAddition(request, notUnder) {
  if (kindOf(request) !== 'add to day') return false;
  const names = Object.keys(request.body.query);
  return !names.some((name) => name.startsWith(`_a.w.${notUnder}.`));
}

/** Answers the exchange of the next addition when it comes. */
function nextAddition(proxy, fate, notUnder) {
  const when = (request) => isAddition(request, notUnder);
  const { taken } = proxy.rule({ when, fate, times: 1 });
  return async () => {
    const isTaken = () => taken.length > 0;
    await waitFor(isTaken, { timeoutMs: REACHED_MS, what: 'an addition to the day' });
    return taken[0];
  };
}

async function abortAt(server, release) {
  await release();
  const end = await within(server.finished, { timeoutMs: REACHED_MS, what: 'its end' });
  if (end.signal !== 'SIGABRT') throw new Error(`it ended with ${end.code ?? end.signal}`);
}

/** How the one that finds out dies, and whether what it was about to add then is added after all. */
const DEATHS = {
  'before the disk has the next id': { step: 'change:before', die: abortAt, isAdded: true },
  'before it knows that the disk has it': { step: 'change:after', die: abortAt },
  async 'after its first addition under it'(server, release, { proxy, writer }) {
    const added = nextAddition(proxy, (exchange) => exchange.forward({ silently: true }), writer);
    await release();
    await (await added()).reply;
    await server.kill();
  },
  async 'after all its additions'(server, release) {
    await release();
    await server.tell('flush');
    await server.kill();
  },
};

/** The id of the first slot of a spool. */
function writerOf(spool) {
  return JSON.parse(fs.readFileSync(path.join(spool, '0', 'writer.json'), 'utf8')).writer;
}

/** A copy in which the id is valid: on the disk of a snapshot the file is the same. */
function snapshot(from, to) {
  fs.cpSync(from, to, { recursive: true });
  const file = path.join(to, '0', 'writer.json');
  const { dev, ino } = fs.statSync(file, { bigint: true });
  const text = fs.readFileSync(file, 'utf8');
  const identity = /"device":\d+,"inode":\d+/;
  // In place: another file would have another inode.
  fs.writeFileSync(file, text.replace(identity, `"device":${dev},"inode":${ino}`));
}

async function playAll(server, given) {
  server.play(given);
  await server.played;
  await server.tell('flush');
}

async function clashed(context, what, { step, die, isAdded = false }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const proxy = await context.proxy(mongo);
  const spools = ['one', 'two'].map((name) => path.join(context.folder(), name));
  const common = { ...LIMITS, counters: { clash: 'clashes' } };
  const direct = (spoolDir) => ({ uri: database.uri, spoolDir, ...common });
  const env = { NAPI_RS_NATIVE_LIBRARY_PATH: await context.failPoints() };
  const start = (name, spoolDir) => startServer({ name, options: direct(spoolDir) }, { env });
  const accounts = [];

  const first = await start('a', spools[0]);
  await playAll(first, TURNS);
  accounts.push(await first.leave());
  snapshot(...spools);

  const other = await start('b', spools[1]);
  await playAll(other, EVENTS_ALONE);
  const armed = step ? { ...env, FAILPOINTS: `${step}=return` } : env;
  const held = nextAddition(proxy, fates.hold);
  const options = { uri: proxy.uri(database.name), spoolDir: spools[0], ...common };
  const victim = launch({ name: 'c', options }, { env: armed });
  await victim.tell('start');
  await victim.tell('extra', ['clash', 'user0', {}]);
  const exchange = await held();
  const [writer, copied] = spools.map(writerOf);
  if (writer !== copied) throw new Error(`${writer} and ${copied} are two ids`);
  // It has looked up what is added under the id, and now there is more.
  await playAll(other, EVENTS_ALONE);
  accounts.push(await other.leave());
  victim.play(TURNS);
  await victim.played;
  const { events, logins } = TURNS.turn;
  const promised = { events: events * TURNS.turns, logins: logins * TURNS.turns };
  const isStored = async () =>
    (await database.has(`c:${promised.events - 1}`)) &&
    (await database.count('gsosessions', { username: /^c:/ })) === promised.logins;
  await waitFor(isStored, { timeoutMs: REACHED_MS, what: 'its records to be stored' });
  accounts.push({ name: 'c', promised, ...promised });
  await die(victim, () => exchange.forward(), { proxy, writer });

  const next = await start('d', spools[0]);
  await playAll(next, TURNS);
  accounts.push(await next.leave());
  const row = await judge(accounts, database);
  const days = await database.days();
  const clashes = days.reduce((sum, day) => sum + (day.clashes ?? 0), 0);
  if (clashes !== Number(isAdded)) row.problems.push(`${clashes} of the addition that clashed`);
  return { ...row, problems: row.problems.map((problem) => `${what}: ${problem}`) };
}

async function clashes(context) {
  const rows = [];
  for (const [what, how] of Object.entries(DEATHS)) {
    rows.push(await clashed(context, what, typeof how === 'function' ? { die: how } : how));
  }
  return { ...mergeRows(rows), note: Object.keys(DEATHS).join('; ') };
}

module.exports = {
  47: { name: 'two servers have one writer id, and one dies when it finds out', run: clashes },
};
