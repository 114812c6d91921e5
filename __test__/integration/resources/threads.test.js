// The system refuses threads for a while, as at the pids limit of a container: everything that needs a
// thread has one already, and goes on.
'use strict';

const assert = require('node:assert');
const { after, describe, it } = require('node:test');
const { RECEIVERS } = require('../../support/receivers');
const { startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { useMongod } = require('../../support/setup');
const { allowThreads, folderOfUser, nextUser, startAs, threadsOf, whyNot } = require('./setup');

const mongo = useMongod();
const cleanups = [];

after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

/** Longer than runtimes keep idle threads by default. */
const IDLE_MS = 11_000;
const EVENTS = 10;

/** Everything that needs a thread: options, what is broken meanwhile, and the receiver. */
const NEEDS = {
  'a spool': (user) => ({ options: { spoolDir: folderOfUser(user) } }),
  async 'a connection to a server with a name'() {
    const proxy = await startProxy(mongo.server.port);
    cleanups.push(() => proxy.close());
    return {
      uri: (name) => proxy.uri(name).replace('127.0.0.1', 'localhost'),
      breaks: () => proxy.cut(),
    };
  },
  ...Object.fromEntries(
    Object.keys(RECEIVERS).map((format) => [
      `a destination with a name: ${format}`,
      async () => {
        const receiver = await RECEIVERS[format].start();
        cleanups.push(() => receiver.close());
        const { url, ...rest } = RECEIVERS[format].at(receiver);
        const to = { ...rest, url: url.replace('127.0.0.1', 'localhost'), minRetryDelayMs: 100 };
        return { options: { destinations: [to] }, receiver };
      },
    ]),
  ),
};

describe('while the system refuses threads', { skip: whyNot(), concurrency: true }, () => {
  for (const [what, need] of Object.entries(NEEDS)) {
    it(`goes on: ${what}`, async () => {
      const user = nextUser();
      const { options, uri, breaks, receiver } = await need(user);
      const database = mongo.database();
      const server = await startAs(user, { name: what });
      const problem = await server.tell('make', {
        ...{ uri: uri?.(database.name) ?? database.uri, operationTimeoutMs: 20_000, ...options },
      });
      assert.strictEqual(problem, null);
      await server.tell('track', { count: EVENTS });
      await server.tell('flush');
      const idle = performance.now() + IDLE_MS;
      await waitFor(() => performance.now() > idle, { what: 'idle threads to end' });

      allowThreads(server, user, 0);
      assert.ok(await server.tell('isThreadRefused'), 'threads are not refused');
      await breaks?.();
      const before = threadsOf(server);
      await server.tell('track', { count: EVENTS });
      await server.tell('flush');
      const health = await server.until(({ destinations }) =>
        destinations.every((one) => one.sent === 2 * EVENTS),
      );
      assert.strictEqual(health.written, 2 * EVENTS);
      assert.strictEqual(health.defects, 0);
      assert.deepStrictEqual(health.dropped, {});
      assert.ok(threadsOf(server) <= before, 'it made threads');
      if (receiver) assert.strictEqual(receiver.taken.length, 2 * EVENTS);
      assert.strictEqual((await database.days())[0].creditsEarned, 2 * EVENTS);
      allowThreads(server, user, Infinity);
      await server.stopAnd();
    });
  }
});
