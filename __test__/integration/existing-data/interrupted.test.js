// The summing up of old sessions goes on after a server that was killed under it, after a stop() and
// the next start(), and when the server allows what it had refused.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { afterIndexBuilds } = require('../../support/index-builds');
const { startMongod } = require('../../support/mongod');
const { MongoClient } = require('../../support/driver');
const { makeManySessions } = require('../../support/old-data-many');
const { startProxy } = require('../../support/proxy');
const { kindOf } = require('../exactness/writes');
const { waitFor } = require('../../support/wait');
const { runProgram, startProgram, useMongod } = require('../../support/setup');

const OLD = { month: '2031-05', lastDay: 20, sessions: 100_000, users: 70_000 };
const NOON = '2031-05-20T12:00:00.000Z';
const RESUMED_MS = 60_000;

/** Asks until it gets its metrics; what else may refuse it is among `given.accepted`. */
async function ask({ uri, now, accepted = [] }, report) {
  require('./__test__/support/clock').installClock(now);
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, logger: false, operationTimeoutMs: 2_000 });
  analytics.start();
  await analytics.onLogin('somebody new', 'name');
  const codes = [];
  for (;;) {
    try {
      const { mau, avgSessionMin } = await analytics.getMetrics();
      report({ mau, avgSessionMin, codes, history: analytics.getHealth().history });
      break;
    } catch (error) {
      if (!['ANALYTICS_HISTORY_BUILDING', ...accepted].includes(error.code)) throw error;
      codes.push(error.code);
      report({ codes });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  await analytics.stop();
}

/** Stops and starts again half-way. */
async function stopHalfWay({ uri, now }, report) {
  require('./__test__/support/clock').installClock(now);
  const { waitFor } = require('./__test__/support/wait');
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, logger: false, operationTimeoutMs: 60_000 });
  analytics.start();
  await analytics.onLogin('somebody new', 'name');
  await waitFor(() => analytics.getHealth().history.daysDone >= 2, { timeoutMs: 60_000 });
  const half = analytics.getHealth().history;
  const begun = performance.now();
  await analytics.stop();
  const took = performance.now() - begun;
  analytics.start();
  const { mau, avgSessionMin } = await analytics.getMetrics();
  report({ half, took, mau, avgSessionMin, history: analytics.getHealth().history });
  await analytics.stop();
}

const DONE = { state: 'done', daysDone: OLD.lastDay, daysTotal: OLD.lastDay };

function assertRight({ mau, avgSessionMin, history }, figures) {
  assert.deepStrictEqual([mau, avgSessionMin], [figures.users + 1, figures.avgSessionMin]);
  assert.deepStrictEqual(history, DONE);
}

async function markedIn(db) {
  const bases = await db.collection('gsouniques').find({ marked: true }).toArray();
  return bases.map(({ _id }) => _id.d);
}

/** The days whose sessions the server was told to sum up and did, in order, as a proxy sees it. */
function watchDays() {
  const days = [];
  const observe = (request, reply) => {
    if (kindOf(request) !== 'mark old users' || reply.body.ok !== 1) return;
    days.push(request.body.pipeline[0].$match.day);
  };
  return { days, observe };
}

describe('the summing up of old sessions', { concurrency: 2 }, () => {
  const mongo = useMongod();

  it('goes on after a server that was killed half-way', async () => {
    const server = await startMongod({ own: true, say() {} });
    const client = new MongoClient(server.uri);
    try {
      const db = client.db('killed');
      const figures = await makeManySessions(db, OLD);
      const watch = watchDays();
      const proxy = await startProxy(server.port, watch);
      const given = { uri: proxy.uri('killed'), now: NOON };
      given.accepted = ['ANALYTICS_TIMEOUT'];
      const asking = startProgram(ask, { given, timeoutMs: 2 * RESUMED_MS });
      // The last that is seen may not be in the journal yet; those before it are.
      await waitFor(async () => (await markedIn(db)).length >= 3, { timeoutMs: RESUMED_MS });
      await server.kill('SIGKILL');
      const before = watch.days.length;
      await server.restart();
      const done = await markedIn(db);
      assert.ok(done.length >= 2 && done.length < OLD.lastDay, `marked before: ${done}`);
      const { result } = await asking.finished;
      await proxy.close();
      assertRight(result, figures);
      const after = watch.days.slice(before);
      assert.ok(after.length >= OLD.lastDay - done.length);
      // Of the last one it may have been told and not said so yet.
      const again = after.filter((day) => done.slice(0, -1).includes(day));
      assert.deepStrictEqual(again, [], 'days that were done were summed up again');
    } finally {
      await client.close();
      await server.stop();
    }
  });

  it('does not hold up stop(), and goes on after the next start()', async () => {
    const database = mongo.database();
    const figures = await makeManySessions(database.db, OLD);
    const watch = watchDays();
    const proxy = await startProxy(mongo.server.port, watch);
    const given = { uri: proxy.uri(database.name), now: NOON };
    const { result } = await runProgram(stopHalfWay, { given, timeoutMs: 2 * RESUMED_MS });
    assert.ok(result.half.daysDone < OLD.lastDay, 'it was stopped too late');
    assert.ok(result.took < 5_000, `stop() took ${result.took} ms`);
    assertRight(result, figures);
    await proxy.close();
    const again = watch.days.filter((day, n) => watch.days.indexOf(day) < n);
    // The one that was under way.
    assert.ok(again.length <= 1, `summed up again: ${again}`);
    assert.strictEqual(new Set(watch.days).size, OLD.lastDay);
  });
});

describe('old sessions that the server refuses to sum up', () => {
  const mongo = useMongod();

  it('are summed up once it does not any more; getMetrics() says so meanwhile', async () => {
    const database = mongo.database();
    const figures = await makeManySessions(database.db, { ...OLD, sessions: 2_000, users: 700 });
    // Markers of old users are refused, those of new ones are not.
    const validator = { w: { $not: /^base:/ } };
    await database.db.createCollection('gsouniques', { validator });
    const given = {
      uri: database.uri,
      now: NOON,
      accepted: ['ANALYTICS_DATABASE', 'ANALYTICS_TIMEOUT'],
    };
    const asking = startProgram(ask, { given, timeoutMs: RESUMED_MS });
    const isRefused = () => asking.output.stdout.includes('ANALYTICS_DATABASE');
    await waitFor(isRefused, { timeoutMs: RESUMED_MS, what: 'getMetrics() to be refused' });
    const isTotalled = async () => (await database.count('gsodailies', { '_a.mau': 1 })) === 1;
    await waitFor(isTotalled, { what: 'the login to be totalled all the same' });
    await afterIndexBuilds(() => database.db.command({ collMod: 'gsouniques', validator: {} }));
    const { result } = await asking.finished;
    assertRight(result, figures);
  });
});
