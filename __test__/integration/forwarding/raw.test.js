// The raw webhook when things go wrong: the order of each user, the connections, what a request holds.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { generator } = require('../../support/random');
const setup = require('./setup');

const { delivered, faults, forwardTo, range, waitFor } = setup;

const USERS = 12;
const PER_USER = 30;

describe('the raw webhook', { concurrency: true }, () => {
  it('gets the events of each user in their order, whatever happens to the requests', async () => {
    const { receiver, analytics, health } = await forwardTo('raw', { requestTimeoutMs: 150 });
    const random = generator(7);
    const all = [faults.status(500), faults.status(429), faults.reset, faults.hang];
    all.push(faults.loseAnswer, faults.garbage);
    receiver.failAlways((context) => {
      const fault = random() < 0.15 ? all[Math.floor(random() * all.length)] : undefined;
      if (fault) fault(context);
      else context.behave();
    });
    for (const n of range(USERS * PER_USER)) {
      analytics.track('quest.done', `u${n % USERS}`, { n });
    }
    await delivered(analytics);
    assert.strictEqual(health().sent, USERS * PER_USER);
    for (const user of range(USERS)) {
      const ofUser = receiver.distinct.filter((event) => event.user === `u${user}`);
      const numbers = ofUser.map(({ data }) => data.n);
      assert.deepStrictEqual(
        numbers,
        range(PER_USER).map((k) => k * USERS + user),
      );
    }
    assert.ok(health().retried > 10, `${health().retried} retried`);
  });

  it('is sent to over four connections at most, which are kept', async () => {
    const { receiver, analytics, health } = await forwardTo('raw');
    let [underWay, most] = [0, 0];
    receiver.failAlways(({ behave }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      setTimeout(() => {
        underWay -= 1;
        behave();
      }, 3);
    });
    for (const n of range(200)) analytics.track('quest.done', `u${n}`, { n });
    await delivered(analytics);
    assert.strictEqual(health().sent, 200);
    assert.deepStrictEqual([most, receiver.sockets.size], [4, 4]);
  });

  it('gets the same bytes in every attempt', async () => {
    const { receiver, analytics } = await forwardTo('raw');
    receiver.fail(faults.status(500), faults.loseAnswer);
    const data = { a: 1e21, empty: {}, text: 'ü"\ud800' };
    analytics.track('quest.done', 'u', data);
    await delivered(analytics);
    const texts = receiver.requests.map(({ text }) => text);
    const { ts } = JSON.parse(texts[0]);
    const body = JSON.stringify({ event: 'quest.done', userId: 'u', data, ts });
    assert.deepStrictEqual(texts, [body, body, body]);
    const types = receiver.requests.map(({ headers }) => headers['content-type']);
    assert.deepStrictEqual([...new Set(types)], ['application/json']);
  });

  it('that is dead is probed by one request at a time, and gets everything when it is back', async () => {
    const { receiver, analytics, health } = await forwardTo('raw', { maxRetryDelayMs: 200 });
    receiver.failAlways(faults.status(500));
    for (const n of range(40)) analytics.track('quest.done', `u${n}`, { n });
    await waitFor(() => health().circuit === 'open', { what: 'the circuit to open' });
    const { length } = receiver.requests;
    // Those that were under way when it opened come beside each other.
    const underWay = 3;
    await receiver.waitForRequests(length + underWay + 4);
    const at = receiver.requests.slice(length + underWay).map(({ atMs }) => atMs);
    const pauses = at.slice(1).map((ms, n) => ms - at[n]);
    assert.ok(Math.min(...pauses) >= 1, `${pauses}`);
    assert.ok(health().oldestWaitingMs > 0);
    receiver.failAlways(undefined);
    await waitFor(() => health().sent === 40, { what: 'everything' });
    assert.strictEqual(health().circuit, 'closed');
  });

  it('is believed by the head of its answer, and no more than 64 KiB of the rest is read', async () => {
    const { receiver, analytics, health } = await forwardTo('raw', { requestTimeoutMs: 3_000 });
    receiver.fail(faults.endless, faults.neverEnding);
    for (const n of range(2)) analytics.track('quest.done', 'u', { n });
    await delivered(analytics);
    assert.deepStrictEqual([health().sent, health().retried], [2, 1]);
    const [first, second, third] = receiver.requests.map(({ atMs }) => atMs);
    assert.ok(second - first < 2_500, `${second - first} ms for an answer without end`);
    // The deadline runs from the sending, and the receiver may have seen it later.
    assert.ok(third - second >= 2_000, `${third - second} ms for one that never ends`);
  });

  it('refuses an event for good, and goes on with the next', async () => {
    const { receiver, analytics, health } = await forwardTo('raw');
    receiver.fail(faults.status(400), faults.status(413), faults.status(422));
    for (const n of range(10)) analytics.track('quest.done', 'u', { n });
    await delivered(analytics);
    assert.deepStrictEqual(
      receiver.taken.map(({ data }) => data.n),
      range(10).slice(3),
    );
    assert.deepStrictEqual([health().sent, health().refused, health().retried], [7, 3, 0]);
  });
});
