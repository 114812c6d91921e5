// Signed webhooks, as the reference library of Standard Webhooks verifies them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { Webhook, WebhookVerificationError } = require('standardwebhooks');
const { create, delivered, faults, forwardTo } = require('./setup');

const secretOf = (byte, bytes = 32) => `whsec_${Buffer.alloc(bytes, byte).toString('base64')}`;
const [OLD, NEW, OTHER] = [1, 2, 3].map((byte) => secretOf(byte));

/** What the library makes of the request; it throws if the signature is not that of the secret. */
const verified = (secret, { body, headers }) => new Webhook(secret).verify(body, headers);

describe('a webhook with signing secrets', { concurrency: true }, () => {
  it('is verified with each of them and with no other, and its body stays what it is', async () => {
    const signed = await forwardTo('raw', { signingSecrets: [OLD, NEW] });
    const plain = await forwardTo('raw');
    const data = { text: '💰 "ü"\u2028', big: 1e21, n: [1, { a: {} }] };
    for (const { analytics } of [signed, plain]) analytics.track('quest.done', 'ann', data);
    for (const { analytics } of [signed, plain]) await delivered(analytics);
    const [request] = signed.receiver.requests;
    const [unsigned] = plain.receiver.requests;
    const expected = JSON.parse(request.text);
    assert.deepStrictEqual({ ...expected, ts: '' }, { ...JSON.parse(unsigned.text), ts: '' });
    for (const secret of [OLD, NEW]) assert.deepStrictEqual(verified(secret, request), expected);
    assert.throws(() => verified(OTHER, request), WebhookVerificationError);
    const changed = { ...request, body: request.text.replace('ann', 'bob') };
    assert.throws(() => verified(NEW, changed), WebhookVerificationError);
    const names = (headers) => Object.keys(headers).filter((name) => name.startsWith('webhook-'));
    assert.strictEqual(names(request.headers).length, 3);
    assert.deepStrictEqual(names(unsigned.headers), []);
  });

  it('has one id in every attempt, and each attempt is signed with its time', async () => {
    const { receiver, analytics } = await forwardTo('raw', {
      ...{ signingSecrets: [NEW], minRetryDelayMs: 2_000, maxRetryDelayMs: 2_000 },
    });
    receiver.fail(faults.status(503), faults.status(503));
    analytics.track('quest.done', 'ann', { n: 1 });
    analytics.track('quest.done', 'ann', { n: 2 });
    await receiver.waitForRequests(4, 20_000);
    for (const request of receiver.requests) verified(NEW, request);
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
    assert.deepStrictEqual(ids.slice(0, 3), [ids[0], ids[0], ids[0]]);
    assert.notStrictEqual(ids[3], ids[0]);
    const times = receiver.requests.map(({ headers }) => Number(headers['webhook-timestamp']));
    const [first, , third] = receiver.requests.map(({ atMs }) => atMs / 1_000);
    assert.ok(Math.abs(times[2] - times[0] - (third - first)) <= 1.5, `${times}`);
    await delivered(analytics);
  });

  it('takes keys of 24 to 64 bytes', async () => {
    const signingSecrets = [secretOf(4, 24), secretOf(5, 64)];
    const { receiver, analytics } = await forwardTo('raw', { signingSecrets });
    analytics.track('quest.done', 'ann', {});
    await delivered(analytics);
    for (const secret of signingSecrets) verified(secret, receiver.requests[0]);
  });

  it('shows none of them where the service quotes it', async () => {
    const { receiver, analytics, lines, health } = await forwardTo('raw', {
      signingSecrets: [NEW],
    });
    receiver.fail(({ response }) => response.socket.end(`HTTP/1.1 ${NEW}\r\n\r\n`));
    analytics.track('quest.done', 'ann', {});
    await delivered(analytics);
    const shown = JSON.stringify([lines, health()]);
    assert.ok(!shown.includes(NEW.slice(6)), shown);
  });
});

describe('signing secrets that no library would take', () => {
  for (const [what, signingSecrets] of [
    ['a text alone', NEW],
    ['none', []],
    ['three', [OLD, NEW, OTHER]],
    ['one without its prefix', [NEW.slice(6)]],
    ['one that is no Base64', ['whsec_***']],
    ['one of 23 bytes', [secretOf(1, 23)]],
    ['one of 65 bytes', [secretOf(1, 65)]],
  ]) {
    it(`are refused: ${what}`, () => {
      const destinations = [{ url: 'http://127.0.0.1:9/', signingSecrets }];
      assert.throws(() => create({ destinations }), {
        name: 'TypeError',
        message: /destinations\[0\]\.signingSecrets: must be a list of one or two texts/,
      });
    });
  }
});
