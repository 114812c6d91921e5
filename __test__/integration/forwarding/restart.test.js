// With a spool, what a destination has not acknowledged when a process dies is sent by the next one: under
// the same id, in order, and without a whole segment of what it has acknowledged.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const spools = require('../spool/setup');
const forwarding = require('./setup');
const spooled = require('./spooled');

const { eventsIn, freshFolder, lastNumberIn, segmentsIn, startServer, throughProxy, untilOnDisk } =
  spools;
const { NOBODY, RECEIVERS, faults, range, useMongod, waitFor } = forwarding;
const { assertOrder, assertSameIds, isThrough, startReceivers, taken, untilTaken } = spooled;

const mongo = useMongod();

/** Bytes at which a segment is closed. */
const SEGMENT = 17 * 2 ** 20;
/** Events that a destination may get again: those it acknowledged just before the kill. */
const AGAIN = 200;

/** How far this has come, on disk. */
function cursorIn(folder, name) {
  const file = path.join(folder, '0', `${name}.cursor`);
  return fs.existsSync(file)
    ? BigInt(/\d+/.exec(fs.readFileSync(file, 'utf8').split('offsets')[1])[0])
    : -1n;
}

describe('after kill -9', { concurrency: 4 }, () => {
  for (const format of Object.keys(RECEIVERS)) {
    it(`${format} gets the events that it had not acknowledged, and few that it had`, async (t) => {
      const { receivers, destinations } = await startReceivers([format]);
      const receiver = receivers[format];
      const spoolDir = freshFolder();
      const options = { uri: NOBODY, spoolDir, destinations };
      const first = await startServer(options);
      await first.tell('track', { count: 2_000, perTurn: 20 });
      await first.until(({ destinations: [to] }) => to.sent === 2_000);
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
    const isKept = () => cursorIn(spoolDir, 'segment') >= lastNumberIn(spoolDir);
    await waitFor(isKept, { what: 'its cursor' });
    // They are in MongoDB, and kept for the destination that is down.
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
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(503));
    const database = mongo.database();
    const options = { uri: database.uri, spoolDir: freshFolder(), destinations };
    const first = await startServer(options);
    await first.tell('track', { count: 300 });
    await first.tell('flush');
    await first.kill();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const impatient = [{ ...destinations[0], maxAgeMs: 2_000 }];
    const second = await startServer({ ...options, destinations: impatient });
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
    const isTold = async () => {
      const lines = await second.tell('lines');
      return lines.some((line) => /destination webhook is not among the settings/.test(line));
    };
    await waitFor(isTold, { what: 'the line about it' });
    await second.leave();
    assert.deepStrictEqual(segmentsIn(options.spoolDir), []);
  });

  it('records in MongoDB that are kept for a destination alone are not written again', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(503));
    const database = mongo.database();
    const options = { uri: database.uri, spoolDir: freshFolder(), destinations };
    const first = await startServer(options);
    await first.tell('track', { count: 100, event: 'quest.done' });
    await first.tell('flush');
    const isKept = () => cursorIn(options.spoolDir, '@mongodb') >= lastNumberIn(options.spoolDir);
    await waitFor(isKept, { what: 'the cursor of the database' });
    await first.kill();
    await database.db.collection('gsoevents').deleteMany({ userId: 'u1' });
    receivers.raw.failAlways(undefined);
    const second = await startServer(options);
    await untilTaken(receivers.raw, 100);
    await second.tell('flush');
    const { accepted, spool, duplicates } = await second.leave();
    assert.deepStrictEqual([accepted, spool.recovered, duplicates], [0, 0, 0]);
    assert.strictEqual(await database.count('gsoevents'), 98);
  });
});

describe('after process.exit()', () => {
  it('nothing is sent twice', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    const options = { uri: mongo.database().uri, spoolDir: freshFolder(), destinations };
    for (const round of range(5)) {
      const server = await startServer(options);
      await server.tell('track', { first: round * 20, count: 20 });
      await server.tell('exit', 0);
      await server.finished;
    }
    const last = await startServer(options);
    // What was left would come before it.
    await last.tell('track', { first: 100, count: 1 });
    await untilTaken(receivers.raw, 101);
    await last.leave();
    assert.deepStrictEqual(
      taken(receivers.raw).sort((a, b) => a - b),
      range(101),
    );
  });
});

describe('a receiver that is dead', { concurrency: 2 }, () => {
  it('does not fill the disk for MongoDB, and gets the events that are kept for it', async () => {
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
    // Some 4 KB each on disk, as event and as body.
    const half = ({ spool }) => spool.bytes <= maxSpoolBytes / 2 + SEGMENT;
    const { spool, destinations: reports } = await server.until(half);
    assert.deepStrictEqual([spool.state, spool.notSpooled], ['ok', 0]);
    assert.deepStrictEqual([reports[0].queued, reports[0].dropped], [20_000, {}]);
    assert.strictEqual(await database.count('gsoevents'), 20_000);
    await server.kill();

    const kept = eventsIn(spoolDir);
    assert.strictEqual(kept.at(-1), 19_999);
    assert.ok(kept.length > 2_000, `${kept.length} are kept`);
    receivers.raw.failAlways(undefined);
    const next = await startServer(options);
    const came = () => new Set(taken(receivers.raw));
    await waitFor(() => came().size >= kept.length, { timeoutMs: 30_000, what: 'the kept events' });
    await next.until(isThrough);
    assert.deepStrictEqual(
      [...came()].sort((a, b) => a - b),
      kept,
    );
    await next.kill();
  });

  it('whose queue is full holds its events on disk', async () => {
    const { receivers, destinations } = await startReceivers(['raw'], { maxQueueBytes: 2 ** 20 });
    receivers.raw.failAlways(faults.status(500));
    const [spoolDir, maxSpoolBytes] = [freshFolder(), 40 * 2 ** 20];
    const options = { uri: mongo.database().uri, spoolDir, maxSpoolBytes, destinations };
    const server = await startServer(options);
    const filler = 'x'.repeat(2_000);
    for (const first of range(12).map((n) => n * 1_000)) {
      await server.tell('track', { first, count: 1_000, filler });
      await server.tell('flush');
    }
    const half = ({ spool }) => spool.bytes <= maxSpoolBytes / 2 + SEGMENT;
    const { destinations: reports } = await server.until(half);
    const { queued, dropped } = reports[0];
    assert.deepStrictEqual(dropped, { queue_full: 12_000 - queued });
    await server.kill();
    receivers.raw.failAlways(undefined);
    const next = await startServer({
      ...options,
      destinations: [{ ...destinations[0], maxQueueBytes: 2 ** 26 }],
    });
    const missing = () => {
      const came = new Set(taken(receivers.raw));
      return range(queued).filter((n) => !came.has(n));
    };
    const isThere = () => missing().length === 0;
    await waitFor(isThere, { timeoutMs: 30_000, what: 'the events of the queue' });
    await next.kill();
  });

  it('is logged at the end of the process as forwarded later', async () => {
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
    await second.tell('flush');
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
