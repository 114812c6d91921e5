// Hosts that treat the process as theirs: they forget instances, mock the clock and fake timers.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { create, runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const COUNTED = 'dungeon.complete';

async function assertStored(database, count) {
  assert.strictEqual(await database.count('gsoevents'), count);
  const [day] = await database.days();
  assert.strictEqual(day?.dungeonsRun, count);
}

describe('an instance that nobody refers to any more', { concurrency: 2 }, () => {
  for (const how of ['uri', 'mongoose that connects later']) {
    it(`is collected, and its records are written (${how})`, async () => {
      const database = mongo.database();
      // Ten instances that make the indexes of a new database take long on a busy machine.
      const { analytics } = create({ uri: database.uri });
      analytics.track(COUNTED, 'u');
      await analytics.flush();
      const { result } = await runProgram(
        async (given, report) => {
          const mongoose = given.how === 'uri' ? undefined : require('mongoose');
          const AnalyticsSystem = require('.');
          const { setTimeout: delay } = require('node:timers/promises');
          let collected = 0;
          const registry = new FinalizationRegistry(() => collected++);
          const use = () => {
            const analytics = new AnalyticsSystem(mongoose ? {} : { uri: given.uri });
            registry.register(analytics);
            analytics.track(given.event, 'u');
          };
          for (let i = 0; i < 10; i++) use();
          for (let i = 0; i < 20; i++) {
            await delay(20);
            global.gc();
          }
          await mongoose?.connect(given.uri);
          for (let i = 0; i < 250 && collected < 10; i++) {
            await delay(20);
            global.gc();
          }
          report(collected);
          await mongoose?.disconnect();
        },
        { given: { uri: database.uri, event: COUNTED, how }, nodeArgs: ['--expose-gc'] },
      );
      assert.ok(result >= 9, `${result} of 10 were collected`);
      await waitFor(async () => (await database.days())[0]?.dungeonsRun === 11, {
        ...{ timeoutMs: 10_000, what: '11 counted events' },
      });
      await assertStored(database, 11);
    });
  }
});

describe('a clock that a host mocks', { concurrency: 2 }, () => {
  for (const mocked of ['undefined', 'NaN', '"text"', '8.64e15 + 1', '-Infinity', '{}']) {
    it(`to give ${mocked} keeps no record, no answer and no end of the process back`, async () => {
      const database = mongo.database();
      const { result } = await runProgram(
        async (given, report) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
          // biome-ignore lint/security/noGlobalEval: the value has no JSON
          const value = eval(`(${given.mocked})`);
          Date.now = () => value;
          analytics.track(given.event, 'u');
          await analytics.onLogin('u', 'name');
          const { dau, today } = await analytics.getMetrics();
          report([dau, today.dungeonsRun]);
          await analytics.stop();
        },
        { given: { uri: database.uri, event: COUNTED, mocked }, timeoutMs: 20_000 },
      );
      assert.deepStrictEqual(result, [1, 1]);
      await assertStored(database, 1);
    });
  }
});

describe('timers that a host fakes', { concurrency: 2 }, () => {
  for (const when of ['before', 'after']) {
    it(`${when} loading the package do not stop it`, async () => {
      const database = mongo.database();
      const { result } = await runProgram(
        async (given, report) => {
          const fake = () => {
            for (const name of ['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']) {
              globalThis[name] = () => {};
            }
            process.nextTick = () => {};
          };
          if (given.when === 'before') fake();
          const AnalyticsSystem = require('.');
          if (given.when === 'after') fake();
          const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
          analytics.start();
          analytics.track(given.event, 'u');
          await analytics.onLogin('u', 'name');
          await analytics.flush();
          const { today } = await analytics.getMetrics();
          analytics.track(given.event, 'u');
          await analytics.stop();
          report(today.dungeonsRun);
        },
        { given: { uri: database.uri, event: COUNTED, when }, timeoutMs: 20_000 },
      );
      assert.strictEqual(result, 1);
      await assertStored(database, 2);
    });
  }
});

describe('a mongoose whose settings cannot be read', () => {
  for (const [what, error] of [
    ['a getter that throws', 'SyntaxError'],
    ['a setting of another type', 'Error'],
  ])
    it(`takes nothing down, as ${what}: one line says so, and records wait`, () =>
      unreadable({ what, error }));

  async function unreadable({ what, error }) {
    const database = mongo.database();
    const { result, stderr } = await runProgram(
      async (given, report) => {
        const mongoose = require('mongoose');
        await mongoose.connect(given.uri);
        const { client } = mongoose.connection;
        const { options } = client;
        const spoilt = { ...options, directConnection: 'perhaps' };
        const get = () => (given.what.startsWith('a getter') ? JSON.parse('not JSON') : spoilt);
        Object.defineProperty(client, 'options', { configurable: true, get });
        const AnalyticsSystem = require('.');
        const lines = [];
        const keep = (line) => lines.push(line);
        const logger = { info: keep, warn: keep, error: keep };
        const analytics = new AnalyticsSystem({ logger, operationTimeoutMs: 1_000 });
        analytics.start();
        analytics.track(given.event, 'u');
        const failure = await analytics.flush().catch(({ code }) => code);
        Object.defineProperty(client, 'options', { configurable: true, value: options });
        await analytics.stop();
        report({ lines, failure });
        await mongoose.disconnect();
      },
      { given: { uri: database.uri, event: COUNTED, what } },
    );
    assert.strictEqual(stderr, '');
    assert.strictEqual(result.failure, 'ANALYTICS_TIMEOUT');
    assert.deepStrictEqual(result.lines, [
      '[ANALYTICS] System started',
      `[ANALYTICS] the settings of mongoose cannot be read (${error}): records wait until they can ` +
        'be; if that lasts, set options.uri',
    ]);
    await assertStored(database, 1);
  }
});

describe('a mongoose that connects to another database with settings that cannot be read', () => {
  it('is followed as soon as they can be', async () => {
    const [first, next] = [mongo.database(), mongo.database()];
    const { result, stderr } = await runProgram(
      async (given, report) => {
        const mongoose = require('mongoose');
        await mongoose.connect(given.first);
        const AnalyticsSystem = require('.');
        const lines = [];
        const keep = (line) => lines.push(line);
        const logger = { info: keep, warn: keep, error: keep };
        const analytics = new AnalyticsSystem({ logger });
        analytics.start();
        analytics.track(given.event, 'u');
        await analytics.flush();
        await mongoose.disconnect();
        await mongoose.connect(given.next);
        const { client } = mongoose.connection;
        const { options } = client;
        client.options = { ...options, directConnection: 'perhaps' };
        await analytics.flush();
        client.options = options;
        analytics.track(given.event, 'u');
        await analytics.flush();
        await analytics.stop();
        await mongoose.disconnect();
        report({ warning: lines.find((line) => line.includes('cannot be read')) });
      },
      { given: { first: first.uri, next: next.uri, event: COUNTED } },
    );
    assert.strictEqual(stderr, '');
    assert.match(result.warning, /records go to the database before until they can be/);
    await assertStored(first, 1);
    await assertStored(next, 1);
  });
});

describe('a mongoose that was given a number as the password', () => {
  it('takes nothing down: records wait, as for any password that is refused', async () => {
    const { result, stderr } = await runProgram(
      async (given, report) => {
        const mongoose = require('mongoose');
        mongoose.connect(given.uri, { user: 'u', pass: 12345 }).catch(() => {});
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ logger: false, operationTimeoutMs: 1_000 });
        analytics.start();
        analytics.track(given.event, 'u');
        const failure = await analytics.flush().catch(({ code }) => code);
        report({ failure, written: analytics.getHealth().written });
        process.exit();
      },
      { given: { uri: mongo.database().uri, event: COUNTED } },
    );
    assert.strictEqual(stderr, '');
    assert.deepStrictEqual(result, { failure: 'ANALYTICS_TIMEOUT', written: 0 });
  });
});
