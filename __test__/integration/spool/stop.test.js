// What a stop leaves behind: nothing when everything is written, else the rest for the next start.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { useMongod } = require('../../support/setup');
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

/** What a slot holds in which there are no records. */
const EMPTY_SLOT = ['0/owner.lock', '0/writer.json'];

describe('stop()', { concurrency: 2 }, () => {
  it('in an outage leaves its records to the next start, and says how many', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const options = { uri, spoolDir, shutdownTimeoutMs: 300, ackTimeoutMs: 100 };
    const first = await startServer(options);
    await first.tell('login', 'early');
    await first.tell('flush');
    away();
    await first.tell('track', { count: 700 });
    await first.tell('login', 'late');
    const { queued, accepted, written, dropped } = await first.leave();
    assert.deepStrictEqual([queued, accepted, written, dropped], [701, 702, 1, {}]);
    const { stderr, code } = await first.finished;
    assert.strictEqual(code, 0, stderr);
    assert.ok(segmentsIn(spoolDir).length > 0);

    back();
    const second = await startServer({ ...options, shutdownTimeoutMs: 30_000 });
    const { spool } = await second.until((health) => health.spool.recovered > 0 && !health.queued);
    assert.strictEqual(spool.recovered, 701);
    await assertStored(database, { events: 700, sessions: 2 });
    await second.leave();
    assert.deepStrictEqual(filesIn(spoolDir), EMPTY_SLOT);
    await close();
  });

  it('says in one line how many records are in the spool', async () => {
    const { uri, away, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const server = await startServer({ uri, spoolDir, shutdownTimeoutMs: 300 });
    await server.tell('flush');
    away();
    await server.tell('track', { count: 700 });
    await untilOnDisk(spoolDir, 699);
    await server.tell('stop');
    const lines = (await server.tell('lines')).filter((line) => line.includes('stop()'));
    assert.strictEqual(lines.length, 1);
    assert.match(lines[0], /^warn .*not written yet: 700,.*in the spool, and go on at the next/);
    await server.kill();
    await close();
  });

  it('in an outage, then start() in the same process goes on', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const server = await startServer({ uri, spoolDir, shutdownTimeoutMs: 300 });
    await server.tell('flush');
    away();
    await server.tell('track', { count: 500 });
    await Promise.all([server.tell('stop'), server.tell('stop')]);
    back();
    await server.tell('start');
    await server.tell('track', { first: 500, count: 500 });
    await server.tell('flush');
    await assertStored(database, { events: 1_000 });
    const isEmpty = () => isDeepStrictEqual(filesIn(spoolDir), EMPTY_SLOT);
    await waitFor(isEmpty, { what: 'the disk to be freed' });
    const { accepted, written, spool } = await server.leave();
    assert.deepStrictEqual([accepted, written, spool.recovered], [1_000, 1_000, 0]);
    assert.deepStrictEqual(filesIn(spoolDir), EMPTY_SLOT);
    await close();
  });

  it('leaves no records on disk when all are written', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    const server = await startServer({ uri: database.uri, spoolDir });
    await server.tell('track', { count: 5_000 });
    await server.tell('login', 'somebody');
    await server.leave();
    await assertStored(database, { events: 5_000, sessions: 1 });
    assert.deepStrictEqual(filesIn(spoolDir), EMPTY_SLOT);
  });
});

describe('the folder', { concurrency: 2 }, () => {
  it('is readable by its owner only, with all that is in it', async () => {
    const { uri, away, close } = await throughProxy(mongo);
    const spoolDir = path.join(freshFolder(), 'spool');
    const server = await startServer({ uri, spoolDir });
    await server.tell('flush');
    away();
    await server.tell('track', { count: 100 });
    await untilOnDisk(spoolDir, 99);
    const modeOf = (name) => (fs.statSync(path.join(spoolDir, name)).mode & 0o777).toString(8);
    assert.deepStrictEqual([modeOf('.'), modeOf('0')], ['700', '700']);
    const modes = Object.fromEntries(filesIn(spoolDir).map((file) => [file, modeOf(file)]));
    assert.deepStrictEqual(modes, {
      '0/00000001.seg': '600',
      '0/owner.lock': '600',
      '0/writer.json': '600',
    });
    await server.kill();
    await close();
  });

  it('gives ten processes, one after the other, one entry in the daily document', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    for (let round = 0; round < 10; round++) {
      const server = await startServer({ uri: database.uri, spoolDir, flushIntervalMs: 20 });
      await server.tell('track', { first: round * 100, count: 100 });
      if (round % 3 === 2) {
        await untilOnDisk(spoolDir, round * 100 + 99);
        await server.kill();
      } else {
        await server.leave();
      }
    }
    const last = await startServer({ uri: database.uri, spoolDir });
    await last.leave();
    await assertStored(database, { events: 1_000 });
    assert.strictEqual((await writersOf(database)).length, 1);
    assert.deepStrictEqual(filesIn(spoolDir), EMPTY_SLOT);
  });
});
