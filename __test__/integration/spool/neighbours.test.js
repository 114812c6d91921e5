// Several processes, threads and instances in one folder: each has a slot of its own, and what the dead
// have left is written by the living.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const {
  assertStored,
  filesIn,
  freshFolder,
  segmentsIn,
  startServer,
  throughProxy,
  untilOnDisk,
  writersOf,
} = require('./setup');

const mongo = useMongod();

const RECOVERED_MS = 90_000;
/** A process looks every 30 s for what others have left. */
const FOUND = { timeoutMs: 45_000, what: 'what was left to be found' };
const isFound = (line) => /^info .*writing the records that a crashed process left in /.test(line);

const slotsIn = (folder) => fs.readdirSync(folder).sort();

describe('processes in one folder', { concurrency: 3 }, () => {
  it('have a slot and an entry in the daily document each', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    const options = { uri: database.uri, spoolDir };
    const servers = await Promise.all(Array.from({ length: 4 }, () => startServer(options)));
    await Promise.all(
      servers.map((server, n) => server.tell('track', { first: n * 1_000, count: 1_000 })),
    );
    await Promise.all(servers.map((server, n) => server.tell('login', `user ${n % 2}`)));
    await Promise.all(servers.map((server) => server.leave()));
    await assertStored(database, { events: 4_000, sessions: 4, users: 2 });
    assert.deepStrictEqual(slotsIn(spoolDir), ['0', '1', '2', '3']);
    assert.strictEqual((await writersOf(database)).length, 4);
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
  });

  it('write what one has left that died and is not replaced', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const [dies, lives] = await Promise.all([1, 2].map(() => startServer({ uri, spoolDir })));
    await dies.tell('login', 'leaves');
    for (const server of [dies, lives]) await server.tell('flush');
    away();
    await dies.tell('beginLogin', 'comes');
    await dies.tell('beginLogout', 'leaves');
    await dies.tell('track', { count: 2_000 });
    const ours = (file) => fs.statSync(path.join(spoolDir, file)).size > 1_000;
    await untilOnDisk(spoolDir, 1_999);
    assert.strictEqual(segmentsIn(spoolDir).filter(ours).length, 1);
    await dies.kill();
    back();
    await lives.tell('track', { first: 2_000, count: 100 });
    await waitFor(async () => (await lives.tell('lines')).some(isFound), FOUND);
    const { spool, accepted, written } = await lives.until(
      (health) => health.spool.recoveredFromOthers > 0 && health.queued === 0,
      { timeoutMs: RECOVERED_MS },
    );
    assert.strictEqual(spool.recoveredFromOthers, 2_002);
    assert.deepStrictEqual([accepted, written, spool.recovered], [100, 100, 0]);
    await assertStored(database, { events: 2_100, sessions: 2, ended: 1 });
    const lines = await lives.tell('lines');
    assert.ok(lines.some((line) => /^info .*of a crashed process are written: 2002$/.test(line)));
    await lives.leave();
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
    assert.strictEqual((await writersOf(database)).length, 2);
    await close();
  });

  it('leave alone what belongs to another database or to other collections', async () => {
    const { database, uri, proxy, away, back, close } = await throughProxy(mongo);
    const [other, spoolDir] = [mongo.database(), freshFolder()];
    const collections = { events: 'other_events' };
    const first = await startServer({ uri, spoolDir });
    await first.tell('flush');
    away();
    await first.tell('track', { count: 300 });
    await untilOnDisk(spoolDir, 299);
    await first.kill();
    back();

    const elsewhere = await startServer({ uri: proxy.uri(other.name), spoolDir });
    const renamed = await startServer({ uri, spoolDir, collections });
    for (const [server, count] of [
      [elsewhere, 10],
      [renamed, 20],
    ]) {
      await server.tell('track', { count });
      const { spool } = await server.leave();
      assert.deepStrictEqual([spool.recovered, spool.recoveredFromOthers], [0, 0]);
    }
    assert.strictEqual(await other.count('gsoevents'), 10);
    assert.strictEqual(await database.count('other_events'), 20);
    assert.strictEqual(await database.count('gsoevents'), 0);
    assert.strictEqual(segmentsIn(spoolDir).length, 1);

    const second = await startServer({ uri, spoolDir });
    await second.until(({ spool, queued }) => spool.recovered === 300 && queued === 0);
    assert.strictEqual(await database.count('gsoevents'), 300);
    await second.leave();
    await close();
  });
});

describe('in one process', { concurrency: 2 }, () => {
  it('several instances have slots of their own', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    const { result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const many = Array.from(
          { length: 5 },
          () => new AnalyticsSystem({ ...given.options, logger: false }),
        );
        many.forEach((analytics, n) => {
          analytics.start();
          for (let i = 0; i < 200; i++)
            analytics.track('dungeon.complete', 'u', { i: n * 200 + i });
        });
        await Promise.all(many.map((analytics, n) => analytics.onLogin(`u${n}`, 'name')));
        await Promise.all(many.map((analytics) => analytics.stop()));
        report(many.map((analytics) => analytics.getHealth().written));
      },
      { given: { options: { uri: database.uri, spoolDir } } },
    );
    assert.deepStrictEqual(result, [201, 201, 201, 201, 201]);
    await assertStored(database, { events: 1_000, sessions: 5 });
    assert.deepStrictEqual(slotsIn(spoolDir), ['0', '1', '2', '3', '4']);
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
  });

  it('an instance takes over the slot of one that was collected', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    const { result: count } = await runProgram(
      async (given, report) => {
        const { waitFor } = require('./__test__/support/wait');
        const fs = require('node:fs');
        const AnalyticsSystem = require('.');
        const make = () => {
          const analytics = new AnalyticsSystem({ ...given.options, logger: false });
          analytics.track('dungeon.complete', 'u', { i: made++ });
        };
        let made = 0;
        make();
        const isFree = () => {
          global.gc();
          make();
          return fs.readdirSync(given.options.spoolDir).length < made;
        };
        await waitFor(isFree, { timeoutMs: 20_000, what: 'a slot to be taken again' });
        report(made);
      },
      { given: { options: { uri: database.uri, spoolDir } }, nodeArgs: ['--expose-gc'] },
    );
    // At the end of a process some may be left on the disk.
    const next = await startServer({ uri: database.uri, spoolDir });
    const isStored = () => assertStored(database, { events: count }).then(() => true);
    await waitFor(isStored, { timeoutMs: 60_000, what: `${count} events and their totals` });
    await next.leave();
    assert.ok(count > 1 && slotsIn(spoolDir).length < count);
  });

  it('threads have slots of their own, and what terminate() cut off is written later', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const program = async (given, report) => {
      const inside = require('./__test__/support/inside');
      const work = `(given, { parentPort }) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ ...given.options, logger: false });
        analytics.start();
        const told = analytics.flush();
        parentPort.once('message', (first) => {
          for (let i = 0; i < 200; i++) {
            analytics.track('dungeon.complete', 'u', { i: first + i });
          }
          setImmediate(() => parentPort.postMessage('tracked'));
        });
        told.then(() => parentPort.postMessage('ready'));
      }`;
      const workers = [0, 1, 2].map(() => inside.startWorker(work, given));
      await Promise.all(workers.map(({ ready }) => ready));
      report('ready');
      await new Promise((resolve) => process.once('SIGUSR2', resolve));
      for (const [n, { worker }] of workers.entries()) {
        const tracked = new Promise((resolve) => worker.once('message', resolve));
        worker.postMessage(n * 200);
        await tracked;
      }
      await Promise.all(workers.map(({ worker }) => worker.terminate()));
    };
    const { startProgram } = require('../../support/setup');
    const { waitFor } = require('../../support/wait');
    const host = startProgram(program, { given: { options: { uri, spoolDir } } });
    await waitFor(() => host.output.stdout.includes('ready'), { what: 'three threads' });
    away();
    host.child.kill('SIGUSR2');
    const { code, stderr } = await host.finished;
    assert.strictEqual(code, 0, stderr);
    assert.strictEqual(await database.count('gsoevents'), 0);
    assert.deepStrictEqual(slotsIn(spoolDir), ['0', '1', '2']);
    back();
    // The next process takes over one slot and recovers the others.
    const next = await startServer({ uri, spoolDir });
    await next.until(
      ({ spool, queued }) => spool.recovered + spool.recoveredFromOthers === 600 && queued === 0,
      { timeoutMs: RECOVERED_MS },
    );
    await assertStored(database, { events: 600 });
    await next.leave();
    assert.deepStrictEqual(
      filesIn(spoolDir).filter((file) => file.includes('.seg')),
      [],
    );
    await close();
  });
});
