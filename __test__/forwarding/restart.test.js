// With a spool, what a destination has not acknowledged when a process dies is sent by the next one: under
// the same id, in order, and without a whole segment of what it has acknowledged.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const {
  filesIn,
  freshFolder,
  segmentsIn,
  startServer,
  throughProxy,
  untilOnDisk,
} = require('../spool/setup');
const forwarding = require('./setup');

const { NOBODY, QUICK, RECEIVERS, faults, range, startReceiver, useMongod, waitFor } = forwarding;

const mongo = useMongod();

/** A process looks every 30 s for what others have left. */
const DRAINED_MS = 45_000;
/** What one destination may be sent again: what it acknowledged just before the death. */
const AGAIN = 200;

/** `{ <format>: receiver }`, and the options of servers that forward to all of them. */
async function startReceivers(formats, fields = {}) {
  const receivers = {};
  for (const format of formats) receivers[format] = await startReceiver(format);
  const at = (format) => RECEIVERS[format].at(receivers[format]);
  const destinations = formats.map((format) => ({ ...at(format), ...QUICK, ...fields }));
  return { receivers, destinations };
}

const taken = (receiver) => receiver.taken.map(({ data }) => data.i);

async function untilTaken(receiver, count, timeoutMs = 30_000) {
  const seen = () => new Set(taken(receiver)).size;
  await waitFor(() => seen() >= count, { timeoutMs, what: `${count} events` });
  const distinct = [...new Set(taken(receiver))].sort((a, b) => a - b);
  assert.deepStrictEqual(distinct, range(count));
}

const isThrough = ({ destinations }) => destinations.every(({ queued }) => queued === 0);

/** An event that was sent twice has one id. */
function assertSameIds(receiver) {
  const ids = new Map();
  for (const { id, data } of receiver.taken) {
    assert.strictEqual(ids.get(data.i) ?? id, id, `event ${data.i}`);
    ids.set(data.i, id);
  }
  assert.strictEqual(new Set(ids.values()).size, ids.size);
}

function assertOrder(receiver) {
  const last = new Map();
  for (const { user, data } of receiver.distinct) {
    assert.ok((last.get(user) ?? -1) < data.i, `${user}: ${data.i} after ${last.get(user)}`);
    last.set(user, data.i);
  }
}

describe('after kill -9', { concurrency: 4 }, () => {
  for (const format of Object.keys(RECEIVERS)) {
    it(`${format} gets what it had not acknowledged, and little of what it had`, async (t) => {
      const { receivers, destinations } = await startReceivers([format]);
      const receiver = receivers[format];
      const spoolDir = freshFolder();
      const options = { uri: NOBODY, spoolDir, destinations };
      const first = await startServer(options);
      await first.tell('track', { count: 2_000, perTurn: 20 });
      await first.until(isThrough);
      receiver.failAlways(faults.loseAnswer);
      await first.tell('track', { first: 2_000, count: 1_000 });
      await untilOnDisk(spoolDir, 2_999);
      await waitFor(() => taken(receiver).includes(2_000), { what: 'a lost answer' });
      await first.kill();
      receiver.failAlways(undefined);
      const before = receiver.taken.length;

      const second = await startServer(options);
      await second.tell('track', { first: 3_000, count: 500 });
      await untilTaken(receiver, 3_500);
      await second.until(isThrough);
      const again = receiver.taken.slice(before).filter(({ data }) => data.i < 2_000).length;
      t.diagnostic(`sent again though acknowledged: ${again} of 2000`);
      assert.ok(again <= AGAIN, `${again} events that were acknowledged are sent again`);
      if (format !== 'raw') assertSameIds(receiver);
      assertOrder(receiver);
      assert.deepStrictEqual(receiver.violations, []);
      const { destinations: reports } = await second.tell('getHealth');
      assert.deepStrictEqual([reports[0].dropped, reports[0].expired], [{}, 0]);
      await second.kill();
    });
  }

  it('each destination goes on where it was', async () => {
    const { database, uri, close } = await throughProxy(mongo);
    const { receivers, destinations } = await startReceivers(['raw', 'segment']);
    const spoolDir = freshFolder();
    receivers.raw.failAlways(faults.status(500));
    const first = await startServer({ uri, spoolDir, destinations });
    await first.tell('track', { count: 1_000 });
    await first.tell('flush');
    await first.until((health) => health.destinations[1].sent === 1_000);
    const cursor = path.join(spoolDir, '0', 'segment.cursor');
    await waitFor(() => fs.existsSync(cursor), { what: 'a cursor' });
    // They are in MongoDB, and kept for the one that is dead.
    assert.ok(segmentsIn(spoolDir).length > 0);
    await first.kill();
    assert.deepStrictEqual(receivers.raw.taken, []);
    receivers.raw.failAlways(undefined);

    const second = await startServer({ uri, spoolDir, destinations });
    await untilTaken(receivers.raw, 1_000);
    const { destinations: reports, ...health } = await second.leave();
    assert.deepStrictEqual([reports[0].sent, reports[0].dropped], [1_000, {}]);
    assert.ok(reports[1].sent <= AGAIN, `${reports[1].sent} were sent again`);
    assert.deepStrictEqual(health.dropped, {});
    assert.strictEqual(await database.count('gsoevents'), 1_000);
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
    await close();
  });

  it('again and again, while it sends, nothing is missing', async (t) => {
    const { receivers, destinations } = await startReceivers(['raw', 'posthog']);
    const options = { uri: mongo.database().uri, spoolDir: freshFolder(), destinations };
    let tracked = 0;
    for (let round = 0; round < 5; round++) {
      const server = await startServer(options);
      await server.tell('track', { first: tracked, count: 1_500, perTurn: 50 });
      tracked += 1_500;
      await untilOnDisk(options.spoolDir, tracked - 1);
      await server.kill();
    }
    const last = await startServer(options);
    for (const receiver of Object.values(receivers)) await untilTaken(receiver, tracked);
    await last.until(isThrough);
    const counts = Object.values(receivers).map(({ taken: all }) => all.length);
    t.diagnostic(`of ${tracked} events the receivers took ${counts}`);
    assertSameIds(receivers.posthog);
    assertOrder(receivers.raw);
    await last.leave();
    assert.deepStrictEqual(segmentsIn(options.spoolDir), []);
  });

  it('what has become too old meanwhile is given up and counted, and the disk is freed', async () => {
    const { receivers, destinations } = await startReceivers(['raw'], { maxAgeMs: 2_000 });
    receivers.raw.failAlways(faults.status(503));
    const database = mongo.database();
    const options = { uri: database.uri, spoolDir: freshFolder(), destinations };
    const first = await startServer(options);
    await first.tell('track', { count: 300 });
    await first.tell('flush');
    await first.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const second = await startServer(options);
    const health = await second.until(({ destinations: [raw] }) => raw.expired === 300);
    assert.deepStrictEqual([health.destinations[0].queued, health.destinations[0].sent], [0, 0]);
    await second.leave();
    assert.deepStrictEqual(segmentsIn(options.spoolDir), []);
    assert.strictEqual(await database.count('gsoevents'), 300);
  });

  it('a destination that is gone from the settings holds nothing on disk', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(503));
    const options = { uri: mongo.database().uri, spoolDir: freshFolder() };
    const first = await startServer({ ...options, destinations });
    await first.tell('track', { count: 300 });
    await first.tell('flush');
    await first.kill();
    assert.ok(segmentsIn(options.spoolDir).length > 0);
    const second = await startServer(options);
    await second.leave();
    assert.deepStrictEqual(segmentsIn(options.spoolDir), []);
  });
});

describe('a receiver that is dead', { concurrency: 2 }, () => {
  it('does not fill the disk for MongoDB', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(500));
    const database = mongo.database();
    const [spoolDir, maxSpoolBytes] = [freshFolder(), 40 * 2 ** 20];
    const options = { uri: database.uri, spoolDir, maxSpoolBytes, destinations };
    const server = await startServer(options);
    const filler = 'x'.repeat(2_000);
    for (const first of range(20).map((n) => n * 1_000)) {
      await server.tell('track', { first, count: 1_000, filler });
      await server.tell('flush');
    }
    // Some 4 KB each on disk, as event and as body; closed segments are 16 MiB.
    const half = ({ spool }) => spool.bytes <= maxSpoolBytes / 2 + 17 * 2 ** 20;
    const { spool, destinations: reports } = await server.until(half);
    assert.deepStrictEqual([spool.state, spool.unspooled], ['ok', 0]);
    assert.deepStrictEqual([reports[0].queued, reports[0].dropped], [20_000, {}]);
    assert.strictEqual(await database.count('gsoevents'), 20_000);
    await server.kill();
  });

  it('is told of at the end of the process as what goes on later', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(500));
    const [database, spoolDir] = [mongo.database(), freshFolder()];
    const options = { uri: database.uri, spoolDir, destinations };
    const first = await startServer(options);
    await first.tell('track', { count: 10 });
    await first.tell('flush');
    await untilOnDisk(spoolDir, 9);
    await first.tell('exit', 0);
    await first.finished;
    assert.ok(segmentsIn(spoolDir).length > 0);
    receivers.raw.failAlways(undefined);
    const second = await startServer({ ...options, shutdownTimeoutMs: 500 });
    await untilTaken(receivers.raw, 10);
    receivers.raw.failAlways(faults.status(500));
    await second.tell('track', { first: 10, count: 5 });
    await second.tell('stop');
    const lines = await second.tell('lines');
    const told =
      /stop\(\) reached .*not written yet: 0, events not forwarded yet: 5; all are in the spool/;
    assert.ok(
      lines.some((line) => told.test(line)),
      lines.join('\n'),
    );
    await second.kill();
  });
});

describe('what a process has left that is not replaced', () => {
  it('is forwarded by another one; a dead receiver holds up no other slot', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const { receivers, destinations } = await startReceivers(['raw', 'segment']);
    const spoolDir = freshFolder();
    receivers.raw.failAlways(faults.status(500));
    const options = { uri, spoolDir, destinations };
    const servers = [];
    for (const _ of range(3)) servers.push(await startServer(options));
    const [lives, ...others] = servers;
    for (const server of servers) await server.tell('flush');
    away();
    for (const [n, server] of others.entries()) {
      await server.tell('track', { first: n * 500, count: 500 });
      const isOnDisk = async () => {
        const { spool } = await server.tell('getHealth');
        return spool.bytes > 500 * 100;
      };
      await waitFor(isOnDisk, { what: 'the events on disk' });
    }
    await receivers.segment.waitForRequests(1);
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const server of others) await server.kill();
    back();
    await lives.until(({ spool }) => spool.drained === 1_000, { timeoutMs: DRAINED_MS });
    assert.strictEqual(await database.count('gsoevents'), 1_000);
    assert.deepStrictEqual(receivers.raw.taken, []);
    assert.ok(segmentsIn(spoolDir).length >= 2, 'they are kept for the dead receiver');
    receivers.raw.failAlways(undefined);
    await untilTaken(receivers.raw, 1_000);
    await untilTaken(receivers.segment, 1_000);
    assertSameIds(receivers.segment);
    await lives.until((health) => health.destinations[0].sent === 1_000);
    await lives.leave();
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
    assert.deepStrictEqual(
      filesIn(spoolDir).filter((file) => file.endsWith('.next')),
      [],
    );
    await close();
  });
});
