// What a process had accepted when it was killed is written by the next one, exactly once.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { fates } = require('../../support/proxy');
const {
  assertStored,
  freshFolder,
  hasEvents,
  segmentsIn,
  startServer,
  throughProxy,
  untilOnDisk,
  writersOf,
} = require('./setup');

const mongo = useMongod();

describe('after kill -9', { concurrency: 2 }, () => {
  it('in an outage the next process writes the rest: events, logins and logouts', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const first = await startServer({ uri, spoolDir, ackTimeoutMs: 100 });
    for (const user of ['stays', 'leaves']) await first.tell('login', user);
    await first.tell('track', { count: 100 });
    await first.tell('flush');
    away();
    await first.tell('track', { first: 100, count: 1_900 });
    await first.tell('beginLogout', 'leaves');
    await first.tell('beginLogin', 'comes');
    await first.tell('beginLogin', 'comes and goes');
    await first.tell('beginLogout', 'comes and goes');
    await first.tell('track', { first: 2_000, count: 1 });
    await untilOnDisk(spoolDir, 2_000);
    assert.strictEqual((await first.kill()).signal, 'SIGKILL');

    const second = await startServer({ uri, spoolDir });
    await second.tell('track', { first: 2_001, count: 499 });
    assert.strictEqual(await database.count('gsoevents'), 100);
    back();
    await second.tell('flush');
    await assertStored(database, { events: 2_500, sessions: 4, ended: 2 });
    const health = await second.leave();
    const left = 1_901 + 4;
    // The outcome of the batch that was under way when the connection broke is looked up.
    assert.ok(health.spool.recovered >= left, `${health.spool.recovered} were recovered`);
    assert.strictEqual(health.accepted, health.spool.recovered + 499);
    assert.strictEqual(health.written, health.accepted);
    assert.deepStrictEqual([health.dropped, health.rejected, health.warnings], [{}, {}, {}]);
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
    assert.strictEqual((await writersOf(database)).length, 1);
    await close();
  });

  it('while it writes nothing is missing, nothing is there twice, and totals are exact', async (t) => {
    const database = mongo.database();
    const options = { uri: database.uri, spoolDir: freshFolder(), flushIntervalMs: 50 };
    let [tracked, duplicates, casConflicts, recovered] = [0, 0, 0, 0];
    for (let round = 0; round < 6; round++) {
      const server = await startServer(options);
      const before = await server.until(({ queued }) => queued === 0);
      duplicates += before.duplicates;
      casConflicts += before.casConflicts;
      recovered += before.spool.recovered;
      await server.tell('login', `user ${round}`);
      await server.tell('track', { first: tracked, count: 3_000, perTurn: 50 });
      tracked += 3_000;
      await untilOnDisk(options.spoolDir, tracked - 1);
      await server.kill();
    }
    const last = await startServer(options);
    await last.tell('flush');
    recovered += (await last.leave()).spool.recovered;
    t.diagnostic(
      `recovered ${recovered}, of them stored already ${duplicates}; casConflicts ${casConflicts}`,
    );
    await assertStored(database, { events: tracked, sessions: 6 });
    assert.ok(recovered > 0, 'no process was killed before it had written all');
    assert.strictEqual((await writersOf(database)).length, 1);
  });
});

describe('while it recovers a process', { concurrency: 2 }, () => {
  it('answers flush() and getMetrics() when they include what was left', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const first = await startServer({ uri, spoolDir });
    await first.tell('login', 'early');
    await first.tell('flush');
    away();
    await first.tell('track', { count: 20_000 });
    await first.tell('beginLogin', 'left');
    await first.tell('track', { first: 20_000, count: 1 });
    await untilOnDisk(spoolDir, 20_000);
    await first.kill();
    back();
    const second = await startServer({ uri, spoolDir });
    const [metrics] = await Promise.all([second.tell('getMetrics'), second.tell('flush')]);
    assert.strictEqual(metrics.today.dungeonsRun, 20_001);
    assert.deepStrictEqual([metrics.dau, metrics.mau, metrics.today.sessionCount], [2, 2, 2]);
    await assertStored(database, { events: 20_001, sessions: 2 });
    await second.leave();
    await close();
  });

  it('writes its own logins before what was left', async () => {
    const { database, proxy, uri, away, back, close } = await throughProxy(mongo);
    // So that what was left does not fit into memory.
    const spoolDir = freshFolder();
    const options = { uri, spoolDir, maxQueueBytes: 2 ** 20, ackTimeoutMs: 60_000 };
    const first = await startServer(options);
    await first.tell('flush');
    away();
    await first.tell('track', { count: 30_000, below: 2 ** 19 });
    await untilOnDisk(spoolDir, 29_999);
    await first.kill();
    const slow = proxy.rule({ when: hasEvents, fate: fates.delay(200) });
    back();
    const second = await startServer(options);
    await second.tell('login', 'in a hurry');
    assert.strictEqual(await database.count('gsosessions'), 1);
    const stored = await database.count('gsoevents');
    assert.ok(stored < 20_000, `${stored} events were stored before`);
    slow.remove();
    await second.tell('flush');
    await assertStored(database, { events: 30_000, sessions: 1 });
    await second.leave();
    await close();
  });
});
