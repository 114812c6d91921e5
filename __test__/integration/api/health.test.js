// getHealth() accounts exactly for every record, and contains no secret.
'use strict';

const assert = require('node:assert');
const util = require('node:util');
const { after, before, describe, it } = require('node:test');
const { startMongod } = require('../../support/mongod');
const { waitFor, within } = require('../../support/wait');
const { startWebhook } = require('../../support/webhook');
const { NOBODY, create, runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const KIB = 1024;
const cyclic = {};
cyclic.self = cyclic;

describe('the numbers', { concurrency: true }, () => {
  it('are all zero before the first call', () => {
    const { analytics } = create({ uri: NOBODY });
    assert.deepStrictEqual(analytics.getHealth(), {
      ...{ connected: false, accepted: 0, queued: 0, queuedBytes: 0, written: 0, retried: 0 },
      ...{ duplicates: 0, redelivered: 0, casConflicts: 0, estimatedLogouts: 0 },
      ...{ dropped: {}, rejected: {}, warnings: {}, defects: 0, activeSessions: 0, totals: 'ok' },
      refusedCollections: [],
      history: { state: 'none', daysDone: 0, daysTotal: 0 },
      reports: { state: 'waiting', daysDone: 0, daysTotal: 0 },
      destinations: [],
    });
  });

  it('count each record once, wherever it is', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, flushIntervalMs: 60_000 });
    analytics.track('dungeon.complete', 'u');
    analytics.track('unknown', 'u', { a: 1 });
    analytics.track('credits.earn', 'u', { amount: 'much' });
    analytics.track('bad', 'u', cyclic);
    analytics.track({}, 'u');
    const login = analytics.onLogin('u', 'name');
    const staged = analytics.getHealth();
    assert.deepStrictEqual([staged.accepted, staged.written + staged.queued], [4, 4]);
    await login;
    await waitFor(() => analytics.getHealth().written === 1, { what: 'the uncounted event' });
    const { queued, queuedBytes } = analytics.getHealth();
    assert.strictEqual(queued, 3, 'totals are due in a minute: counted records wait for them');
    assert.ok(queuedBytes > 0 && queuedBytes < KIB, `${queuedBytes}`);
    await analytics.flush();
    const { reports, ...health } = analytics.getHealth();
    assert.ok(['waiting', 'current'].includes(reports.state), reports.state);
    assert.deepStrictEqual([reports.daysDone, reports.daysTotal], [0, 0]);
    assert.deepStrictEqual(health, {
      ...{ connected: true, accepted: 4, queued: 0, queuedBytes: 0, written: 4, retried: 0 },
      ...{ duplicates: 0, redelivered: 0, casConflicts: 0, estimatedLogouts: 0 },
      ...{
        dropped: {},
        rejected: { cyclic: 1, invalid_event: 1 },
        warnings: { invalid_amount: 1 },
      },
      ...{ defects: 0, activeSessions: 1, destinations: [], refusedCollections: [] },
      ...{ totals: 'ok', history: { state: 'none', daysDone: 0, daysTotal: 0 } },
    });
  });

  it('are connected: true once something was written', async () => {
    const { analytics } = create({ uri: mongo.database().uri });
    analytics.track('uncounted', 'u');
    await analytics.flush();
    assert.strictEqual(analytics.getHealth().connected, true);
  });

  it('count a document that the server refuses as dropped, and write the rest', async () => {
    const database = mongo.database();
    await database.db.createCollection('gsoevents', { validator: { event: { $ne: 'refused' } } });
    const { analytics, lines } = create({ uri: database.uri });
    for (const event of ['good', 'refused', 'good', 'refused', 'good']) analytics.track(event, 'u');
    await analytics.flush();
    const { accepted, written, dropped, queued, lastError } = analytics.getHealth();
    assert.deepStrictEqual([accepted, written, queued], [5, 3, 0]);
    assert.deepStrictEqual(dropped, { refused_by_server: 2 });
    assert.match(lastError.message, /validation/i);
    assert.ok(Math.abs(lastError.atMs - Date.now()) < 60_000);
    assert.strictEqual(await database.count('gsoevents'), 3);
    assert.strictEqual(lines.length, 1, lines.join('\n'));
  });

  it('are a snapshot that later calls do not change', () => {
    const { analytics } = create({ uri: NOBODY });
    const first = analytics.getHealth();
    analytics.track('bad', 'u', cyclic);
    assert.deepStrictEqual(first.rejected, {});
    assert.deepStrictEqual(analytics.getHealth().rejected, { cyclic: 1 });
  });
});

describe('a server that goes away and comes back', () => {
  let server;
  before(async () => {
    server = await startMongod({ own: true, say() {} });
  });
  after(() => server.stop());

  it('costs retries and one warning, no records', async () => {
    const { analytics, lines } = create({ uri: `${server.uri}/outage`, shutdownTimeoutMs: 500 });
    analytics.track('dungeon.complete', 'u');
    await analytics.flush();
    await server.kill('SIGKILL');
    for (let i = 0; i < 10; i++) analytics.track('dungeon.complete', 'u');
    await waitFor(() => analytics.getHealth().retried > 0, { what: 'a retry' });
    const during = analytics.getHealth();
    assert.deepStrictEqual([during.accepted, during.written, during.queued], [11, 1, 10]);
    assert.ok(during.lastError.message.length > 0);
    await server.restart();
    await within(analytics.flush(), { timeoutMs: 10_000, what: 'flush() after the outage' });
    assert.strictEqual((await analytics.getMetrics()).today.dungeonsRun, 11);
    const later = analytics.getHealth();
    assert.deepStrictEqual([later.written, later.queued, later.dropped], [11, 0, {}]);
    assert.strictEqual(lines.filter((line) => /cannot be written/.test(line)).length, 1);
    assert.deepStrictEqual([during.connected, later.connected], [false, true]);
  });
});

describe('the bound of the queue', { concurrency: true }, () => {
  it('refuses the newest events, takes a login, and stores all that were accepted', async () => {
    const database = mongo.database();
    const { result } = await runProgram(
      async (given, report) => {
        const mongoose = require('mongoose');
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({
          ...{ maxQueueBytes: 64 * 1024, ackTimeoutMs: 500, logger: false },
        });
        const payload = 'x'.repeat(1_000);
        for (let i = 0; i < 200; i++) analytics.track('full', 'u', { i, payload });
        const full = analytics.getHealth();
        // The room left for events is too small for one more payload: small ones fill it up.
        for (let i = 0; i < 10; i++) analytics.track('small', 'u');
        const started = performance.now();
        const login = await analytics.onLogin('late', 'n'.repeat(256));
        const loginMs = performance.now() - started;
        const refused = analytics.getHealth();
        await mongoose.connect(given.uri);
        await analytics.flush();
        analytics.track('again', 'u', { payload });
        await analytics.flush();
        report({ full, loginMs, login: login === undefined, refused, end: analytics.getHealth() });
        await analytics.stop();
        await mongoose.disconnect();
      },
      { given: { uri: database.uri } },
    );
    const { full, refused, end } = result;
    assert.strictEqual(full.accepted + full.rejected.queue_full, 200);
    assert.strictEqual(full.queued, full.accepted);
    assert.ok(full.queuedBytes <= 64 * KIB && full.queuedBytes > 56 * KIB, `${full.queuedBytes}`);
    assert.ok(result.loginMs < 3_000 && result.login, `onLogin took ${result.loginMs} ms`);
    assert.ok(full.accepted >= 45, `${full.accepted}`);
    const stored = await database.events({ event: 'full' });
    assert.deepStrictEqual(
      stored.map(({ data }) => data.i),
      Array.from({ length: full.accepted }, (_, i) => i),
    );
    assert.strictEqual(refused.accepted + refused.rejected.queue_full, 211);
    assert.strictEqual(end.written, refused.accepted + 1);
    assert.strictEqual(await database.count('gsoevents'), end.written - 1);
    assert.strictEqual(await database.count('gsosessions'), 1);
    assert.strictEqual(await database.count('gsoevents', { event: 'again' }), 1);
  });

  it('is warned about once', async () => {
    const { analytics, lines } = create({ uri: NOBODY, maxQueueBytes: 64 * KIB });
    for (let i = 0; i < 2_000; i++) analytics.track('full', 'u', { text: 'x'.repeat(100) });
    const { accepted, rejected } = analytics.getHealth();
    assert.strictEqual(accepted + rejected.queue_full, 2_000);
    await waitFor(() => lines.some((line) => line.includes('maxQueueBytes')));
    for (let i = 0; i < 100; i++) analytics.track('full', 'u', { text: 'x'.repeat(100) });
    assert.strictEqual(analytics.getHealth().rejected.queue_full, rejected.queue_full + 100);
    assert.strictEqual(lines.filter((line) => line.includes('maxQueueBytes')).length, 1);
  });
});

describe('secrets', { concurrency: true }, () => {
  const SECRET = /hunter2|s3cret/;

  it('appear in no log line, error, report or rendering of the instance', async () => {
    const webhook = await startWebhook({ status: 500 });
    const { host } = new URL(webhook.url);
    const { analytics, lines } = create({
      uri: 'mongodb://someone:hunter2@127.0.0.1:1/db?authSource=admin&appName=s3cret',
      webhookUrl: `http://someone:hunter2@${host}/hook?token=s3cret`,
      operationTimeoutMs: 300,
      shutdownTimeoutMs: 300,
    });
    analytics.start();
    analytics.track('event', 'u');
    await webhook.waitForRequests(1);
    const errors = await Promise.all([
      analytics.flush().catch((error) => error),
      analytics.getMetrics().catch((error) => error),
      analytics.getLast30Days().catch((error) => error),
    ]);
    await waitFor(() => analytics.getHealth().lastError, { what: 'an error' });
    await analytics.stop();
    await webhook.close();
    const seen = [
      ...[...lines, JSON.stringify(analytics), JSON.stringify(analytics.getHealth())],
      ...errors.map((error) => util.inspect(error, { depth: 10, showHidden: true })),
      util.inspect(analytics, { depth: 10, showHidden: true }),
    ];
    for (const text of seen) assert.doesNotMatch(text, SECRET);
  });

  it('appear in no error about a bad option', () => {
    for (const options of [
      { uri: 'mongodb://someone:hunter2@' },
      { uri: 'http://someone:hunter2@127.0.0.1/' },
      { webhookUrl: 'ftp://someone:hunter2@127.0.0.1/' },
      { webhookUrl: 'http://someone:hunter2@:x/' },
    ]) {
      assert.throws(
        () => create(options),
        (error) => {
          assert.strictEqual(error.name, 'TypeError');
          assert.doesNotMatch(util.inspect(error, { showHidden: true }), SECRET);
          return true;
        },
      );
    }
  });
});
