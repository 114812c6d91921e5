// Hosts whose tests fake the clock with Jest, by its modern and by its legacy timers, before or after
// they load the addon.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { makeHost, write } = require('./folder');
const { CONFIGURATION, CONNECT, runJest } = require('./jest-run');

const mongo = useMongod();
const cwd = makeHost({ mongoose: 'mongoose8' });

/** In the future: events of the past expire. */
const NOW = Date.UTC(2040, 1, 28, 23, 59, 30);
const MINUTE = 60_000;

/**
 * `FAKE`, `ORDER` and `NAME` stand for what differs between the files. The host connects before it
 * fakes nextTick and queueMicrotask: its driver needs them for that, and nobody would advance them.
 * Where the timers are faked first of all, these are left out.
 */
const SHARED = `
  const { connect } = require('./host');
  const real = { setTimeout };
  const fake = () => jest.useFakeTimers(FAKE);
  jest.spyOn(console, 'log').mockImplementation();
  const warned = ['warn', 'error'].map((name) => jest.spyOn(console, name));

  let mongoose;
  let AnalyticsSystem;
  beforeEach(async () => {
    jest.useRealTimers();
    jest.resetModules();
    if ('ORDER' === 'first') fake();
    mongoose = require('mongoose');
    await connect(mongoose, 'NAME');
    if ('ORDER' === 'before') fake();
    AnalyticsSystem = require('./AnalyticsSystem');
    if ('ORDER' === 'after') fake();
  });
  afterEach(async () => {
    jest.useRealTimers();
    // disconnect() waits by a timer that mongoose took when it was loaded.
    await mongoose.connection.getClient().close();
    for (const spy of warned) expect(spy).not.toHaveBeenCalled();
  });`;

const KEEPS_NOTHING_BACK = `
  test('nothing waits for a time that nobody advances', async () => {
    const analytics = new AnalyticsSystem();
    analytics.start();
    analytics.track('dungeon.complete', 'u');
    await analytics.onLogin('u', 'name');
    await analytics.flush();
    const { today, dau } = await analytics.getMetrics();
    expect([today.dungeonsRun, dau]).toEqual([1, 1]);
    expect(today._id).toBeInstanceOf(mongoose.Types.ObjectId);
    await analytics.onLogout('u');
    expect(await analytics.getLast30Days()).toHaveLength(1);
    await analytics.stop();
  });`;

const FLUSHES = `
  test('advancing the timers over the interval writes the totals', async () => {
    const analytics = new AnalyticsSystem({ flushIntervalMs: ${MINUTE} });
    analytics.start();
    analytics.track('craft.complete', 'u');
    jest.advanceTimersByTime(${MINUTE});
    jest.useRealTimers();
    const total = async () =>
      (await mongoose.model('GSODaily').findOne({ craftsCompleted: 1 })) !== null;
    // Far less than the interval takes in real time.
    const deadline = performance.now() + 15_000;
    while (!(await total()) && performance.now() < deadline) {
      await new Promise((resolve) => real.setTimeout(resolve, 20));
    }
    expect(await total()).toBe(true);
    await analytics.stop();
  });`;

const FOLLOWS_DATES = `
  test('days and times are those of the fake clock', async () => {
    const analytics = new AnalyticsSystem();
    jest.setSystemTime(${NOW});
    analytics.track('raid.complete', 'u');
    await analytics.onLogin('u', 'name');
    expect((await analytics.getMetrics()).today.day).toBe('2040-02-28');
    jest.setSystemTime(${NOW + MINUTE});
    analytics.track('raid.complete', 'u');
    await analytics.onLogout('u');
    await analytics.flush();
    expect((await analytics.getMetrics()).today.day).toBe('2040-02-29');
    await analytics.stop();
  });`;

const NEVER_STOPS = `
  test('start() without stop()', async () => {
    const analytics = new AnalyticsSystem();
    analytics.start();
    await analytics.onLogin('u', 'name');
  });`;

const MODERN = [KEEPS_NOTHING_BACK, FLUSHES, FOLLOWS_DATES];
/** These timers leave Date alone. */
const LEGACY = [KEEPS_NOTHING_BACK, FLUSHES];
const NEEDED = `{ doNotFake: ['nextTick', 'queueMicrotask'] }`;

const FILES = [
  { name: 'modern_first', order: 'first', fake: NEEDED, tests: MODERN },
  { name: 'modern_before', order: 'before', fake: '{}', tests: MODERN },
  { name: 'modern_after', order: 'after', fake: '{}', tests: MODERN },
  { name: 'legacy_before', order: 'before', fake: '{ legacyFakeTimers: true }', tests: LEGACY },
  { name: 'legacy_after', order: 'after', fake: '{ legacyFakeTimers: true }', tests: LEGACY },
];
const UNSTOPPED = { name: 'unstopped', order: 'before', fake: '{}', tests: [NEVER_STOPS] };

function textOf({ name, order, fake, tests }) {
  const shared = SHARED.replace('FAKE', fake).replaceAll('ORDER', order).replace('NAME', name);
  return [shared, ...tests].join('\n');
}

describe('timers faked by Jest', () => {
  write(cwd, {
    'jest.config.json': CONFIGURATION,
    'host.js': CONNECT,
    ...Object.fromEntries(FILES.map((file) => [`clocks/${file.name}.test.js`, textOf(file)])),
    'unstopped/unstopped.test.js': textOf(UNSTOPPED),
  });

  it('keep nothing back, count as the interval of the totals and give the days', async () => {
    const databases = Object.fromEntries(FILES.map(({ name }) => [name, mongo.database()]));
    const ran = await runJest(cwd, 'clocks', databases);
    assert.deepStrictEqual(ran, { tests: 13, files: 5 });
    for (const { name, tests } of FILES) {
      if (tests.includes(FOLLOWS_DATES)) await assertDated(databases[name]);
    }
  });

  it('let Jest end without stop(), since no time of theirs keeps a process alive', async () => {
    const databases = { unstopped: mongo.database() };
    const ran = await runJest(cwd, 'unstopped', databases, { timeoutMs: 12_000 });
    assert.deepStrictEqual(ran, { tests: 1, files: 1 });
  });
});

async function assertDated(database) {
  const days = async () => {
    const totals = await database.days({ raidBattles: 1 });
    return totals.length === 2 && totals.map(({ day }) => day);
  };
  assert.deepStrictEqual((await waitFor(days, { what: 'both days' })).sort(), [
    '2040-02-28',
    '2040-02-29',
  ]);
  const raids = await database.events({ event: 'raid.complete' });
  assert.deepStrictEqual(
    raids.map(({ ts }) => +ts),
    [NOW, NOW + MINUTE],
  );
}
