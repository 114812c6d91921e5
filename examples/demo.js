// `npm run demo`: plays a compressed day of a game server against a real MongoDB, through the public
// API, and compares the documents with its own ledger. Exit code 1 when they differ.
//
// Read game-server.js first: it is a host as a user writes it. This file only drives it.
'use strict';

require('../__test__/support/environment').cleanEnvironment();

// In the future, so that the server does not expire the events. The clock is installed first: mongoose
// keeps the Date that it finds when it is loaded.
const START = '2031-05-14T07:00:00.000Z';
const clock = require('../__test__/support/clock').installClock(START);

const { setImmediate: nextTurn } = require('node:timers/promises');
const { isDeepStrictEqual } = require('node:util');
const mongoose = require('mongoose');
const mongods = require('../__test__/support/mongod');
const { HOUR, planDay } = require('./day');
const game = require('./game-server');
const { Ledger, TOTALS } = require('./ledger');

/** A demo that takes longer has failed. */
const DEADLINE_MS = 60_000;
const MOMENTS_PER_TURN = 32;

const ledger = new Ledger();
const problems = [];
const tracked = { calls: 0, ms: 0 };

const count = (number) => number.toLocaleString('en-US');
const say = (line = '') => console.log(line);

async function main() {
  process.exitCode = 1; // until everything was right
  const mongod = await mongods.startMongod({ say });
  setTimeout(giveUp, DEADLINE_MS).unref();
  try {
    await inFreshDatabase(mongod.uri);
  } finally {
    await mongod.stop();
  }
  conclude();
}

async function inFreshDatabase(uri) {
  const database = mongods.freshDatabaseName();
  try {
    await demonstrate(mongods.withDatabase(uri, database));
  } finally {
    await game.stop().finally(() => mongods.dropDatabases(uri, [database]));
  }
}

function conclude() {
  for (const problem of problems) console.error(`WRONG: ${problem}`);
  if (problems.length > 0) {
    console.error(`The demo failed: ${problems.length} figures differ from what was played.`);
    return;
  }
  say('Everything that was played is in the database, once.');
  process.exitCode = 0;
}

function giveUp() {
  console.error(`The demo failed: not finished after ${DEADLINE_MS / 1000} s.`);
  process.exit(1);
}

async function demonstrate(mongodbUri) {
  timeTrack();
  const port = await game.start({ mongodbUri });
  const address = `http://127.0.0.1:${port}/metrics`;
  const fetchMetrics = async () => (await fetch(address)).json();
  const seconds = await playDay(fetchMetrics);
  await report(await fetchMetrics());
  await reportScrape(address);
  say(
    `${count(ledger.events)} events handed over in ${seconds.toFixed(1)} s of play, with ` +
      `${count(ledger.logins)} awaited logins: ${count(Math.round(ledger.events / seconds))} events/s; ` +
      `track() took ${((tracked.ms * 1000) / tracked.calls).toFixed(1)} µs on average.`,
  );
}

/** Measures every `track()` of the game. */
function timeTrack() {
  const { analytics } = game;
  analytics.track = (...args) => {
    const started = performance.now();
    Object.getPrototypeOf(analytics).track.apply(analytics, args);
    tracked.ms += performance.now() - started;
    tracked.calls += 1;
  };
}

async function playDay(fetchMetrics) {
  const { players, moments } = planDay(Date.now(), () => new mongoose.Types.ObjectId());
  say(`\nA day with ${players.length} players begins: ${START}`);
  const started = performance.now();
  let hourEnds = Date.now() + HOUR;
  let turn = 0;
  for (const moment of moments) {
    for (; moment.at >= hourEnds; hourEnds += HOUR) await endHour(hourEnds, fetchMetrics);
    clock.advance(moment.at - Date.now());
    await play(moment);
    if (++turn % MOMENTS_PER_TURN === 0) await nextTurn();
  }
  await endHour(hourEnds, fetchMetrics);
  await game.analytics.flush();
  return (performance.now() - started) / 1000;
}

async function play({ at, player, deed, details, events = [] }) {
  await game[deed](player, details);
  if (deed === 'login') ledger.login(at, player);
  if (deed === 'logout') ledger.logout(at, player);
  for (const additions of events) ledger.event(at, additions);
}

/** At midnight UTC a new day begins; its figures start at zero. */
async function endHour(at, fetchMetrics) {
  clock.advance(at - Date.now());
  const { dau, mau, avgSessionMin, activeSessions } = await fetchMetrics();
  const day = new Date(at).toISOString();
  say(
    `${day.slice(0, 10)} ${day.slice(11, 16)}  ${count(ledger.events).padStart(7)} events so far; ` +
      `/metrics: ${activeSessions} online, dau ${dau}, mau ${mau}, ${avgSessionMin} min a session`,
  );
  compare(`metrics at ${day}`, { dau, mau, avgSessionMin, activeSessions }, ledger.metrics(at));
}

function compare(what, landed, played) {
  for (const [name, expected] of Object.entries(played)) {
    if (isDeepStrictEqual(landed[name], expected)) continue;
    const [is, was] = [landed[name], expected].map((value) => JSON.stringify(value));
    problems.push(`${what}: ${name} is ${is}, played was ${was}`);
  }
}

async function report(metrics) {
  const days = (await game.analytics.getLast30Days()).reverse();
  const health = game.analytics.getHealth();
  await reportCollections();
  reportDays(days);
  say(`GET /metrics: ${JSON.stringify(metrics)}\n`);
  compare('/metrics', metrics.today, JSON.parse(JSON.stringify(days.at(-1))));
  say(`getHealth(): ${JSON.stringify(health)}\n`);
  const records = ledger.events + ledger.logins + ledger.logouts;
  const nothing = { dropped: {}, rejected: {}, warnings: {}, queued: 0 };
  compare('health', health, { accepted: records, written: records, ...nothing });
}

/** What Prometheus gets from the same address, as it asks for it. */
async function reportScrape(address) {
  const accept = 'application/openmetrics-text; version=1.0.0';
  const text = await (await fetch(address, { headers: { accept } })).text();
  const written = /^gso_analytics_records_written_total (\d+)$/m.exec(text)?.[1];
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  say(`GET /metrics as OpenMetrics: ${series.length} series\n`);
  const records = ledger.events + ledger.logins + ledger.logouts;
  compare('OpenMetrics', { written: Number(written) }, { written: records });
}

async function reportCollections() {
  const { db } = mongoose.connection;
  say('\nDocuments in the database:');
  const found = {};
  for (const { name } of await db.listCollections().toArray()) {
    found[name] = await db.collection(name).countDocuments();
  }
  for (const name of Object.keys(found).sort()) say(`  ${name.padEnd(12)}${count(found[name])}`);
  const expected = { gsodailies: ledger.days.size, gsoevents: ledger.events };
  compare('documents', found, { ...expected, gsosessions: ledger.logins });
}

function reportDays(days) {
  const row = (name, cells) => say(`  ${name.padEnd(15)}${cells.map(cell).join('')}`);
  const cell = (text) => text.padStart(12);
  const labels = days.map(({ day }) => day);
  say('\nTheir totals, as getLast30Days() gives them:');
  row('', labels);
  for (const name of TOTALS) {
    const values = days.map((day) => count(day[name]));
    row(name, values);
  }
  say();
  compare('days', { days: labels.join() }, { days: [...ledger.days.keys()].join() });
  for (const day of days) compare(day.day, day, ledger.days.get(day.day) ?? {});
}

main().catch((error) => {
  console.error(`The demo failed: ${error.stack}`);
});
