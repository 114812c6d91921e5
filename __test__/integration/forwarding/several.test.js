// Several destinations at once, one out of the environment, and what nobody may see.
'use strict';

const assert = require('node:assert');
const util = require('node:util');
const { afterEach, describe, it } = require('node:test');
const { runProgram } = require('../../support/setup');
const setup = require('./setup');

const { NOBODY, QUICK, RECEIVERS, create, delivered, faults, forwardTo, numbersOf } = setup;
const { startReceiver, trackNumbers, waitFor } = setup;

const mongo = setup.useMongod();
const FORMATS = Object.keys(RECEIVERS);

describe('several destinations', { concurrency: true }, () => {
  it('get what their lists of names say, and each event under one id', async () => {
    const lists = { raw: {}, mixpanel: { allow: ['a', 'b'] }, segment: { deny: ['a'] } };
    lists.posthog = { allow: ['a', 'b'], deny: ['b'] };
    const receivers = {};
    for (const format of FORMATS) receivers[format] = await startReceiver(format);
    const { analytics } = create({
      uri: NOBODY,
      webhookUrl: `${receivers.raw.url}/hook`,
      destinations: FORMATS.slice(1).map((format) => {
        return { ...RECEIVERS[format].at(receivers[format]), ...lists[format] };
      }),
    });
    for (const event of ['a', 'b', 'c']) analytics.track(event, 'u', { n: 1 });
    await delivered(analytics, 1);
    const got = Object.entries(receivers).map(([format, { taken }]) => {
      return [format, taken.map(({ event }) => event).join('')];
    });
    assert.deepStrictEqual(Object.fromEntries(got), {
      ...{ raw: 'abc', mixpanel: 'ab', segment: 'bc', posthog: 'a', amplitude: 'abc' },
      gameanalytics: 'abc',
    });
    const ids = (format, event) => receivers[format].taken.find((one) => one.event === event).id;
    assert.strictEqual(ids('mixpanel', 'a'), ids('posthog', 'a'));
    assert.strictEqual(ids('mixpanel', 'b'), ids('segment', 'b'));
    const { destinations } = analytics.getHealth();
    assert.deepStrictEqual(
      destinations.map(({ name, format, sent }) => [name, format, sent]),
      [
        ['webhook', 'raw', 3],
        ...[
          ['mixpanel', 'mixpanel', 2],
          ['segment', 'segment', 2],
          ['posthog', 'posthog', 1],
          ['amplitude', 'amplitude', 3],
          ['gameanalytics', 'gameanalytics', 3],
        ],
      ],
    );
  });

  it('may be two of one format, by their names', async () => {
    const receivers = [await startReceiver('raw'), await startReceiver('raw')];
    const [first, second] = receivers.map(RECEIVERS.raw.at);
    const twice = { uri: NOBODY, destinations: [first, second] };
    assert.throws(() => create(twice), {
      name: 'TypeError',
      message: /^destinations\[1\]\.name: /,
    });
    const destinations = [first, { ...second, name: 'second' }];
    const { analytics } = create({ uri: NOBODY, destinations });
    trackNumbers(analytics, 3);
    await delivered(analytics);
    for (const receiver of receivers) assert.strictEqual(receiver.taken.length, 3);
  });
});

describe('the environment', () => {
  afterEach(() => {
    for (const name of Object.keys(process.env)) {
      if (name.startsWith('ANALYTICS_WEBHOOK_')) delete process.env[name];
    }
  });

  for (const [format, token] of [
    ['mixpanel', 'mixpanel-token'],
    ['segment', 'segment-key'],
    ['posthog', 'posthog-key'],
    ['amplitude', 'amplitude-key'],
    ['gameanalytics', 'game-key-of-the-game:secret-key-of-the-game'],
    ['raw', undefined],
  ]) {
    it(`makes one destination: ${format}`, async () => {
      const receiver = await startReceiver(format);
      process.env.ANALYTICS_WEBHOOK_FORMAT = format;
      process.env.ANALYTICS_WEBHOOK_URL = receiver.url;
      if (token) process.env.ANALYTICS_WEBHOOK_TOKEN = token;
      process.env.ANALYTICS_WEBHOOK_ALLOW = 'quest.done, other';
      const { analytics } = create({ uri: NOBODY });
      trackNumbers(analytics, 3);
      trackNumbers(analytics, 3, 'not.allowed');
      await delivered(analytics, 3);
      assert.deepStrictEqual(numbersOf(receiver).sort(), [0, 1, 2]);
    });
  }

  it('is not read when an option says where to', async () => {
    const receivers = [await startReceiver('raw'), await startReceiver('raw')];
    process.env.ANALYTICS_WEBHOOK_URL = receivers[0].url;
    const { analytics } = create({ uri: NOBODY, destinations: [RECEIVERS.raw.at(receivers[1])] });
    trackNumbers(analytics, 3);
    await delivered(analytics);
    assert.deepStrictEqual([receivers[0].taken.length, receivers[1].taken.length], [0, 3]);
  });
});

describe('secrets', { concurrency: true }, () => {
  const SECRET = /hunter2|s3cret/;
  const WITH_SECRETS = {
    raw: ({ url }) => ({ url: `${url.replace('//', '//someone:hunter2@')}/hook?token=s3cret` }),
    mixpanel: ({ url }) => ({ url, username: 'hunter2', secret: 's3cret', projectId: 5 }),
    segment: ({ url }) => ({ url, writeKey: 'hunter2' }),
    posthog: ({ url }) => ({ url, apiKey: 'hunter2' }),
    amplitude: ({ url }) => ({ url, apiKey: 'hunter2' }),
    gameanalytics: ({ url }) => ({ url, gameKey: 'hunter2', secretKey: 's3cret' }),
  };
  const QUOTING = faults.status(400, {
    body: JSON.stringify({ failed_records: [{ index: 0, field: 'hunter2', message: 's3cret' }] }),
  });

  for (const format of FORMATS) {
    it(`appear in no line, error or report: ${format}`, async () => {
      const receiver = await startReceiver(format);
      receiver.failAlways(faults.reset);
      receiver.fail(faults.status(500), QUOTING, faults.garbage, faults.hang);
      const to = { format, ...WITH_SECRETS[format](receiver), ...QUICK, requestTimeoutMs: 100 };
      const { analytics, lines } = create({ uri: NOBODY, destinations: [to] });
      trackNumbers(analytics, 2);
      analytics.start();
      await receiver.waitForRequests(2);
      // Mixpanel's answer has settled the first two.
      trackNumbers(analytics, 2);
      await receiver.waitForRequests(6);
      await analytics.stop();
      const seen = [...lines, JSON.stringify(analytics.getHealth())];
      seen.push(util.inspect(analytics, { depth: 10, showHidden: true }));
      for (const text of seen) assert.doesNotMatch(text, SECRET);
    });

    it(`appear in no error about a bad option: ${format}`, () => {
      const to = { format, ...WITH_SECRETS[format]({ url: 'http://h' }) };
      for (const wrong of [{ maxAgeMs: 'x' }, { hunter: 5 }, { url: 'ftp://u:hunter2@h/s3cret' }]) {
        assert.throws(
          () => create({ destinations: [{ ...to, ...wrong }] }),
          (error) => !SECRET.test(util.inspect(error, { showHidden: true })),
        );
      }
    });
  }
});

describe('the end of the process', () => {
  for (const format of FORMATS) {
    it(`sends what waits, batches too: ${format}`, async () => {
      const receiver = await startReceiver(format);
      const given = { uri: mongo.database().uri, destination: RECEIVERS[format].at(receiver) };
      const { stderr } = await runProgram(
        ({ uri, destination }) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ uri, destinations: [destination] });
          for (let n = 0; n < 25; n++) analytics.track('quest.done', 'u', { n });
          process.exit(0);
        },
        { given },
      );
      assert.strictEqual(stderr, '');
      assert.strictEqual(receiver.distinct.length, 25);
    });
  }
});

describe('the pauses', () => {
  it('end when stop() is called, and begin anew', async () => {
    const { receiver, analytics, health } = await forwardTo('raw', {
      ...{ minRetryDelayMs: 600_000, maxRetryDelayMs: 600_000 },
    });
    receiver.fail(faults.status(500));
    analytics.track('quest.done', 'u', { n: 1 });
    await waitFor(() => health().retried === 1, { what: 'the first failure' });
    await delivered(analytics);
    assert.strictEqual(health().sent, 1);
  });
});
