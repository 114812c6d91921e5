// What keeps a process alive and what does not, forked processes, and the order of `exit` listeners.
'use strict';

const assert = require('node:assert');
const { once } = require('node:events');
const { describe, it } = require('node:test');
const { within } = require('../../support/wait');
const { startWebhook } = require('../../support/webhook');
const { NOBODY, runProgram, startProgram, useMongod } = require('../../support/setup');
const { preparedDatabase } = require('./prepared');

const mongo = useMongod();

/** Longest time in which a process that has nothing left to do ends. */
const END_MS = 3_000;
/** Longest time for which its end waits for records to be written and events to be forwarded. */
const FLUSH_MS = 1_500;

/** Runs a program that reports `{ before, after, atMs }`; fails unless it then ends by itself. */
async function assertEndsByItself(program, { flushMs = 0, ...options }) {
  const { result, stderr } = await runProgram(program, options);
  const endedMs = Date.now() - result.atMs;
  assert.deepStrictEqual(result.after, result.before);
  assert.ok(endedMs < END_MS + flushMs, `ended ${endedMs} ms after it had nothing left to do`);
  return { result, stderr, endedMs };
}

describe('nothing keeps the process alive', { concurrency: 3 }, () => {
  it('when an instance was only made', async () => {
    const { stderr } = await assertEndsByItself(
      (given, report) => {
        const before = process.getActiveResourcesInfo();
        const AnalyticsSystem = require('.');
        globalThis.analytics = new AnalyticsSystem({ uri: given.uri });
        report({ before, after: process.getActiveResourcesInfo(), atMs: Date.now() });
      },
      { given: { uri: NOBODY } },
    );
    assert.strictEqual(stderr, '');
  });

  it('after stop(), also after many of them', async () => {
    await assertEndsByItself(
      async (given, report) => {
        const before = process.getActiveResourcesInfo();
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
        for (let i = 0; i < 5; i++) {
          analytics.start();
          analytics.start();
          analytics.track('dungeon.complete', 'u');
          await Promise.all([analytics.onLogin('u'), analytics.getMetrics(), analytics.stop()]);
        }
        await analytics.stop();
        report({ before, after: process.getActiveResourcesInfo(), atMs: Date.now() });
      },
      { given: { uri: mongo.database().uri } },
    );
  });

  it('after stop() with a receiver of the webhook that hangs', async () => {
    const hook = await startWebhook();
    hook.hang();
    const { endedMs } = await assertEndsByItself(
      async (given, report) => {
        const before = process.getActiveResourcesInfo();
        const AnalyticsSystem = require('.');
        const { uri, webhookUrl } = given;
        const options = { uri, webhookUrl, shutdownTimeoutMs: 300, logger: false };
        const analytics = new AnalyticsSystem(options);
        analytics.start();
        for (let i = 0; i < 10; i++) analytics.track('event', 'u');
        await analytics.stop();
        report({ before, after: process.getActiveResourcesInfo(), atMs: Date.now() });
      },
      { given: { uri: mongo.database().uri, webhookUrl: hook.url }, flushMs: FLUSH_MS },
    );
    await hook.close();
    assert.ok(endedMs < END_MS + FLUSH_MS);
  });

  it('without stop() when a receiver hangs: a natural end takes the time limit of the flush', async () => {
    const hook = await startWebhook();
    hook.hang();
    const database = await preparedDatabase(mongo);
    const { stderr } = await assertEndsByItself(
      (given, report) => {
        const before = process.getActiveResourcesInfo();
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri, webhookUrl: given.webhookUrl });
        for (let i = 0; i < 10; i++) analytics.track('event', 'u');
        report({ before, after: process.getActiveResourcesInfo(), atMs: Date.now() });
      },
      { given: { uri: database.uri, webhookUrl: hook.url }, flushMs: FLUSH_MS },
    );
    await hook.close();
    assert.match(stderr, /not written: 0, events not forwarded: 10; they are lost: await stop\(\)/);
    assert.strictEqual(await database.count('gsoevents'), 10);
  });

  it('after stop() without a server or any connection', async () => {
    for (const uri of [NOBODY, undefined]) {
      await assertEndsByItself(
        async (given, report) => {
          const before = process.getActiveResourcesInfo();
          const AnalyticsSystem = require('.');
          const options = { uri: given.uri, shutdownTimeoutMs: 100, logger: false };
          const analytics = new AnalyticsSystem(options);
          analytics.start();
          analytics.track('event', 'u');
          await analytics.stop();
          report({ before, after: process.getActiveResourcesInfo(), atMs: Date.now() });
        },
        { given: { uri }, flushMs: FLUSH_MS },
      );
    }
  });
});

describe('a forked process', { concurrency: 2 }, () => {
  /** A game server that says when it runs; what makes it stop is among the settings. */
  async function playUntilTold({ uri, stopsOn }) {
    const AnalyticsSystem = require('.');
    const analytics = new AnalyticsSystem({ uri, logger: false, operationTimeoutMs: 60_000 });
    const stop = async (message) => {
      for (let i = 0; i < 9; i++) analytics.track('dungeon.complete', 'u');
      await analytics.stop();
      if (message === 'stop') process.disconnect();
    };
    analytics.track('dungeon.complete', 'u');
    if (stopsOn) analytics.start();
    if (stopsOn !== 'message') process.on('message', () => {}); // holds the channel, and the process
    if (stopsOn) process.on(stopsOn, stop);
    await analytics.flush();
    process.send('running');
  }

  /** Lets `end` make the running child end; answers how long that took. */
  async function forkAndEnd(given, end) {
    const { child, output } = startProgram(playUntilTold, { given, ipc: true });
    // It is never closed after a disconnect by its parent.
    const exit = once(child, 'exit');
    await within(once(child, 'message'), { timeoutMs: 30_000, what: 'its message' });
    const asked = performance.now();
    end(child);
    assert.deepStrictEqual(await within(exit, { what: 'its end' }), [0, null]);
    assert.deepStrictEqual(output, { stdout: '', stderr: '' });
    return performance.now() - asked;
  }

  for (const [how, stopsOn, end] of [
    ['its parent sends a message, and it disconnects', 'message', (child) => child.send('stop')],
    ['its parent disconnects', 'disconnect', (child) => child.disconnect()],
    ['its channel was all that kept it', undefined, (child) => child.disconnect()],
  ]) {
    it(`ends by itself when ${how}`, async () => {
      const database = await preparedDatabase(mongo);
      const endedMs = await forkAndEnd({ uri: database.uri, stopsOn }, end);
      assert.ok(endedMs < END_MS, `${endedMs} ms`);
      const [{ dungeonsRun }] = await database.days();
      const expected = stopsOn ? 10 : 1;
      assert.deepStrictEqual(
        [dungeonsRun, await database.count('gsoevents')],
        [expected, expected],
      );
    });
  }
});

describe('listeners of the exit event', { concurrency: 2 }, () => {
  it('of the host that come first may still track, and all see their exit code', async () => {
    const database = await preparedDatabase(mongo);
    const { result } = await runProgram(
      (given, report) => {
        const AnalyticsSystem = require('.');
        const codes = [];
        process.on('exit', (code) => {
          codes.push(code);
          analytics.track('before ours', 'u');
          analytics.onLogin('u');
        });
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
        process.on('exit', (code) => {
          codes.push(code);
          analytics.track('after ours', 'u');
          report({ codes, stored: analytics.getHealth().written });
        });
        analytics.track('early', 'u');
        process.exitCode = 7;
      },
      { given: { uri: database.uri }, code: 7 },
    );
    assert.deepStrictEqual(result, { codes: [7, 7], stored: 3 });
    const events = (await database.events()).map(({ event }) => event);
    assert.deepStrictEqual(events.slice(0, 2), ['early', 'before ours']);
    assert.strictEqual(await database.count('gsosessions'), 1);
  });

  it('of the host that throw do not keep ours from its work', async () => {
    const database = await preparedDatabase(mongo);
    await runProgram(
      (given) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri });
        process.on('exit', () => {
          throw new Error('thrown by the host');
        });
        for (let i = 0; i < 25; i++) analytics.track('event', 'u');
      },
      { given: { uri: database.uri }, code: 1 },
    );
    assert.strictEqual(await database.count('gsoevents'), 25);
  });

  for (const how of ['process.exit()', 'a natural end']) {
    it(`that a host has removed, ours too, cost nothing that was flushed before ${how}, and totals do not lead`, async (t) => {
      const database = await preparedDatabase(mongo);
      const { stderr, elapsedMs } = await runProgram(
        async (given) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ uri: given.uri });
          process.removeAllListeners('exit');
          analytics.track('flushed', 'u');
          await analytics.flush();
          for (let i = 0; i < 1_000; i++) analytics.track('dungeon.complete', 'u');
          if (given.exits) process.exit(0);
        },
        { given: { uri: database.uri, exits: how === 'process.exit()' } },
      );
      assert.strictEqual(stderr, '');
      assert.strictEqual(await database.count('gsoevents', { event: 'flushed' }), 1);
      const stored = await database.count('gsoevents', { event: 'dungeon.complete' });
      const counted = (await database.days())[0]?.dungeonsRun ?? 0;
      t.diagnostic(`of 1000 ${stored} are stored, ${counted} counted; ${Math.round(elapsedMs)} ms`);
      assert.ok(counted <= stored && stored <= 1_000);
    });
  }
});
