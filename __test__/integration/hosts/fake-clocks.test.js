// Hosts whose tests fake the clock with Sinon: nothing waits for a time that does not pass, days and
// times are those of the fake clock, and the interval of the totals is over when theirs is.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, startProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { makeFolder, write } = require('./folder');

const mongo = useMongod();

/** In the future: events of the past expire. */
const NOW = Date.UTC(2040, 1, 28, 23, 59, 30);
const MINUTE = 60_000;

const EVERYTHING = [
  ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate'],
  ...['clearImmediate', 'Date', 'hrtime', 'performance', 'nextTick', 'queueMicrotask', 'Intl'],
];
/** The driver, while it connects, waits for these, which nobody would advance. */
const DRIVER_NEEDS = ['nextTick', 'queueMicrotask'];
const FOR_DRIVER = EVERYTHING.filter((name) => !DRIVER_NEEDS.includes(name));

const CELLS = [
  { order: ['fakes', 'mongoose', 'addon'], toFake: FOR_DRIVER },
  { order: ['mongoose', 'fakes', 'addon'], toFake: EVERYTHING },
  { order: ['mongoose', 'addon', 'fakes'], toFake: EVERYTHING },
  // With options.uri there is no driver of the host that could hang.
  { order: ['fakes', 'addon'], toFake: EVERYTHING },
  { order: ['addon', 'fakes'], toFake: EVERYTHING },
];

/** Steps that the programs below share; they run in the host. */
const LOAD = `
  const loaded = {};
  const load = {
    // The driver has timers of its own from before.
    fakes: () =>
      require('sinon').useFakeTimers({
        now: given.now,
        toFake: given.toFake,
        shouldClearNativeTimers: true,
      }),
    addon: () => require('.'),
    mongoose: async () => {
      const mongoose = require('mongoose');
      await mongoose.connect(given.uri);
      return mongoose;
    },
  };
  for (const name of given.order) loaded[name] = await load[name]();
  const { mongoose, fakes: clock, addon: AnalyticsSystem } = loaded;
  const options = mongoose ? {} : { uri: given.uri };
  const unload = async () => {
    clock.restore();
    if (mongoose) await mongoose.disconnect();
  };`;

const PLAY_OVER_MIDNIGHT = `async (given, report) => {${LOAD}
  const analytics = new AnalyticsSystem(options);
  analytics.start();
  analytics.track('dungeon.complete', 'u', { at: new Date() });
  await analytics.onLogin('u', 'name');
  await analytics.flush();
  const { today } = await analytics.getMetrics();
  clock.tick(given.later);
  analytics.track('dungeon.complete', 'u', { at: new Date() });
  await analytics.onLogout('u');
  await analytics.onLogin('v', 'name');
  const { today: tomorrow, mau } = await analytics.getMetrics();
  const days = await analytics.getLast30Days();
  await analytics.stop();
  const listed = days.map(({ day, dungeonsRun }) => [day, dungeonsRun]);
  report({ seen: [today.day, today.dau, tomorrow.day, tomorrow.dau, mau], listed });
  await unload();
}`;

/** Ticks, and then ends, when the files of these names appear: messages need nextTick. */
const TICK_ONCE = `async (given) => {
  const { setInterval: every, clearInterval: never } = globalThis;
  const whenThereIs = (name, act) => {
    const timer = every(() => {
      if (!require('node:fs').existsSync(given.folder + '/' + name)) return;
      never(timer);
      act();
    }, 20);
  };
  ${LOAD}
  const analytics = new AnalyticsSystem({ ...options, flushIntervalMs: given.later });
  analytics.start();
  analytics.track('dungeon.complete', 'u');
  whenThereIs('tick', () => clock.tick(given.later));
  whenThereIs('stop', async () => {
    await analytics.stop();
    await unload();
  });
}`;

function nameOf({ order, toFake }) {
  return `${order.join(', then ')}${toFake === EVERYTHING ? '' : ' (without what the driver needs)'}`;
}

describe('a clock faked by Sinon keeps nothing back and gives days and times', () => {
  for (const cell of CELLS) {
    it(nameOf(cell), async () => {
      const database = mongo.database();
      const given = { ...cell, uri: database.uri, now: NOW, later: MINUTE };
      const { result, stderr } = await runProgram(PLAY_OVER_MIDNIGHT, { given });
      assert.strictEqual(stderr, '');
      const [first, second] = ['2040-02-28', '2040-02-29'];
      assert.deepStrictEqual(result.seen, [first, 1, second, 1, 2]);
      assert.deepStrictEqual(result.listed, [
        [second, 1],
        [first, 1],
      ]);
      await assertDated(database, [NOW, NOW + MINUTE]);
    });
  }
});

async function assertDated(database, times) {
  const events = await database.events();
  const days = times.map((time) => new Date(time).toISOString().slice(0, 10));
  assert.deepStrictEqual(
    events.map(({ ts, data, day }) => [+ts, +data.at, day]),
    times.map((time, i) => [time, time, days[i]]),
  );
  const [ended, open] = await database.sessions();
  assert.deepStrictEqual(
    [+ended.loginAt, +ended.logoutAt, ended.durationS, +open.loginAt, open.day],
    [times[0], times[1], 60, times[1], days[1]],
  );
  const stored = await database.days();
  assert.deepStrictEqual(stored.map(({ day }) => day).sort(), days);
}

describe('the interval of the totals is over when that of a clock faked by Sinon is', () => {
  for (const cell of CELLS) {
    it(nameOf(cell), async () => {
      const database = mongo.database();
      const folder = makeFolder();
      const given = { ...cell, uri: database.uri, now: NOW, later: MINUTE, folder };
      const host = startProgram(TICK_ONCE, { given });
      try {
        await waitFor(() => database.count('gsoevents'), { what: 'the event' });
        assert.deepStrictEqual(await database.days(), []);
        write(folder, { tick: '' });
        const counted = async () => (await database.days())[0]?.dungeonsRun === 1;
        await waitFor(counted, { timeoutMs: 15_000, what: 'the total' });
      } finally {
        write(folder, { stop: '' });
      }
      const { code, stderr } = await host.finished;
      assert.deepStrictEqual([code, stderr], [0, '']);
    });
  }
});
