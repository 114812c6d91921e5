// `vm` contexts: code inside one calls an instance that was made outside, and the addon itself is
// loaded inside, as test runners do, several times in one process.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { preparedDatabase } = require('./prepared');

const mongo = useMongod();

describe('code in a vm context', () => {
  it('calls an instance of the main realm with values of its own', async () => {
    const database = mongo.database();
    const { result } = await runProgram(
      async (given, report) => {
        const vm = require('node:vm');
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
        const health = await vm.runInNewContext(
          `(async () => {
            await analytics.onLogin({ toString: () => 'player' }, Object('name'));
            analytics.track('gems.purchase', 'player', { gems: Object(5), at: new Date(7) });
            analytics.track('gems.purchase', 'player', { gems: '2', map: new Map([['a', [1n]]]) });
            analytics.track(['gems.purchase'], 'player', { gems: 100 });
            analytics.track('other', 'player', {
              set: new Set([1]), regexp: /x/i, error: new Error('e'), bytes: new Uint8Array([1]),
              bare: Object.assign(Object.create(null), { a: 1 }), list: [new Date(8), {}, undefined],
              player: new (class Player { level = 3; })(), wide: [new Float64Array([1.5])],
            });
            await analytics.flush();
            return analytics.getHealth();
          })()`,
          { analytics },
        );
        const { today, dau } = await analytics.getMetrics();
        report({ health, gems: today.gemsPurchased, dau });
        await analytics.stop();
      },
      { given: { uri: database.uri } },
    );
    // An array as a name counts under its text, as in the replaced class, but is never stored.
    assert.deepStrictEqual([result.gems, result.dau], [107, 1]);
    assert.deepStrictEqual(result.health.rejected, { invalid_event: 1 });
    const [{ userId, username }] = await database.sessions();
    assert.deepStrictEqual([userId, username], ['player', 'name']);
    const [first, second, other] = await database.events();
    assert.deepStrictEqual(first.data, { gems: 5, at: new Date(7) });
    assert.deepStrictEqual(second.data, { gems: '2', map: { a: [1] } });
    const { bytes, ...data } = other.data;
    assert.deepStrictEqual([...bytes.buffer], [1]);
    assert.deepStrictEqual(data, {
      ...{ set: {}, regexp: /x/i, error: {}, bare: { a: 1 }, player: { level: 3 } },
      ...{ list: [new Date(8), {}, null], wide: [{ 0: 1.5 }] },
    });
  });

  it('may give the options, and have a logger called', async () => {
    const database = mongo.database();
    const { result } = await runProgram(
      async (given, report) => {
        const vm = require('node:vm');
        const AnalyticsSystem = require('.');
        const context = { AnalyticsSystem, given };
        report(
          await vm.runInNewContext(
            `(async () => {
              const lines = [];
              const keep = (line) => lines.push(line);
              const analytics = new AnalyticsSystem({
                uri: given.uri, collections: { events: 'mine' },
                logger: { info: keep, warn: keep, error: keep },
              });
              class Own extends AnalyticsSystem {}
              const isSubclass = new Own({ logger: false }) instanceof AnalyticsSystem;
              analytics.start();
              analytics.track('event', 'u');
              await analytics.stop();
              let message;
              try { new AnalyticsSystem([]); } catch (error) { message = error.message; }
              return { lines, isSubclass, message };
            })()`,
            context,
          ),
        );
      },
      { given: { uri: database.uri } },
    );
    assert.deepStrictEqual(result.lines, ['[ANALYTICS] System started']);
    assert.deepStrictEqual(
      [result.isSubclass, result.message],
      [true, 'options: must be an object'],
    );
    assert.strictEqual(await database.count('mine'), 1);
  });
});

describe('the addon inside vm contexts', () => {
  it('works in each, answers with values of that realm, and adds one listener in all', async () => {
    const database = mongo.database();
    const { result, stderr } = await runProgram(
      async (given, report) => {
        const { createRealm } = require('./__test__/support/realm');
        const seen = [];
        for (let i = 0; i < 5; i++) {
          const { load, run } = createRealm();
          const AnalyticsSystem = load(require.resolve('.'));
          const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
          analytics.start();
          run(
            '(analytics) => analytics.track("credits.earn", "u", { amount: 2, at: new Date(5) })',
          )(analytics);
          const promise = analytics.onLogin(`u${i}`);
          const days = await analytics.flush().then(() => analytics.getLast30Days());
          const isOwn = run(
            '(promise, days) => promise instanceof Promise && days instanceof Array',
          );
          seen.push(isOwn(promise, days) && !(promise instanceof Promise));
          seen.push(days[0].creditsEarned);
          await analytics.stop();
        }
        // The addon of the main realm beside them.
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        const { dau } = await analytics.getMetrics();
        report({ seen, dau, listeners: process.listenerCount('exit') });
      },
      { given: { uri: database.uri } },
    );
    assert.strictEqual(stderr, '');
    const expected = [1, 2, 3, 4, 5].flatMap((count) => [true, 2 * count]);
    assert.deepStrictEqual(result.seen, expected);
    assert.deepStrictEqual([result.dau, result.listeners], [5, 1]);
    const dates = (await database.events()).map(({ data }) => data.at);
    assert.deepStrictEqual(dates, Array(5).fill(new Date(5)));
  });

  it('writes at the end of the process what instances of all contexts hold', async () => {
    const database = await preparedDatabase(mongo);
    await runProgram(
      (given) => {
        const { createRealm } = require('./__test__/support/realm');
        globalThis.kept = [1, 2, 3].map(() => {
          const AnalyticsSystem = createRealm().load(require.resolve('.'));
          const analytics = new AnalyticsSystem({ uri: given.uri });
          analytics.track('dungeon.complete', 'u');
          return analytics;
        });
        process.exit(0);
      },
      { given: { uri: database.uri } },
    );
    const [{ dungeonsRun }] = await database.days();
    assert.deepStrictEqual([dungeonsRun, await database.count('gsoevents')], [3, 3]);
  });

  it('is collected with its context', async (t) => {
    const { result } = await runProgram(
      async (given, report) => {
        const { createRealm } = require('./__test__/support/realm');
        const { megabytes } = require('./__test__/support/inside');
        const { setTimeout: delay } = require('node:timers/promises');
        const references = [];
        const use = async (isStopped) => {
          const { context, load } = createRealm();
          const AnalyticsSystem = load(require.resolve('.'));
          const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
          analytics.track('dungeon.complete', 'u');
          await (isStopped ? analytics.stop() : analytics.flush());
          references.push(new WeakRef(context));
        };
        for (let i = 0; i < 30; i++) await use(i % 2 === 0);
        const collected = () => references.filter((one) => one.deref() === undefined).length;
        for (let i = 0; i < 250 && collected() < 28; i++) {
          await delay(20);
          global.gc();
        }
        report({ collected: collected(), mb: megabytes() });
      },
      { given: { uri: mongo.database().uri }, nodeArgs: ['--expose-gc'] },
    );
    t.diagnostic(JSON.stringify(result));
    // The first one's listener for the end of the process serves all others.
    assert.ok(result.collected >= 28, `${result.collected} of 30 were collected`);
  });
});
