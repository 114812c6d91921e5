// Whether today is normal, and what changed most.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { byDay, changesOf } = require('../../lib/dashboard/changes.js');
const { normality } = require('../../lib/dashboard/normal.js');

const noon = new Date('2026-11-30T12:00:00Z');
const flat = (players, until = 288) =>
  Array.from({ length: 288 }, (_, i) => (i < until ? players : null));
const weeks = (...players) =>
  players.map((each, i) => ({ day: `2026-11-0${i + 1}`, curve: flat(each) }));
const today = (curve) => ({ day: '2026-11-30', curve, asOf: noon, source: 'samples' });

describe('whether today is normal', () => {
  it('compares the hours that are over', () => {
    const later = flat(100).map((players, i) => (i < 144 ? players : 9_999));
    const found = normality(today(flat(104, 144)), [
      { day: '2026-11-23', curve: later },
      { day: '2026-11-16', curve: later },
    ]);
    assert.strictEqual(found.verdict, 'normal');
    assert.strictEqual(found.mean, 100);
    assert.strictEqual(found.change, 104 / 100 - 1);
    assert.deepStrictEqual(found.upTo, noon);
  });

  it('has a band of 10 % at least, and of three standard deviations', () => {
    assert.strictEqual(normality(today(flat(111)), weeks(100, 100, 100)).verdict, 'above');
    assert.strictEqual(normality(today(flat(109)), weeks(100, 100, 100)).verdict, 'normal');
    assert.strictEqual(normality(today(flat(89)), weeks(100, 100, 100)).verdict, 'below');
    const { low, high } = normality(today(flat(100)), weeks(90, 110));
    const deviation = Math.sqrt(200);
    assert.ok(
      Math.abs(high - (100 + 3 * deviation)) < 1e-9 && Math.abs(low - (100 - 3 * deviation)) < 1e-9,
    );
  });

  it('is not known of fewer than two days, or of a day of which less than half is known', () => {
    assert.strictEqual(normality(today(flat(100)), weeks(100)).verdict, 'unknown');
    const holed = { day: '2026-11-16', curve: flat(100, 60) };
    assert.strictEqual(normality(today(flat(100, 144)), [...weeks(100), holed]).verdict, 'unknown');
    assert.strictEqual(normality(today(flat(null)), weeks(100, 100)).verdict, 'unknown');
  });

  it('is not known without samples of today, or where nobody was there on any day', () => {
    const sessions = { ...today(flat(100)), source: 'sessions' };
    assert.strictEqual(normality(sessions, weeks(100, 100)).verdict, 'unknown');
    assert.strictEqual(normality(today(flat(0)), weeks(0, 0, 0)).verdict, 'unknown');
    assert.strictEqual(normality(today(flat(5)), weeks(0, 0, 0)).verdict, 'unknown');
    assert.strictEqual(normality(today(flat(0)), weeks(0, 100)).verdict, 'normal');
  });

  it('leaves out the hours of which today knows nothing', () => {
    const late = flat(50).map((players, i) => (i < 72 ? null : players));
    const days = [1, 2].map((i) => ({
      day: `2026-11-0${i}`,
      curve: flat(50).map((players, step) => (step < 72 ? 500 : players)),
    }));
    const found = normality(today(late), days);
    assert.strictEqual(found.mean, 50);
  });
});

describe('what changed most', () => {
  const figure = (name, value, ...before) => ({
    ...{ section: 'events', name, unit: 'count' },
    values: new Map([
      ['2026-11-29', value],
      ...before.map((each, i) => [
        ['2026-11-22', '2026-11-15', '2026-11-08', '2026-11-01'][i],
        each,
      ]),
    ]),
  });

  it('is told by share, largest first, ups and downs', () => {
    const found = changesOf(
      [figure('a', 110, 100, 100), figure('b', 20, 100, 100), figure('c', 150, 100, 100)],
      '2026-11-29',
    );
    assert.deepStrictEqual(
      found.map(({ name }) => name),
      ['b', 'c', 'a'],
    );
    assert.strictEqual(found[0].change, 20 / 100 - 1);
  });

  it('leaves out what is small, new or not known', () => {
    const list = [
      figure('small', 9, 3, 3),
      figure('new', 100, 0, 0),
      figure('once', 100, 50),
      figure('unknown', null, 50, 50),
    ];
    assert.deepStrictEqual(changesOf(list, '2026-11-29'), []);
  });

  it('compares no day that was reported under other options', () => {
    const rows = [
      { day: '2026-11-22', dau: 50, otherOptions: true },
      { day: '2026-11-29', dau: 5 },
    ];
    const values = byDay(rows, ({ dau }) => dau);
    assert.deepStrictEqual([...values.values()], [null, 5]);
  });
});
