// Runs: who makes a report, what replaces it, and what happens where it may not be made.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { NOBODY, create, useMongod } = require('../../support/setup');
const { dayOf, event, session, startOf, store } = require('./days');

const mongo = useMongod();

const reportOf = async (database, ago) =>
  (await database.all('gsoreports', { _id: `d:${dayOf(ago)}` }))[0];

function started(uri, options = {}) {
  const made = create({ uri, presence: 'off', operationTimeoutMs: 60_000, ...options });
  made.analytics.start();
  return made;
}

describe('a report', () => {
  it('is not replaced by one that was begun earlier and ends later', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('u1', 1)] });
    const proxy = await startProxy(mongo.server.port);
    const isReport = ({ command, body }) =>
      command === 'update' && String(body.updates?.[0]?.q?._id).startsWith('d:');
    const held = proxy.rule({ when: isReport, fate: fates.hold, times: 1 });
    const slow = started(proxy.uri(database.name));
    await waitFor(() => held.taken.length === 1, { what: 'the report of the first process' });
    // A process that stops to renew its lease loses it.
    await database.db.collection('gsoreports').deleteOne({ _id: 'lease' });
    await database.db.collection('gsosessions').insertOne(session('u2', 1));
    started(database.uri);
    const isThere = async () => (await reportOf(database, 1)) !== undefined;
    await waitFor(isThere, { what: 'the report of the second process' });
    const later = await reportOf(database, 1);
    assert.strictEqual(later.users.dau, 2);
    await held.taken[0].forward();
    const [row] = await slow.analytics.getActivity({ days: 1, to: dayOf(1) });
    assert.strictEqual(row.dau, 2);
    assert.deepStrictEqual(await reportOf(database, 1), later);
    await slow.analytics.stop();
    await proxy.close();
  });

  it('is made again where it is none, or is of a clock that was ahead, and left where it is newer', async () => {
    const database = mongo.database();
    await store(database, { sessions: [4, 3, 2, 1].map((ago) => session('u1', ago)) });
    const ahead = new Date(Date.now() + 3_600_000);
    await database.db.collection('gsoreports').insertMany([
      { _id: `d:${dayOf(4)}`, note: 'somebody else put this here', runs: 'many' },
      { _id: `d:${dayOf(3)}`, v: 1, asOf: ahead, users: { dau: 99 }, state: 'final' },
      { _id: `d:${dayOf(2)}`, v: 2, asOf: new Date(0), users: { dau: 99 } },
      { _id: `d:${dayOf(1)}`, v: 1, asOf: 'yesterday', users: 'many', sessions: null },
      { _id: 'd:no day', v: 1, asOf: new Date() },
      { _id: 'late:no day', at: 5 },
      { _id: 'lease', owner: 7, until: 'whenever' },
    ]);
    await database.db.collection('gsoreports').deleteOne({ _id: 'lease' });
    const { analytics } = started(database.uri);
    const rows = await analytics.getActivity({ days: 4, to: dayOf(1) });
    assert.deepStrictEqual(
      rows.map(({ dau }) => dau),
      [1, 1, null, 1],
    );
    assert.strictEqual((await reportOf(database, 2)).users.dau, 99);
    assert.ok((await reportOf(database, 3)).asOf < ahead);
    assert.strictEqual((await reportOf(database, 4)).runs, 1);
  });

  it('is of the events that are still kept, and keeps what is known of others', async () => {
    const database = mongo.database();
    const sessions = [session('u1', 9), session('u1', 1)];
    await store(database, { sessions, events: [event('credits.earn', 1, { amount: 5 })] });
    const known = { economy: [], events: [{ k: 'old', n: 7 }], eventsTotal: 7, coverage: [] };
    await database.db
      .collection('gsoreports')
      .insertOne({ _id: `d:${dayOf(9)}`, v: 1, asOf: new Date(startOf(8)), ...known });
    const { analytics } = started(database.uri);
    const top = await analytics.getTopEvents({ days: 12, to: dayOf(1) });
    assert.deepStrictEqual(
      top.map((row) => [row.event, row.count]),
      [
        ['old', 7],
        ['credits.earn', 1],
      ],
    );
    const old = await reportOf(database, 8);
    assert.deepStrictEqual([old.users.dau, old.economy, old.eventsTotal], [0, null, null]);
  });

  it('counts a session that comes late, in its day and its month', async () => {
    const database = mongo.database();
    const sessions = [session('u1', 9), session('u1', 8), session('u1', 1)];
    await store(database, { sessions });
    const { analytics } = started(database.uri);
    const before = await analytics.getActivity({ days: 9, to: dayOf(1) });
    assert.deepStrictEqual(
      before.map(({ mau30 }) => mau30),
      Array(9).fill(1),
    );
    const isIdle = () => analytics.getHealth().reports.state === 'current';
    await waitFor(isIdle, { what: 'the end of the run' });
    await analytics.stop();
    const late = create({ uri: database.uri, presence: 'off', operationTimeoutMs: 60_000 });
    // As a spool of that day brings it.
    await database.db.collection('gsosessions').insertOne(session('u2', 9));
    await database.db
      .collection('gsoreports')
      .insertOne({ _id: `late:${dayOf(9)}`, at: new Date() });
    late.analytics.start();
    const isCounted = async () => {
      const rows = await late.analytics.getActivity({ days: 3, to: dayOf(7) });
      return rows.every(({ mau30 }) => mau30 === 2);
    };
    await waitFor(isCounted, { timeoutMs: 60_000, what: 'the late session' });
  });

  it('leaves out those who are excluded', async () => {
    const database = mongo.database();
    const users = ['bot-1', 'bot-2', 'tester', 'u1', 'bo'];
    const events = users.map((userId) => event('gems.earn', 1, { amount: 10 }, { userId }));
    const days = [{ day: dayOf(1), gemsEarned: 50 }];
    await store(database, { sessions: users.map((user) => session(user, 1)), events, days });
    const { analytics } = started(database.uri, { excludeUsers: ['bot-*', 'tester'] });
    const [row] = await analytics.getActivity({ days: 1, to: dayOf(1) });
    assert.deepStrictEqual([row.dau, row.sessions, row.mau30, row.newUsers], [2, 2, 2, 2]);
    const [gems] = await analytics.getEconomy({ days: 1, to: dayOf(1), currency: 'gems' });
    assert.strictEqual(gems.sourced, 20);
    const earned = gems.coverage.find(({ total }) => total === 'gemsEarned');
    assert.deepStrictEqual(earned, { total: 'gemsEarned', counted: 50, seen: 50 });
    assert.strictEqual((await reportOf(database, 1)).eventsExcluded, 3);
  });
});

describe('names', () => {
  it('are values, whatever they are', async () => {
    const database = mongo.database();
    const names = ['a.b', '$x', '', '__proto__', 'constructor', '🎲'.repeat(80), 'x'.repeat(80)];
    const events = names.flatMap((name, i) => [
      event('gems.spend', 1, { amount: 10 ** i, reason: name, item: name }),
      event(name || 'empty', 1, {}),
    ]);
    await store(database, { sessions: [session('u1', 1)], events });
    const { analytics } = started(database.uri);
    const [gems] = await analytics.getEconomy({ days: 1, to: dayOf(1), currency: 'gems' });
    const cut = names.map((name) => [...name].slice(0, 64).join(''));
    const largest = (flows) => flows.map(({ name }) => name);
    assert.deepStrictEqual(largest(gems.sinks), cut.toReversed());
    assert.deepStrictEqual(largest(gems.sinkItems), cut.toReversed());
    const top = await analytics.getTopEvents({ days: 1, to: dayOf(1) });
    const expected = ['gems.spend', 'empty', ...cut.filter((name) => name !== '')];
    assert.deepStrictEqual(
      new Set(largest(top.map(({ event: name }) => ({ name })))),
      new Set(expected),
    );
  });
});

describe('methods', () => {
  it('reject wrong options with their name', async () => {
    const { analytics } = create({ uri: NOBODY });
    const cases = [
      ['getActivity', { days: 0 }, /^days: /],
      ['getActivity', { days: 10n }, /^days: /],
      ['getActivity', { to: '2027-02-29' }, /^to: /],
      ['getActivity', { to: new Date() }, /^to: /],
      ['getActivity', { from: '2026-01-01' }, /^from: /],
      ['getActivity', 'week', /^options: /],
      ['getActivity', [], /^options: /],
      ['getRetention', { days: 7 }, /^days: /],
      ['getRetention', { days: [91] }, /^days: /],
      ['getRetention', { cohorts: Number.NaN }, /^cohorts: /],
      ['getSessionLengths', { days: '7' }, /^days: /],
      ['getEconomy', { currency: 'gold' }, /^currency: must be one of credits, gems/],
      ['getEconomy', { limit: 101 }, /^limit: /],
      ['getRevenue', { currency: 'usd' }, /^currency: /],
      ['getTopEvents', { limit: {} }, /^limit: /],
    ];
    for (const [method, options, message] of cases) {
      await assert.rejects(analytics[method](options), { name: 'TypeError', message });
    }
  });

  it('reject where reports are off, and nothing is made then', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('u1', 1)] });
    const { analytics } = started(database.uri, { reports: 'off' });
    for (const method of ['getActivity', 'getRetention', 'getSessionLengths', 'getEconomy']) {
      await assert.rejects(analytics[method](), { code: 'ANALYTICS_REPORTS_OFF' });
    }
    await assert.rejects(analytics.getTopEvents(), {
      code: 'ANALYTICS_REPORTS_OFF',
      message: /^getTopEvents\(\) answers out of reports, which are off/,
    });
    assert.strictEqual(analytics.getHealth().reports.state, 'off');
    await analytics.stop();
    assert.strictEqual(await database.count('gsoreports'), 0);
    assert.strictEqual(await database.count('gsoplayers'), 0);
  });

  it('wait, and say that days are being reported', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('u1', 1)] });
    // Another process has just begun with it.
    const until = new Date(Date.now() + 120_000);
    await database.db.collection('gsoreports').insertOne({ _id: 'lease', owner: 'other', until });
    const { analytics } = started(database.uri, { operationTimeoutMs: 1_500 });
    await assert.rejects(analytics.getActivity(), { code: 'ANALYTICS_HISTORY_BUILDING' });
    const { state, daysDone, daysTotal } = analytics.getHealth().reports;
    assert.deepStrictEqual([state, daysDone, daysTotal], ['building', 0, 1]);
    // A range that ends before the first day needs none of them.
    const [row] = await analytics.getActivity({ days: 1, to: dayOf(2) });
    assert.strictEqual(row.dau, null);
  });
});

describe('a user without rights on the reports', () => {
  const guarded = useMongod({ own: true, auth: true });

  it('is told once, and everything else is as before', async () => {
    const database = guarded.database();
    await store(database, { sessions: [session('u1', 1)] });
    const actions = ['insert', 'update', 'find', 'createIndex', 'listIndexes'];
    const names = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques', 'gsoreports'];
    const privileges = names.map((collection) => {
      return { resource: { db: database.name, collection }, actions };
    });
    await database.db.command({ createRole: 'reporter', privileges, roles: [] });
    const roles = [{ role: 'reporter', db: database.name }];
    await database.db.command({ createUser: 'host', pwd: 'secret', roles });
    const uri = `mongodb://host:secret@127.0.0.1:${guarded.server.port}/${database.name}`;
    const { analytics, lines } = started(uri);
    const isOff = () => analytics.getHealth().reports.state === 'off';
    await waitFor(isOff, { what: 'reports are off' });
    await assert.rejects(analytics.getActivity(), { code: 'ANALYTICS_REPORTS_OFF' });
    analytics.track('credits.earn', 'u', { amount: 2 });
    await analytics.onLogin('u', 'name');
    const { today, dau } = await analytics.getMetrics();
    assert.deepStrictEqual([today.creditsEarned, dau], [2, 1]);
    await analytics.stop();
    assert.ok(
      lines.every((line) => line.startsWith('info')),
      lines.join('\n'),
    );
    assert.strictEqual(lines.filter((line) => line.includes('reports are off')).length, 1);
  });
});
