// The webhook and MongoDB do not wait for each other, and every event that is not forwarded counts.
// (What a request looks like is compared with the reference in the parity suite.)
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor, within } = require('../../support/wait');
const { startWebhook } = require('../../support/webhook');
const { NOBODY, create, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Nothing listens on port 1. */
const REFUSING = 'http://127.0.0.1:1/hook';
const COUNT = 50;

function track(analytics, count = COUNT) {
  for (let i = 0; i < count; i++) analytics.track('dungeon.complete', `u${i % 5}`, { i });
}

async function assertInMongo(database, count = COUNT) {
  assert.strictEqual(await database.count('gsoevents'), count);
  assert.strictEqual((await database.days())[0].dungeonsRun, count);
}

describe('MongoDB gets everything', { concurrency: true }, () => {
  it('when the webhook refuses connections, which is counted', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({
      ...{ uri: database.uri, webhookUrl: REFUSING, shutdownTimeoutMs: 600 },
    });
    analytics.start();
    track(analytics);
    await analytics.flush();
    await assertInMongo(database);
    await within(analytics.stop(), { timeoutMs: 8_000, what: 'stop() with a dead webhook' });
    const { destinations, written, dropped, rejected } = analytics.getHealth();
    assert.deepStrictEqual([destinations[0].queued, destinations[0].sent], [COUNT, 0]);
    assert.match(destinations[0].lastError.message, /refused/);
    assert.deepStrictEqual([written, dropped, rejected], [COUNT, {}, {}]);
    const warnings = lines.filter((line) => line.startsWith('warn'));
    assert.strictEqual(
      warnings.length,
      2,
      'one warning tells the operator that the webhook is dead, one what is left',
    );
  });

  it('when the webhook never answers; stop() ends at shutdownTimeoutMs and says what is left', async () => {
    const database = mongo.database();
    const hook = await startWebhook();
    hook.hang();
    const { analytics, lines } = create({
      ...{ uri: database.uri, webhookUrl: hook.url, shutdownTimeoutMs: 600 },
    });
    analytics.start();
    track(analytics);
    await within(analytics.flush(), { timeoutMs: 8_000, what: 'flush() with a hanging webhook' });
    await assertInMongo(database);
    const started = performance.now();
    await analytics.stop();
    const ms = performance.now() - started;
    assert.ok(ms >= 590 && ms < 5_000, `${ms} ms`);
    const { destinations, queued } = analytics.getHealth();
    assert.deepStrictEqual([destinations[0].sent, destinations[0].queued, queued], [0, COUNT, 0]);
    await hook.close();
    const said = lines.filter((line) => line.startsWith('warn') && line.includes(String(COUNT)));
    assert.strictEqual(said.length, 1, 'the events that were not forwarded are told');
  });

  it('when the webhook answers with errors; what it did not take is sent again', async () => {
    const database = mongo.database();
    const hook = await startWebhook({ status: 500 });
    const { analytics } = create({ uri: database.uri, webhookUrl: hook.url });
    track(analytics);
    await analytics.flush();
    await assertInMongo(database);
    await hook.waitForRequests(4);
    const isNoted = () => /webhook.*500/.test(analytics.getHealth().lastError?.message);
    await waitFor(isNoted, { what: 'the error' });
    hook.answerWith(200);
    await analytics.stop();
    const { queued, sent, retried } = analytics.getHealth().destinations[0];
    assert.deepStrictEqual([queued, sent], [0, COUNT]);
    assert.strictEqual(hook.requests.length, COUNT + retried);
    await hook.close();
  });
});

describe('the webhook', { concurrency: true }, () => {
  it('gets everything while MongoDB is away', async () => {
    const hook = await startWebhook();
    const { analytics } = create({ uri: NOBODY, webhookUrl: hook.url });
    track(analytics);
    await hook.waitForRequests(COUNT);
    await waitFor(() => analytics.getHealth().destinations[0].sent === COUNT);
    assert.strictEqual(analytics.getHealth().queued, COUNT);
    await hook.close();
  });

  it('gets the events of each user in their order', async () => {
    const hook = await startWebhook({ status: 204 });
    const { analytics } = create({ uri: mongo.database().uri, webhookUrl: hook.url });
    track(analytics, 200);
    await analytics.stop();
    const bodies = hook.requests.map(({ text }) => JSON.parse(text));
    assert.strictEqual(bodies.length, 200);
    for (let user = 0; user < 5; user++) {
      const numbers = bodies
        .filter(({ userId }) => userId === `u${user}`)
        .map(({ data }) => data.i);
      assert.deepStrictEqual(
        numbers,
        Array.from({ length: 40 }, (_, i) => i * 5 + user),
      );
    }
    const [{ oldestWaitingMs, ...health }] = analytics.getHealth().destinations;
    assert.deepStrictEqual(health, {
      ...{ name: 'webhook', format: 'raw', queued: 0, queuedBytes: 0, sent: 200, retried: 0 },
      ...{ refused: 0, expired: 0, dropped: {}, circuit: 'closed' },
    });
    assert.strictEqual(oldestWaitingMs, 0);
    await hook.close();
  });

  it('is not followed to another place', async () => {
    const elsewhere = await startWebhook();
    const hook = await startWebhook();
    const { analytics } = create({
      uri: mongo.database().uri,
      destinations: [{ url: hook.url, minRetryDelayMs: 10, maxRetryDelayMs: 10 }],
    });
    hook.answerWith(301, { Location: elsewhere.url });
    analytics.track('event', 'u');
    for (const status of [302, 303, 307, 308]) {
      await hook.waitForRequests(hook.requests.length + 1);
      hook.answerWith(status, { Location: elsewhere.url });
    }
    await analytics.stop();
    assert.strictEqual(elsewhere.requests.length, 0);
    assert.strictEqual(analytics.getHealth().destinations[0].refused, 1);
    await Promise.all([hook.close(), elsewhere.close()]);
  });

  it('does not get what JSON.stringify refuses; it is stored, with a warning', async () => {
    const database = mongo.database();
    const hook = await startWebhook();
    const { analytics, lines } = create({ uri: database.uri, webhookUrl: hook.url });
    const toJSON = () => {
      throw new Error('thrown by the test');
    };
    analytics.track('bigint', 'u', { amount: 5n });
    analytics.track('toJSON', 'u', { a: 1, toJSON });
    analytics.track('good', 'u', { a: 1 });
    await analytics.stop();
    assert.strictEqual(await database.count('gsoevents'), 3);
    assert.deepStrictEqual(
      hook.requests.map(({ text }) => JSON.parse(text).event),
      ['good'],
    );
    const { warnings, destinations } = analytics.getHealth();
    assert.deepStrictEqual(warnings, { not_forwardable: 2 });
    assert.strictEqual(destinations[0].sent, 1);
    assert.strictEqual(lines.filter((line) => line.includes('not forwarded')).length, 1);
    await hook.close();
  });

  it('that does not take cyclic data, nor logins', async () => {
    const hook = await startWebhook();
    const { analytics } = create({ uri: mongo.database().uri, webhookUrl: hook.url });
    const cyclic = {};
    cyclic.self = cyclic;
    analytics.track('cyclic', 'u', cyclic);
    await analytics.onLogin('u', 'name');
    await analytics.onLogout('u');
    analytics.track('last', 'u');
    await analytics.stop();
    assert.deepStrictEqual(
      hook.requests.map(({ text }) => JSON.parse(text).event),
      ['last'],
    );
    await hook.close();
  });

  it('gets what was tracked before stop(), nothing of after it', async () => {
    const hook = await startWebhook();
    const { analytics } = create({ uri: mongo.database().uri, webhookUrl: hook.url });
    analytics.track('before', 'u');
    const stopped = analytics.stop();
    analytics.track('after', 'u');
    await stopped;
    assert.deepStrictEqual(
      hook.requests.map(({ text }) => JSON.parse(text).event),
      ['before'],
    );
    await hook.close();
  });
});
