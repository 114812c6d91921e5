// What the events of a game are to GameAnalytics.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, delivered, faults, forwardTo, numbersOf, range, waitFor } = require('./setup');

/** `[event, data, what is told of it]` */
const FACTS = {
  'an amount that is earned': [
    'credits.earn',
    { amount: 120, reason: 'quest', item: 'chest 1' },
    { category: 'resource', event_id: 'Source:credits:quest:chest 1', amount: 120 },
  ],
  'an amount that is spent': [
    'gems.spend',
    { amount: '2.5', on: 'shop/weapons' },
    { category: 'resource', event_id: 'Sink:gems:shop_weapons:unknown', amount: -2.5 },
  ],
  'a payment': [
    'stripe.payment',
    { amountCents: 499, currency: 'eur', sku: 'starter.pack' },
    { category: 'business', event_id: 'purchase:starter.pack', amount: 499, currency: 'EUR' },
  ],
  'a payment without a currency': [
    'stripe.payment',
    { amountCents: 499 },
    { category: 'business', event_id: 'purchase:stripe.payment', amount: 499, currency: 'USD' },
  ],
  'any other event': [
    'dungeon.complete',
    { value: 7, floor: 'säule', won: true, loot: [1] },
    { category: 'design', event_id: 'dungeon:complete', value: 7 },
  ],
};

describe('GameAnalytics', { concurrency: true }, () => {
  for (const [what, [event, data, expected]] of Object.entries(FACTS)) {
    it(`gets ${what}`, async () => {
      const { receiver, analytics } = await forwardTo('gameanalytics');
      analytics.track(event, 'ann', data);
      await delivered(analytics);
      assert.deepStrictEqual(receiver.violations, []);
      const [{ fact, user }] = receiver.taken;
      const told = Object.fromEntries(Object.keys(expected).map((key) => [key, fact[key]]));
      assert.deepStrictEqual([told, user], [expected, 'ann']);
    });
  }

  it('gets the plain fields of data', async () => {
    const { receiver, analytics } = await forwardTo('gameanalytics');
    const data = { floor: 'säule', won: true, n: 1e21, none: null, loot: [1], 'a.b': 1 };
    analytics.track('dungeon.complete', 'ann', data);
    await delivered(analytics);
    const { fact } = receiver.taken[0];
    assert.deepStrictEqual(fact.custom_fields, { floor: 'säule', won: 'true', n: 1e21 });
  });

  it('is told the device that the options name', async () => {
    const given = { device: 'arcade', platform: 'windows', os_version: 'windows 11.0' };
    const { receiver, analytics } = await forwardTo('gameanalytics', given);
    analytics.track('quest.done', 'ann', {});
    await delivered(analytics);
    const { device, platform, os_version } = receiver.taken[0].fact;
    assert.deepStrictEqual({ device, platform, os_version }, given);
  });

  it('refuses an event alone, and the others are not sent again', async () => {
    const given = { platform: 'toaster', requestTimeoutMs: 20_000 };
    const { receiver, analytics, health } = await forwardTo('gameanalytics', given);
    for (const n of range(3)) analytics.track('quest.done', 'ann', { n });
    await delivered(analytics);
    assert.strictEqual(receiver.requests.length, 1);
    assert.deepStrictEqual([health().sent, health().refused], [0, 3]);
    assert.match(health().lastError.message, /invalid \/(os_version|platform)/);
  });

  it('gets the same bytes signed in each attempt', async () => {
    const { receiver, analytics, health } = await forwardTo('gameanalytics');
    receiver.fail(faults.status(500), faults.loseAnswer);
    for (const n of range(100)) analytics.track('quest.done', `u${n}`, { n });
    await delivered(analytics);
    assert.deepStrictEqual(numbersOf(receiver), range(100));
    assert.strictEqual(receiver.distinct.length, 100);
    assert.strictEqual(health().refused, 0);
  });

  it('is asked again when it does not know the keys', async () => {
    const given = { secretKey: 'another secret key' };
    const { receiver, analytics, health } = await forwardTo('gameanalytics', given);
    analytics.track('quest.done', 'ann', {});
    await waitFor(() => health().retried > 0, { what: 'another attempt' });
    assert.match(health().lastError.message, /401/);
    assert.deepStrictEqual(receiver.taken, []);
    analytics.stop();
  });

  for (const [field, value] of [
    ['gameKey', 'a/b'],
    ['secretKey', ''],
    ['device', 'x'.repeat(33)],
    ['platform', 'mac os'],
    ['os_version', 'windows 10'],
    ['os_version', 'linux 1.2.3.4'],
  ]) {
    it(`is not configured with the ${field} ${value.slice(0, 20)}`, () => {
      const to = { format: 'gameanalytics', gameKey: 'k', secretKey: 's', [field]: value };
      const message = new RegExp(`destinations\\[0\\]\\.${field}: must be`);
      assert.throws(() => create({ destinations: [to] }), { name: 'TypeError', message });
    });
  }
});
