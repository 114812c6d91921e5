// The addon in worker threads: loaded in any order, with settings and a mongoose of each thread's own.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Tracks and stops; runs inside a worker. */
function tracksAndStops(given) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
  analytics.start();
  for (let i = 0; i < 10; i++) analytics.track('craft.complete', 'u');
  analytics.onLogin('worker').then(() => analytics.stop());
}

async function assertDay(database, { crafts, dungeons = 0, dau }) {
  const [day] = await database.days();
  assert.deepStrictEqual([day.craftsCompleted, day.dungeonsRun, day.dau], [crafts, dungeons, dau]);
  assert.strictEqual(await database.count('gsoevents'), crafts + dungeons);
}

describe('the addon loads', { concurrency: 2 }, () => {
  /** What the main thread does before and after its workers; each runs in a process of its own. */
  const ORDERS = {
    'in the main thread, then in workers': { first: true, later: false },
    'in workers, then in the main thread': { first: false, later: true },
    'in workers only': { first: false, later: false },
  };

  for (const [how, order] of Object.entries(ORDERS)) {
    it(how, async () => {
      const database = mongo.database();
      const { stderr } = await runProgram(
        async (given) => {
          const { startWorker } = require('./__test__/support/inside');
          const track = () => {
            const AnalyticsSystem = require('.');
            const analytics = new AnalyticsSystem({ uri: given.uri });
            analytics.track('dungeon.complete', 'u');
            return () => analytics.stop();
          };
          const stop = given.first && track();
          const workers = [1, 2].map(() => startWorker(given.program, given));
          for (const { ended } of workers) {
            const { code, error } = await ended;
            if (code !== 0) throw new Error(error ?? `ended with ${code}`);
          }
          if (stop) await stop();
          if (given.later) await track()();
        },
        { given: { uri: database.uri, program: `${tracksAndStops}`, ...order } },
      );
      assert.strictEqual(stderr, '');
      const dungeons = order.first || order.later ? 1 : 0;
      await assertDay(database, { crafts: 20, dungeons, dau: 1 });
    });
  }

  it('in eight workers at once, twice', async () => {
    const database = mongo.database();
    const { result, stderr } = await runProgram(
      async (given, report) => {
        const { UNCOUNTED, startWorker, threads } = require('./__test__/support/inside');
        for (let round = 0; round < 2; round++) {
          const workers = Array.from({ length: 8 }, () => startWorker(given.program, given));
          const ends = await Promise.all(workers.map(({ ended }) => ended));
          if (ends.some(({ code }) => code !== 0)) throw new Error(JSON.stringify(ends));
        }
        report(UNCOUNTED ? 0 : threads());
      },
      { given: { uri: database.uri, program: `${tracksAndStops}` } },
    );
    assert.strictEqual(stderr, '');
    assert.ok(result < 20, `${result} threads`);
    await assertDay(database, { crafts: 160, dau: 1 });
  });
});

describe('a worker', { concurrency: 2 }, () => {
  it('reads the environment that it was given, which is not that of the process', async () => {
    const [own, other] = [1, 2].map(() => mongo.database());
    await runProgram(
      async (given) => {
        const { startWorker } = require('./__test__/support/inside');
        const program = `async (given) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ logger: false });
          analytics.track('craft.complete', 'u');
          await analytics.stop();
        }`;
        const env = { ANALYTICS_MONGODB_URI: given.own };
        const { code } = await startWorker(program, given, { env }).ended;
        if (code !== 0) throw new Error(`ended with ${code}`);
      },
      { given: { own: own.uri }, env: { ANALYTICS_MONGODB_URI: other.uri } },
    );
    assert.strictEqual(await own.count('gsoevents'), 1);
    assert.strictEqual(await other.count('gsoevents'), 0);
  });

  for (const [how, ending] of Object.entries({
    'ends by itself': 'await analytics.stop(); await mongoose.disconnect();',
    'calls process.exit()': 'process.exit(0);',
    'is terminated': 'parentPort.postMessage("ready");',
  })) {
    it(`writes where its own mongoose is connected, and ${how}`, async () => {
      const [own, other] = [1, 2].map(() => mongo.database());
      const { stderr } = await runProgram(
        async (given) => {
          const { startWorker } = require('./__test__/support/inside');
          const { waitFor } = require('./__test__/support/wait');
          const mongoose = require('mongoose');
          const AnalyticsSystem = require('.');
          await mongoose.connect(given.other);
          const analytics = new AnalyticsSystem();
          for (let round = 0; round < 5; round++) {
            const { worker, ready, ended } = startWorker(given.program, given);
            if (given.isTerminated) {
              await ready;
              await worker.terminate();
            }
            await ended;
          }
          analytics.track('dungeon.complete', 'u');
          const stored = () => mongoose.connection.useDb(given.name).collection('gsoevents');
          await waitFor(async () => (await stored().countDocuments()) === 50, {
            what: '50 events',
          });
          await analytics.stop();
          await mongoose.disconnect();
        },
        {
          given: {
            ...{ uri: own.uri, name: own.name, other: other.uri },
            isTerminated: how === 'is terminated',
            program: `async (given, { parentPort }) => {
              const mongoose = require('mongoose');
              const AnalyticsSystem = require('.');
              await mongoose.connect(given.uri);
              const analytics = new AnalyticsSystem({ logger: false });
              analytics.start();
              for (let i = 0; i < 10; i++) analytics.track('craft.complete', 'u');
              await analytics.onLogin('worker');
              ${ending}
            }`,
          },
        },
      );
      assert.strictEqual(stderr, '');
      assert.strictEqual(await own.count('gsosessions'), 5);
      assert.strictEqual(await other.count('gsoevents'), 1);
    });
  }
});

describe('the end of the process', () => {
  const cases = [
    { how: 'runs', isLoadedInMain: true },
    { how: 'was terminated just before', isLoadedInMain: true },
    { how: 'runs', isLoadedInMain: false },
  ];
  for (const { how, isLoadedInMain } of cases) {
    const where = isLoadedInMain ? 'waits for' : 'without the addon in the main thread waits for';
    it(`${where} the records of a worker that ${how}; totals never lead`, async (t) => {
      const database = mongo.database();
      const { stderr } = await runProgram(
        async (given) => {
          const { startWorker } = require('./__test__/support/inside');
          if (given.isLoadedInMain) require('.');
          const program = `async (given, { parentPort }) => {
            const AnalyticsSystem = require('.');
            const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
            analytics.start();
            await analytics.flush();
            for (let i = 0; i < 1000; i++) analytics.track('craft.complete', 'u');
            setImmediate(() => parentPort.postMessage('handed over'));
          }`;
          const { worker, ready } = startWorker(program, given);
          await ready;
          if (given.isTerminated) await worker.terminate();
          process.exit(0);
        },
        { given: { uri: database.uri, isTerminated: how !== 'runs', isLoadedInMain } },
      );
      assert.strictEqual(stderr, '');
      const stored = await database.count('gsoevents');
      const counted = (await database.days())[0]?.craftsCompleted ?? 0;
      t.diagnostic(`of 1000 events ${stored} are stored, ${counted} are counted`);
      assert.deepStrictEqual([stored, counted], [1000, 1000]);
    });
  }

  it('gives the main thread its own time, however lately a worker has ended', async () => {
    const database = mongo.database();
    const { stderr } = await runProgram(
      async (given) => {
        const { setTimeout: delay } = require('node:timers/promises');
        const AnalyticsSystem = require('.');
        const { startWorker } = require('./__test__/support/inside');
        const program = `async (given, { parentPort }) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
          analytics.track('craft.complete', 'u');
          await analytics.flush();
          parentPort.postMessage('done');
        }`;
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
        await analytics.flush();
        const { worker, ready } = startWorker(program, given);
        await ready;
        await worker.terminate();
        // Past the worker's own 1.5 s, and not much later: that is what is tested.
        await delay(2_000);
        for (let i = 0; i < 500; i++) analytics.track('craft.complete', 'u');
        process.exit(0);
      },
      { given: { uri: database.uri } },
    );
    assert.strictEqual(stderr, '');
    assert.strictEqual((await database.days())[0].craftsCompleted, 501);
  });
});
