// The option purchases: maps of any form are taken, or refused by name.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { AnalyticsSystem } = require('../../support/setup');

describe('the option purchases', () => {
  const make = (purchases) => new AnalyticsSystem({ logger: false, purchases });

  it('is refused by its name when it is no map of events to fields', () => {
    const cycle = { amount: 'a' };
    cycle.currency = cycle;
    const getter = {
      get amount() {
        throw new Error('no');
      },
    };
    const broken = [[], 5, 'a', true, () => {}, new Map(), /x/, new Date()];
    const fields = [
      5,
      'a',
      [],
      {},
      { amount: 5 },
      { amount: '' },
      { amount: 'a\0' },
      { currency: 'c' },
    ];
    fields.push({ amount: 'a', currency: 5 }, { amount: 'a', total: 'b' }, cycle, getter);
    fields.push({ amount: 'a'.repeat(257) }, { amount: '\ud800' }, 10n, Symbol('a'), () => 'a');
    const named = fields.map((value) => ({ 'steam.buy': value }));
    const events = [{ '\ud800': { amount: 'a' } }, { ['e'.repeat(257)]: { amount: 'a' } }];
    for (const purchases of [...broken, ...named, ...events]) {
      assert.throws(() => make(purchases), { name: 'TypeError', message: /^purchases\b.{1,300}$/ });
    }
    assert.throws(() => make({ 'steam.buy': 5 }), { message: /^purchases\["steam.buy"\]: must / });
  });

  it('of any form is refused by its name or taken', () => {
    const field = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('__proto__', 'amount', null),
    );
    const entry = fc.oneof(
      fc.record({ amount: field, currency: field }, { requiredKeys: ['amount'] }),
      fc.constantFrom(null, undefined),
      fc.anything({ withBigInt: true, withMap: true, withDate: true }),
    );
    const event = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('stripe.payment', '__proto__'),
    );
    fc.assert(
      fc.property(fc.dictionary(event, entry, { maxKeys: 5 }), (purchases) => {
        let analytics;
        try {
          analytics = make(purchases);
        } catch (error) {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, /^(purchases|options)\b/);
          return;
        }
        for (const name of Object.keys(purchases)) analytics.track(name, 'u', { amount: 1 });
        assert.deepStrictEqual(analytics.getHealth().rejected, {});
      }),
      { numRuns: Number(process.env.FUZZ_RUNS) || 200 },
    );
  });
});
