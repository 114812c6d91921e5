/** A purchase becomes a frame with its price; what is none is told. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { staged } = require('./stage-support.js');

test('a purchase has its price behind the elements, and no other event has one', () => {
  const both = { forwarding: true };
  const { frame, warnings } = staged('stripe.payment', 'u', { cents: -5, currency: 'EUR' }, both);
  assert.deepEqual([frame.number, frame.price, warnings], [-5, [-5, 'EUR'], []]);
  assert.deepEqual(JSON.parse(frame.body).data, { cents: -5, currency: 'EUR' });
  const uncounted = staged('steam.buy', 'u', { paid: '0.5', currency: 'EUR' }).frame;
  assert.deepEqual([uncounted.counter, uncounted.price], [0, [0.5, 'USD']]);
  for (const data of [undefined, null, {}]) {
    assert.deepEqual(staged('stripe.payment', 'u', data).frame.price, [0, 'USD']);
  }
  assert.equal(staged('credits.earn', 'u', { amount: 5, currency: 'EUR' }).frame.price, undefined);
  const unnamed = staged(Symbol('x'), 'u', {}, both);
  assert.equal(unnamed.frame?.price, undefined);
});

test('a currency may be in small letters, as Stripe sends it', () => {
  for (const currency of ['eur', 'Eur', 'EUR']) {
    const { frame, warnings } = staged('stripe.payment', 'u', { cents: 1, currency });
    assert.deepEqual([frame.price, warnings], [[1, 'EUR'], []]);
  }
});

test('what is no currency or amount of a purchase is told, and the event kept', () => {
  for (const currency of ['eu', 'EURO', 'EUR\n', 'ſek', 'e u', '', 5, ['EUR'], {}]) {
    const { frame, warnings } = staged('stripe.payment', 'u', { cents: 1, currency });
    assert.deepEqual([frame.price, warnings], [[1, '\0\0\0'], ['invalid_currency']]);
  }
  const { frame, warnings } = staged('stripe.payment', 'u', { cents: 'x', currency: 1 });
  assert.deepEqual(frame.price, [0, '\0\0\0']);
  assert.deepEqual(warnings, ['invalid_amount', 'invalid_currency']);
});
