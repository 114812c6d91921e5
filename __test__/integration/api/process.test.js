// The addon and its process: how long the process lives, and what is stored when it ends. The table in
// ../endings has every way to end.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { preparedDatabase } = require('../threads/prepared');
const { waitFor } = require('../../support/wait');
const { startWebhook } = require('../../support/webhook');
const { NOBODY, runProgram, startProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Node alone needs this long to start and end on a busy machine. */
const STARTUP_MS = 3_000;
const FLUSH_MS = 1_500;

const COUNTED = 'dungeon.complete';

async function assertStored(database, count) {
  assert.strictEqual(await database.count('gsoevents'), count);
  const [day] = await database.days();
  assert.strictEqual(day?.dungeonsRun, count);
}

describe('the process', { concurrency: 3 }, () => {
  it('lives from start() to stop() and ends by itself after it', async () => {
    const { uri } = mongo.database();
    const host = startProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        analytics.start();
        process.on('SIGUSR2', () => analytics.stop());
      },
      { given: { uri } },
    );
    await waitFor(() => host.output.stdout.includes('System started'));
    const early = await Promise.race([
      host.finished,
      new Promise((resolve) => setTimeout(resolve, 1_000, 'alive')),
    ]);
    assert.strictEqual(early, 'alive');
    host.child.kill('SIGUSR2');
    const asked = performance.now();
    assert.strictEqual((await host.finished).code, 0);
    assert.ok(performance.now() - asked < 4_000);
  });

  it('may exit right after a login nobody waits for: it is stored', async () => {
    const database = await preparedDatabase(mongo);
    await runProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        analytics.start();
        analytics.onLogin('u', 'name');
        process.exit(0);
      },
      { given: { uri: database.uri } },
    );
    assert.strictEqual(await database.count('gsosessions'), 1);
  });

  it('may exit while mongoose is connected, just connecting, or named by MONGODB_URI only', async () => {
    for (const how of ['connected', 'connecting', 'environment']) {
      const database = await preparedDatabase(mongo);
      const { stderr } = await runProgram(
        async (given) => {
          const mongoose = given.how === 'environment' ? undefined : require('mongoose');
          const AnalyticsSystem = require('.');
          const connecting = mongoose?.connect(given.uri);
          if (given.how === 'connected') await connecting;
          const analytics = new AnalyticsSystem();
          for (let i = 0; i < 25; i++) analytics.track(given.event, 'u');
          process.exit(0);
        },
        {
          given: { uri: database.uri, event: COUNTED, how },
          env: how === 'environment' ? { MONGODB_URI: database.uri } : {},
        },
      );
      assert.strictEqual(await database.count('gsoevents'), 25, `${how}\n${stderr}`);
    }
  });

  it('may end by itself with only MONGODB_URI set', async () => {
    const database = await preparedDatabase(mongo);
    const { stderr } = await runProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem();
        for (let i = 0; i < 25; i++) analytics.track(given.event, 'u');
      },
      { given: { event: COUNTED }, env: { MONGODB_URI: database.uri } },
    );
    assert.strictEqual(await database.count('gsoevents'), 25, stderr);
  });

  it('may disconnect mongoose right after the last call and end by itself', async () => {
    const database = await preparedDatabase(mongo);
    const { stderr } = await runProgram(
      async (given) => {
        const mongoose = require('mongoose');
        const AnalyticsSystem = require('.');
        await mongoose.connect(given.uri);
        const analytics = new AnalyticsSystem();
        for (let i = 0; i < 25; i++) analytics.track(given.event, 'u');
        await mongoose.disconnect();
      },
      { given: { uri: database.uri, event: COUNTED } },
    );
    assert.strictEqual(await database.count('gsoevents'), 25, stderr);
  });

  it('exits within the time limit of the flush without a server, and one line says how many records were lost', async () => {
    const { elapsedMs, stderr } = await runProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const many = [1, 2, 3].map(() => new AnalyticsSystem({ uri: given.uri }));
        for (const analytics of many) analytics.track('event', 'u');
        process.exit(0);
      },
      { given: { uri: NOBODY } },
    );
    assert.ok(elapsedMs < STARTUP_MS + FLUSH_MS, `${elapsedMs} ms`);
    assert.strictEqual(
      stderr.split('\n').filter((line) => /not written: 3\b/.test(line)).length,
      1,
      stderr,
    );
  });

  it('exits within the time limit of the flush with a hanging webhook, after storing everything', async () => {
    const database = await preparedDatabase(mongo);
    const hook = await startWebhook();
    hook.hang();
    const { elapsedMs, stderr } = await runProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri, webhookUrl: given.url });
        for (let i = 0; i < 25; i++) analytics.track(given.event, 'u');
        process.exit(0);
      },
      { given: { uri: database.uri, event: COUNTED, url: hook.url } },
    );
    await hook.close();
    await assertStored(database, 25);
    assert.ok(elapsedMs < STARTUP_MS + FLUSH_MS, `${elapsedMs} ms`);
    assert.match(stderr, /not forwarded: [1-9]/);
  });

  it('exits at once when nothing is pending', async () => {
    const { result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        analytics.track('event', 'u');
        await analytics.flush();
        let began;
        process.prependListener('exit', () => {
          began = performance.now();
        });
        process.on('exit', () => report(performance.now() - began));
        process.exit(0);
      },
      { given: { uri: mongo.database().uri } },
    );
    assert.ok(result < 1_000, `${result} ms`);
  });

  it('stays alive for open promises of onLogin(), onLogout(), flush() and reads', async () => {
    const { result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        const done = [];
        for (const method of [
          'onLogin',
          'onLogout',
          'flush',
          'getMetrics',
          'getLast30Days',
          'getConcurrency',
          'getOpenMetrics',
          'stop',
        ]) {
          await new Promise((resolve) => setTimeout(resolve, 10));
          await analytics[method]('u', 'name');
          done.push(method);
        }
        report(done);
      },
      { given: { uri: mongo.database().uri } },
    );
    assert.strictEqual(result?.length, 8);
  });

  it('ends with open promises when their time limits are over', async () => {
    const { elapsedMs, result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const options = { ackTimeoutMs: 300, operationTimeoutMs: 300, shutdownTimeoutMs: 300 };
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false, ...options });
        await analytics.onLogin('u', 'name');
        const { code } = await analytics.flush().catch((error) => error);
        await analytics.stop();
        report(code);
      },
      { given: { uri: NOBODY } },
    );
    assert.strictEqual(result, 'ANALYTICS_TIMEOUT');
    assert.ok(elapsedMs < STARTUP_MS + FLUSH_MS + 900, `${elapsedMs} ms`);
  });

  it('gets no signal handlers from us', async () => {
    const { result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        analytics.start();
        await analytics.flush();
        const names = [
          'SIGTERM',
          'SIGINT',
          'SIGHUP',
          'uncaughtException',
          'unhandledRejection',
          'beforeExit',
        ];
        report(names.map((name) => process.listenerCount(name)));
        await analytics.stop();
      },
      { given: { uri: mongo.database().uri } },
    );
    assert.deepStrictEqual(result, [0, 0, 0, 0, 0, 0]);
  });
});
