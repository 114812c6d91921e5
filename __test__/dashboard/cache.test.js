// Answers that are kept: what viewers cost the database.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { Cache } = require('../../lib/dashboard/cache.js');

const HOUR = 3_600_000;

describe('the cache', () => {
  it('asks once for all who ask at a time, and while the answer is kept', async () => {
    const cache = new Cache();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      await nextTurn();
      return asked;
    };
    const all = await Promise.all([1, 2, 3].map(() => cache.get('a', HOUR, ask)));
    assert.deepStrictEqual([...all, await cache.get('a', HOUR, ask)], [1, 1, 1, 1]);
    assert.strictEqual(await cache.get('b', HOUR, ask), 2);
  });

  it('keeps an answer for as long as it says itself', async () => {
    const cache = new Cache();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return asked;
    };
    const lifetime = (answer) => (answer === 1 ? 0 : HOUR);
    await cache.get('a', lifetime, ask);
    assert.strictEqual(await cache.get('a', lifetime, ask), 2);
    assert.strictEqual(await cache.get('a', lifetime, ask), 2);
  });

  it('hands a failure to all who wait, and keeps it for a moment', async () => {
    const cache = new Cache();
    let asked = 0;
    const ask = async () => {
      asked += 1;
      throw new Error('away');
    };
    for (let i = 0; i < 3; i += 1) await assert.rejects(cache.get('a', HOUR, ask), /away/);
    assert.strictEqual(asked, 1);
  });
});
