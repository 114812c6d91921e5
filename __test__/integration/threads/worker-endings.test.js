// Worker threads that end in every way, again and again: the process lives on, other threads notice
// nothing, and what a worker has handed over is stored.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { UNCOUNTED } = require('../../support/inside');

const mongo = useMongod();

const ROUNDS = 30;
/** Crafts that each worker tracks in its first turn. */
const CRAFTS = 10;

/** What the workers do after their first turn; each runs inside the worker. */
const ENDINGS = {
  'by itself after stop()': ({ analytics }) => analytics.stop(),
  'by itself, never started': () => {},
  'by process.exit()': () => process.exit(0),
  'by an uncaught exception': ({ analytics }) => {
    analytics.flush();
    throw new Error('uncaught in the worker');
  },
  'by an unhandled rejection': ({ analytics }) => {
    analytics.getMetrics();
    Promise.reject(new Error('uncaught in the worker'));
  },
  'by terminate() in a flood, promises open': ({ analytics, say }) => {
    analytics.onLogin('worker');
    for (const method of ['flush', 'getMetrics', 'getLast30Days', 'getConcurrency']) {
      analytics[method]().catch(() => {});
    }
    const flood = () => {
      for (let i = 0; i < 100; i++) analytics.track('raid.complete', 'u', { i });
      setImmediate(flood);
    };
    flood();
    say();
  },
  'by terminate() while it stops': ({ analytics, say }) => {
    analytics.stop();
    say();
  },
};

/** The source of a worker that tracks, lets the turn end, and then ends as it is said. */
function workerOf([how, ending]) {
  return `(given, { parentPort }) => {
    const AnalyticsSystem = require('.');
    const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
    ${how.includes('never started') ? '' : 'analytics.start();'}
    for (let i = 0; i < given.crafts; i++) analytics.track('craft.complete', 'u', { i });
    setImmediate(() => (${ending})({ analytics, say: () => parentPort.postMessage('ready') }));
  }`;
}

/** Runs workers one after the other beside an instance of the main thread. */
async function playRounds(given, report) {
  const inside = require('./__test__/support/inside');
  const { waitFor } = require('./__test__/support/wait');
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
  analytics.start();
  const codes = [];
  for (let round = 0; round < given.rounds; round++) {
    analytics.track('dungeon.complete', 'u');
    const { worker, ready, ended } = inside.startWorker(given.worker, given, {
      stderr: true, // traces of the exceptions that are thrown on purpose
    });
    if (given.isTerminated) {
      await ready;
      await worker.terminate();
    }
    const { code, error } = await ended;
    codes.push(error ? `${code} ${error}` : code);
  }
  const settled = async () => {
    const { today } = await analytics.getMetrics();
    return today.craftsCompleted >= given.rounds * given.crafts;
  };
  await waitFor(settled, { timeoutMs: 20_000, what: 'what the workers tracked', everyMs: 100 });
  const health = analytics.getHealth();
  await analytics.stop();
  report({ codes: [...new Set(codes)], health });
}

describe(`${ROUNDS} workers that end`, { concurrency: 2 }, () => {
  for (const [how, ending] of Object.entries(ENDINGS)) {
    it(how, async (t) => {
      const database = mongo.database();
      const isTerminated = how.includes('terminate');
      const given = { uri: database.uri, rounds: ROUNDS, crafts: CRAFTS, isTerminated };
      const end = await runProgram(playRounds, {
        given: { ...given, worker: workerOf([how, ending]) },
        timeoutMs: 60_000,
      });
      const { codes, health } = end.result;
      assert.deepStrictEqual(codes, codesOf(how));
      assert.deepStrictEqual([health.accepted, health.written], [ROUNDS, ROUNDS]);
      assert.deepStrictEqual([health.dropped, health.rejected], [{}, {}]);
      assert.strictEqual(end.stderr, '');
      const raids = await assertTotals(database);
      t.diagnostic(`${Math.round(end.elapsedMs)} ms, ${raids} raids of the floods stored`);
    });
  }
});

function codesOf(how) {
  if (how.includes('uncaught') || how.includes('unhandled')) return ['1 uncaught in the worker'];
  return [how.includes('terminate') ? 1 : 0];
}

/** What is stored and what is counted agree, whatever a terminated worker got rid of. */
async function assertTotals(database) {
  const [{ craftsCompleted, dungeonsRun, raidBattles }] = await database.days();
  const stored = (event) => database.count('gsoevents', { event });
  assert.strictEqual(craftsCompleted, ROUNDS * CRAFTS);
  assert.strictEqual(await stored('craft.complete'), ROUNDS * CRAFTS);
  assert.deepStrictEqual([dungeonsRun, await stored('dungeon.complete')], [ROUNDS, ROUNDS]);
  // The last worker's records may still be under way when the process ends: never counted first.
  const raids = await stored('raid.complete');
  assert.ok(raidBattles <= raids, `${raidBattles} counted, ${raids} stored`);
  return raids;
}

describe('workers that come and go', () => {
  it('leave neither threads nor memory behind', { skip: UNCOUNTED }, async (t) => {
    const { result } = await runProgram(
      async (given, report) => {
        const inside = require('./__test__/support/inside');
        const vitals = () => {
          global.gc();
          return [inside.threads(), inside.descriptors(), inside.megabytes()];
        };
        const seen = [];
        for (let i = 0; i < 120; i++) {
          const program = given.workers[i % given.workers.length];
          const { worker, ready, ended } = inside.startWorker(program, given, { stderr: true });
          if (i % given.workers.length === given.terminated) {
            await ready;
            await worker.terminate();
          }
          await ended;
          if (i % 30 === 29) seen.push(vitals());
        }
        report(seen);
      },
      {
        given: {
          ...{ uri: mongo.database().uri, crafts: 200 },
          workers: Object.entries(ENDINGS).slice(0, 6).map(workerOf),
          terminated: 5,
        },
        ...{ nodeArgs: ['--expose-gc'], timeoutMs: 60_000 },
      },
    );
    t.diagnostic(`[threads, descriptors, MiB] after 30, 60, 90, 120: ${JSON.stringify(result)}`);
    const [first, last] = [result[0], result.at(-1)];
    assert.ok(last[0] <= first[0], `${last[0] - first[0]} more threads`);
    assert.ok(last[1] - first[1] < 30, `${last[1] - first[1]} more descriptors`);
    assert.ok(last[2] - first[2] < 30, `${last[2] - first[2]} MiB more`);
  });
});
