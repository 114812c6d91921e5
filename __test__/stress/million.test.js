// A month of 1 000 000 old sessions of 700 000 users, of which the class itself could not tell the
// number any more. Summing it up takes long, so it is interrupted, begun by several processes at once,
// and written on top of, and has to come out right, once, with everybody told how far it is.
'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const { Tally } = require('../integration/exactness/writes');
const { runProgram, startProgram, useMongod } = require('../support/setup');
const { makeManySessions } = require('../support/old-data-many');
const { startProxy } = require('../support/proxy');
const { waitFor } = require('../support/wait');
const { assertUntouched, bytesOf } = require('../integration/existing-data/setup');

const mongo = useMongod({ own: true });

const MONTH = { month: '2031-05', lastDay: 23 };
const TODAY = '2031-05-23';
const NOON = `${TODAY}T12:00:00.000Z`;
const PROCESSES = 4;
/** Of the old servers; those of ours are others. */
const OLD_EVENTS = 20_000;
const EVENTS = 500;
/** What they add to of today's document. */
const ADDED = ['dau', 'dungeonsRun', 'sessionCount', 'totalSessionS'];
const BUILD_MS = 300_000;
const TOLD = /summing up the sessions stored before in 2031-05(?:, once)?: \d+ of 23 days done/;
const DONE = /the sessions stored before in 2031-05 are summed up: 23 days, [\d.]+ s$/;

/**
 * Logs everybody in and out, tracks, and asks for metrics until it gets them. Reports how often it was
 * put off and what it was told meanwhile; ends when the metrics are there.
 */
async function playMeanwhile({ uri, now, users, events }, report) {
  const clock = require('./__test__/support/clock').installClock(now);
  const AnalyticsSystem = require('.');
  const lines = [];
  const keep = (line) => lines.push(line);
  const logger = { info: keep, warn: keep, error: keep };
  const limits = { operationTimeoutMs: 1_500, ackTimeoutMs: 30_000 };
  const analytics = new AnalyticsSystem({ uri, logger, ...limits });
  analytics.start();
  const health = [];
  let putOff = 0;
  let slowest = 0;
  for (const user of users) {
    const begun = performance.now();
    await analytics.onLogin(user, 'name');
    slowest = Math.max(slowest, performance.now() - begun);
  }
  for (let i = 0; i < events; i++) analytics.track('dungeon.complete', users[i % users.length]);
  clock.advance(120_000);
  for (const user of users) await analytics.onLogout(user);
  for (;;) {
    health.push(analytics.getHealth().history);
    report({ putOff, slowest, lines, health });
    try {
      const metrics = await analytics.getMetrics();
      health.push(analytics.getHealth().history);
      report({ metrics, putOff, slowest, lines, health, counts: analytics.getHealth() });
      break;
    } catch (error) {
      // A busy machine may take that long to write what was tracked.
      if (error.code === 'ANALYTICS_TIMEOUT') continue;
      if (error.code !== 'ANALYTICS_HISTORY_BUILDING') throw error;
      putOff += 1;
    }
  }
  await analytics.stop();
}

const basesOf = (database) => database.all('gsouniques', { '_id.p': 'base' });

/** Waits until so many days are marked; answers how many are. */
function marked(database, count) {
  const days = async () => {
    const bases = await basesOf(database);
    const done = bases.filter((base) => base.marked).length;
    return done >= count && done;
  };
  return waitFor(days, { timeoutMs: BUILD_MS, what: `${count} marked days` });
}

/** Lets `work(uri)` reach the server through a proxy; answers how often old users were marked. */
async function marksDuring(database, work) {
  const tally = new Tally();
  const proxy = await startProxy(mongo.server.port, tally);
  await work(proxy.uri(database.name));
  await proxy.close();
  return tally.kinds['mark old users'].commands;
}

/** A checksum of the sessions, made by the server. */
async function hashOf(database) {
  const { collections } = await database.db.command({ dbHash: 1, collections: ['gsosessions'] });
  return collections.gsosessions;
}

describe('a month of 1 000 000 sessions and 700 000 users', () => {
  let database;
  let figures;
  let old;
  before(async () => {
    database = mongo.database();
    const many = { ...MONTH, sessions: 1e6, users: 7e5, events: OLD_EVENTS };
    figures = await makeManySessions(database.db, many);
    old = await stateOf(database);
  });

  it('is summed up once by four processes, after one that was killed half-way', async () => {
    const given = { uri: database.uri, now: NOON, users: ['killed'], events: 1 };
    const killed = startProgram(playMeanwhile, { given, timeoutMs: BUILD_MS });
    await marked(database, 3);
    // Then all it had written is totalled.
    const isPutOff = () => killed.output.stdout.includes('"putOff":1');
    await waitFor(isPutOff, { timeoutMs: BUILD_MS, what: 'it to be put off' });
    process.kill(killed.pid, 'SIGKILL');
    assert.strictEqual((await killed.finished).signal, 'SIGKILL');

    const left = 23 - (await marked(database, 3));
    assert.ok(left > 0, 'it was killed too late');
    const crowd = crowdOf(figures);
    let results;
    const marks = await marksDuring(database, async (uri) => {
      const runs = crowd.map((users) => {
        const told = { uri, now: NOON, users, events: EVENTS };
        return runProgram(playMeanwhile, { given: told, timeoutMs: BUILD_MS });
      });
      results = (await Promise.all(runs)).map((end) => end.result);
    });

    for (const one of results) assertTold(one);
    assert.strictEqual(marks, left);
    await assertBases(database, figures);
    await assertFigures(database, { figures, users: [...crowd.flat(), 'killed'] });
  });

  it('is read at once by the next process, and no old document was touched', async () => {
    let result;
    const marks = await marksDuring(database, async (uri) => {
      const given = { uri, now: NOON, users: [], events: 0 };
      ({ result } = await runProgram(playMeanwhile, { given }));
    });
    assert.strictEqual(result.putOff, 0);
    assert.deepStrictEqual(result.lines, ['[ANALYTICS] System started']);
    assert.deepStrictEqual(result.health.at(-1), { state: 'done', daysDone: 23, daysTotal: 23 });
    assert.strictEqual(marks, 0);
    await assertNothingTouched(database, old);
  });
});

/** What is there of the old data, to be compared. */
async function stateOf(database) {
  const [today] = await database.days({ day: TODAY });
  const bytes = await bytesOf(database.db, ['gsodailies', 'gsoevents']);
  return { today, bytes, hash: await hashOf(database) };
}

/** Today's document has changed where it was added to. New sessions are removed to see the old ones. */
async function assertNothingTouched(database, before) {
  const cut = (await basesOf(database)).at(-1).cut;
  await database.db.collection('gsosessions').deleteMany({ _id: { $gt: cut } });
  const after = await stateOf(database);
  assert.strictEqual(after.hash, before.hash);
  assert.strictEqual(before.bytes.size, 23 + OLD_EVENTS);
  assertUntouched(before.bytes, after.bytes, [`gsodailies ${before.today._id}`]);
  const { _a, ...today } = after.today;
  for (const field of ADDED) today[field] = before.today[field];
  assert.deepStrictEqual(today, before.today);
}

/** Users of four processes: known today, known this month only, new ones; all of them overlap. */
function crowdOf({ userOf, sessions }) {
  const numbers = (from, count) => Array.from({ length: count }, (_, i) => userOf(from + i));
  const share = Math.floor(sessions / 23);
  return Array.from({ length: PROCESSES }, (_, process) => [
    ...numbers(sessions - 100 - process * 5, 10),
    ...numbers(share * 3 + process * 5, 10),
    ...Array.from({ length: 10 }, (_, i) => `new${process * 5 + i}`),
  ]);
}

/** Every process was put off at first, and told at the beginning, meanwhile and at the end. */
function assertTold({ putOff, lines, health, slowest, counts }) {
  assert.ok(putOff > 0, 'nobody waited');
  const told = lines.filter((line) => TOLD.test(line));
  assert.ok(told.length >= 2, lines.join('\n'));
  assert.match(lines.at(-1), DONE);
  assert.strictEqual(health.at(-1).state, 'done');
  const building = health.filter(({ state }) => state === 'building');
  assert.ok(building.length > 0);
  for (const { daysDone, daysTotal } of building) {
    assert.ok(daysDone >= 3 && daysDone <= daysTotal && daysTotal === 23);
  }
  assert.ok(slowest < 15_000, `a login took ${slowest} ms`);
  assert.deepStrictEqual([counts.dropped, counts.rejected, counts.warnings], [{}, {}, {}]);
}

async function assertBases(database, { users, seconds, closed, days }) {
  const bases = await basesOf(database);
  const sum = (field) => bases.reduce((total, base) => total + base[field], 0);
  assert.deepStrictEqual(
    bases.map((base) => [base._id.d, base.state]),
    days.map((day) => [day, 'done']),
  );
  assert.deepStrictEqual([sum('seconds'), sum('closed')], [seconds, closed]);
  const month = { '_id.p': `m:${MONTH.month}`, w: /^base:/ };
  assert.strictEqual(sum('mau'), await database.count('gsouniques', month));
  // Who logged in again before his old day was marked is counted there and not here.
  assert.ok(sum('mau') <= users && sum('mau') > users - 100);
}

/** What was there, and what the processes did on top, each user once. */
async function assertFigures(database, { figures, users }) {
  const given = { uri: database.uri, now: NOON, users: [], events: 0 };
  const { result } = await runProgram(playMeanwhile, { given });
  const { today, dau, mau, avgSessionMin } = result.metrics;
  const [shared] = [Math.floor(figures.sessions / 23) * 22];
  const knownToday = new Set();
  for (let n = shared; n < figures.sessions; n++) knownToday.add(figures.userOf(n));
  const distinct = [...new Set(users)];
  const fresh = distinct.filter((user) => !user.startsWith('player-'));
  assert.strictEqual(mau, figures.users + fresh.length);
  assert.strictEqual(
    dau,
    knownToday.size + distinct.filter((user) => !knownToday.has(user)).length,
  );
  const closed = await database.count('gsosessions', { durationS: 120 });
  const seconds = figures.seconds + closed * 120;
  assert.strictEqual(avgSessionMin, Math.round(seconds / (figures.closed + closed) / 60));
  assert.strictEqual(closed, users.length);
  assert.strictEqual(await database.count('gsosessions'), figures.sessions + users.length);
  assert.strictEqual(today.sessionCount, figures.sessions - shared + users.length);
  const events = await database.count('gsoevents', { event: 'dungeon.complete' });
  assert.deepStrictEqual(
    [today.dungeonsRun, events],
    [PROCESSES * EVENTS + 1, PROCESSES * EVENTS + 1],
  );
}
