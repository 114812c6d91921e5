// Whatever a receiver does, every event that it takes at all arrives, under one id and time.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const setup = require('./setup');

const { RECEIVERS, delivered, faults, forwardTo, numbersOf, range, trackNumbers } = setup;

const COUNT = 40;
const FORMATS = Object.keys(RECEIVERS);
const BATCHED = FORMATS.filter((format) => format !== 'raw');

/** By name: the faults that requests meet one after the other, and fields that are set for it. */
const PASSING = {
  'server errors': [faults.status(500), faults.status(502), faults.status(503)],
  'a request time-out of the receiver': [faults.status(408)],
  'too many requests': [faults.status(429), faults.status(425)],
  'a Retry-After that is garbage': [faults.busyFor('soon'), faults.busyFor('-1')],
  'a connection that is reset': [faults.reset, faults.reset],
  'an answer that is lost': [faults.loseAnswer, faults.loseAnswer],
  'an answer that is no HTTP': [faults.garbage],
  'an endless answer': [faults.endless],
  'no answer': [faults.hang],
  'an answer that drips': [faults.drip],
  'settings that somebody corrects': [faults.status(401), faults.status(403), faults.status(404)],
  'a redirection': [
    faults.status(301, { headers: { Location: 'http://127.0.0.1:1/' } }),
    faults.status(307, { headers: { Location: '/elsewhere' } }),
  ],
};
const SHORT = { requestTimeoutMs: 200 };
/** For tests that count requests. */
const PATIENT = { requestTimeoutMs: 20_000 };

describe('everything arrives after', { concurrency: true }, () => {
  for (const format of FORMATS) {
    for (const [name, list] of Object.entries(PASSING)) {
      it(`${name}: ${format}`, async () => {
        const { receiver, analytics, health } = await forwardTo(format, SHORT);
        receiver.fail(...list);
        trackNumbers(analytics, COUNT);
        await delivered(analytics);
        assert.deepStrictEqual(
          numbersOf(receiver).sort((a, b) => a - b),
          range(COUNT),
        );
        assertSteady(receiver);
        const { sent, retried, refused, expired, dropped } = health();
        assert.deepStrictEqual([sent, refused, expired, dropped], [COUNT, 0, 0, {}]);
        assert.ok(retried >= list.length, `${retried} retried`);
      });
    }
  }
});

/** What came twice is the same to the byte: the receiver can tell. */
function assertSteady(receiver) {
  assert.deepStrictEqual(receiver.violations, []);
  assert.strictEqual(receiver.distinct.length, COUNT, 'one id for each event');
  const first = new Map(receiver.distinct.map((event) => [event.id, event]));
  for (const event of receiver.taken) assert.deepStrictEqual(event, first.get(event.id));
}

describe('Retry-After', { concurrency: true }, () => {
  for (const format of FORMATS) {
    it(`is kept, in seconds and as a date: ${format}`, async () => {
      const { receiver, analytics } = await forwardTo(format);
      receiver.fail(faults.busyFor(1));
      analytics.track('quest.done', 'u', { n: 1 });
      // Not stop(): it would end pauses of ours, and this one is not ours.
      await receiver.waitForRequests(2);
      receiver.fail(faults.busyUntil(2_000));
      analytics.track('quest.done', 'u', { n: 2 });
      await receiver.waitForRequests(4);
      const at = receiver.requests.map(({ atMs }) => atMs);
      assert.ok(at[1] - at[0] >= 995, `${at[1] - at[0]} ms`);
      // A date has whole seconds.
      assert.ok(at[3] - at[2] >= 950, `${at[3] - at[2]} ms`);
      assert.deepStrictEqual(numbersOf(receiver), [1, 2]);
    });
  }

  it('is kept by stop() too', async () => {
    const { receiver, analytics } = await forwardTo('raw');
    receiver.fail(faults.busyFor(1));
    analytics.track('quest.done', 'u', { n: 1 });
    await receiver.waitForRequests(1);
    await delivered(analytics);
    const [first, second] = receiver.requests.map(({ atMs }) => atMs);
    assert.ok(second - first >= 995, `${second - first} ms`);
  });
});

describe('a batch', { concurrency: true }, () => {
  for (const format of BATCHED) {
    it(`that is too large is halved until it fits: ${format}`, async () => {
      const { receiver, analytics, health } = await forwardTo(format);
      receiver.failAlways(({ request, response, behave }) => {
        if (request.text.split('"n":').length <= 10) behave();
        else response.writeHead(413).end();
      });
      trackNumbers(analytics, COUNT);
      await delivered(analytics);
      assert.deepStrictEqual(numbersOf(receiver), range(COUNT));
      assert.deepStrictEqual([health().sent, health().refused], [COUNT, 0]);
    });

    it(`loses no more than the one event that is refused: ${format}`, async () => {
      const { receiver, analytics, health, lines } = await forwardTo(format);
      receiver.failAlways(({ request, response, behave }) => {
        if (request.text.includes('"n":17}') || request.text.includes('"n":17,')) {
          response.writeHead(422).end('{"error":"unprocessable"}');
        } else behave();
      });
      trackNumbers(analytics, COUNT);
      await delivered(analytics);
      const good = range(COUNT).filter((n) => n !== 17);
      assert.deepStrictEqual(numbersOf(receiver), good);
      assert.deepStrictEqual([health().sent, health().refused], [COUNT - 1, 1]);
      assert.match(health().lastError.message, /422/);
      assert.strictEqual(lines.filter((line) => line.includes('was refused')).length, 1);
    });
  }

  it('of which Mixpanel refuses some is not sent again', async () => {
    const { receiver, analytics, health } = await forwardTo('mixpanel');
    for (const n of range(COUNT)) {
      analytics.track('quest.done', n % 10 === 0 ? 'anonymous' : 'u', { n });
    }
    await delivered(analytics);
    assert.strictEqual(receiver.requests.length, 1);
    assert.deepStrictEqual(
      numbersOf(receiver),
      range(COUNT).filter((n) => n % 10 !== 0),
    );
    assert.deepStrictEqual([health().sent, health().refused], [COUNT - 4, 4]);
    assert.match(health().lastError.message, /distinct_id/);
  });
});

describe('Amplitude', { concurrency: true }, () => {
  it('is sent the others again when it lists bad events, each once', async () => {
    const { receiver, analytics, health, lines } = await forwardTo('amplitude', PATIENT);
    for (const n of range(COUNT)) {
      analytics.track('quest.done', n % 10 === 0 ? 'anonymous' : 'u', { n });
    }
    await delivered(analytics);
    assert.strictEqual(receiver.requests.length, 2);
    const good = range(COUNT).filter((n) => n % 10 !== 0);
    assert.deepStrictEqual(
      receiver.taken.map(({ data }) => data.n),
      good,
    );
    assert.deepStrictEqual([health().sent, health().refused], [COUNT - 4, 4]);
    assert.match(health().lastError.message, /user_id/);
    assert.strictEqual(lines.filter((line) => line.includes('was refused')).length, 1);
  });

  it('gets no event of a user who sends too much for half a minute, and those of others', async () => {
    const { receiver, analytics, health } = await forwardTo('amplitude', PATIENT);
    for (const n of range(1_500))
      analytics.track('quest.done', n % 15 === 0 ? 'other' : 'u', { n });
    await setup.waitFor(() => health().sent === 100, { timeoutMs: 20_000, what: 'the others' });
    assert.ok(receiver.taken.every(({ user }) => user === 'other'));
    analytics.track('quest.done', 'u', { n: 1_500 });
    analytics.track('quest.done', 'other', { n: 1_501 });
    const isThrough = () => health().sent === 1_502;
    await setup.waitFor(isThrough, { timeoutMs: 60_000, what: 'the events' });
    for (const user of ['u', 'other']) {
      const taken = receiver.taken.filter((event) => event.user === user).map(({ data }) => data.n);
      assert.deepStrictEqual(
        taken,
        taken.toSorted((one, other) => one - other),
      );
    }
    assert.strictEqual(numbersOf(receiver).length, 1_502);
    const at = (isOf) => receiver.requests.find(({ text }) => isOf(text))?.atMs;
    const [first, alone] = [at(() => true), at((text) => !text.includes('"other"'))];
    assert.ok(alone - first >= 29_000, `${alone - first} ms`);
    assert.deepStrictEqual([health().refused, health().circuit], [0, 'closed']);
    analytics.stop();
  });

  it('does not take an event that is too deep, and takes the others', async () => {
    const { receiver, analytics, health } = await forwardTo('amplitude');
    const deep = range(60).reduce((inner) => ({ inner }), {});
    for (const n of range(3)) analytics.track('quest.done', 'u', n === 1 ? { n, deep } : { n });
    await delivered(analytics);
    assert.deepStrictEqual([numbersOf(receiver), health().refused], [[0, 2], 1]);
  });
});

describe('an answer of 200 that takes nothing', { concurrency: true }, () => {
  it('for want of quota is tried again: posthog', async () => {
    const { receiver, analytics, health } = await forwardTo('posthog');
    const limited = { body: '{"status":1,"quota_limited":["events"]}' };
    receiver.fail(faults.status(200, limited), faults.status(200, limited));
    trackNumbers(analytics, COUNT);
    await delivered(analytics);
    assert.deepStrictEqual([numbersOf(receiver).length, health().sent], [COUNT, COUNT]);
  });

  for (const [format, body] of [
    ['segment', '{"success":false}'],
    ['mixpanel', '{"code":200,"num_records_imported":0,"status":"OK"}'],
  ]) {
    it(`is a refusal: ${format}`, async () => {
      const { receiver, analytics, health } = await forwardTo(format);
      receiver.failAlways(({ request, response, behave }) => {
        if (/"n":17[,}]/.test(request.text)) response.writeHead(200).end(body);
        else behave();
      });
      trackNumbers(analytics, COUNT);
      await delivered(analytics);
      assert.deepStrictEqual([health().sent, health().refused], [COUNT - 1, 1]);
      assert.strictEqual(numbersOf(receiver).length, COUNT - 1);
    });
  }
});

describe('410', { concurrency: true }, () => {
  for (const format of ['raw', 'mixpanel', 'posthog']) {
    it(`ends the destination: ${format}`, async () => {
      const { receiver, analytics, health, lines } = await forwardTo(format);
      receiver.failAlways(faults.status(410));
      trackNumbers(analytics, COUNT);
      analytics.start();
      await setup.waitFor(() => health().circuit === 'disabled');
      trackNumbers(analytics, COUNT);
      await delivered(analytics);
      // One request of each partition may have been under way.
      const partitions = format === 'raw' ? 4 : 1;
      assert.ok(receiver.requests.length <= partitions, `${receiver.requests.length} requests`);
      assert.deepStrictEqual(health().dropped, { disabled: 2 * COUNT });
      const about410 = () => lines.filter((line) => line.includes('410'));
      // A line reaches the host's thread on its own way.
      await setup.waitFor(() => about410().length > 0, { what: 'a line about 410' });
      assert.strictEqual(about410().length, 1);
    });
  }

  it('is tried again at Segment, whose documentation says so', async () => {
    const { receiver, analytics, health } = await forwardTo('segment');
    receiver.fail(faults.status(410), faults.status(460));
    trackNumbers(analytics, COUNT);
    await delivered(analytics);
    assert.strictEqual(health().sent, COUNT);
  });
});
