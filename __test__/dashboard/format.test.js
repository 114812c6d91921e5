// Amounts of money as the page writes them.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { pathToFileURL } = require('node:url');

const FILE = path.join(__dirname, '..', '..', 'lib', 'dashboard', 'page', 'format.mjs');

describe('money', () => {
  let money;
  before(async () => {
    ({ money } = await import(pathToFileURL(FILE).href));
  });
  const written = (...amount) => money(...amount).replace(/\s/g, ' ');

  it('is in the minor units in which payments are charged, whatever is shown elsewhere', () => {
    const amounts = {
      USD: '$12,345.00',
      JPY: '¥1,234,500',
      KWD: 'KWD 1,234.500',
      HUF: 'HUF 12,345.00',
      ISK: 'ISK 12,345.00',
      UGX: 'UGX 12,345.00',
    };
    for (const [currency, expected] of Object.entries(amounts))
      assert.strictEqual(written(1_234_500, currency), expected);
  });

  it('has digits that say something where a mean is less than a cent', () => {
    assert.deepStrictEqual(
      [0.4, 1.4, -0.04, 4, 0, 61.7].map((cents) => written(cents, 'USD')),
      ['$0.004', '$0.014', '-$0.0004', '$0.04', '$0.00', '$0.62'],
    );
  });

  it('is brief on axes, a dash where it is not known, and takes any currency', () => {
    assert.strictEqual(written(1_234_500, 'USD', { isShort: true }), '$12.3K');
    assert.strictEqual(written(250, 'USD', { isShort: true }), '$2.50');
    assert.strictEqual(money(null, 'USD'), '–');
    assert.strictEqual(written(1_234, null), '1,234 in minor units');
    assert.strictEqual(written(1_234, 'no code'), '1,234 minor units of no code');
  });
});
