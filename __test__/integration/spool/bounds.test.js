// Where the disk ends: at maxSpoolBytes, and where somebody deletes the folder.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { fates } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { useMongod } = require('../../support/setup');
const {
  assertStored,
  freshFolder,
  hasEvents,
  lastEventIn,
  segmentsIn,
  startServer,
  throughProxy,
} = require('./setup');

const mongo = useMongod();

const MIB = 2 ** 20;
/** About 320 bytes each on disk. */
const FILLER = 'x'.repeat(200);

const isFullLine = (line) => line.includes('takes no more (spoolDir, maxSpoolBytes)');

describe('at maxSpoolBytes', { concurrency: 2 }, () => {
  it('records go on in memory, and nothing is lost while MongoDB answers', async () => {
    const { database, proxy, uri, close } = await throughProxy(mongo);
    const spoolDir = freshFolder();
    const server = await startServer({ uri, spoolDir, maxSpoolBytes: MIB });
    await server.tell('flush');
    const slow = proxy.rule({ when: hasEvents, fate: fates.hold });
    await server.tell('track', { count: 10_000, filler: FILLER });
    const full = await server.until(({ spool }) => spool.state === 'full');
    await server.until(({ spool }) => spool.notSpooled > 1_000);
    assert.ok(full.spool.bytes <= MIB, `${full.spool.bytes} bytes`);
    assert.strictEqual(full.queued, 10_000);
    slow.remove();
    for (const exchange of slow.taken) exchange.forward();
    await server.tell('flush');
    await server.until(({ spool }) => spool.state === 'ok' && spool.bytes < MIB / 4);
    await server.tell('track', { first: 10_000, count: 100, filler: FILLER });
    const lines = (await server.tell('lines')).filter((line) => line.includes('pool'));
    assert.deepStrictEqual(lines.filter(isFullLine).length, 1, lines.join('\n'));
    assert.match(lines.at(-1), /^info .*the spool takes records again/);
    const { spool, rejected, dropped } = await server.leave();
    assert.deepStrictEqual([spool.state, spool.bytes, rejected, dropped], ['ok', 0, {}, {}]);
    assert.ok(spool.notSpooled > 1_000 && spool.notSpooled < 10_000, `${spool.notSpooled}`);
    await assertStored(database, { events: 10_100 });
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
    await close();
  });

  it('an outage that goes on is refused and counted once memory is full too', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const options = { uri, spoolDir: freshFolder(), maxSpoolBytes: MIB, maxQueueBytes: MIB };
    const server = await startServer(options);
    await server.tell('flush');
    away();
    // As fast as the disk takes them, while it does.
    await server.tell('track', { count: 2_000, filler: FILLER, below: 0.75 * MIB });
    const most = await server.tell('track', { first: 2_000, count: 20_000, filler: FILLER });
    const { accepted, queued, rejected } = await server.tell('getHealth');
    assert.ok(most <= MIB, `${most} bytes were queued`);
    assert.ok(rejected.queue_full > 10_000, JSON.stringify(rejected));
    assert.deepStrictEqual([accepted + rejected.queue_full, queued], [22_000, accepted]);
    back();
    await server.until((health) => health.queued === 0);
    // The newest are refused; room that is left is taken by what comes then.
    const stored = (await database.events()).map(({ data }) => data.i);
    assert.strictEqual(stored.length, accepted);
    assert.deepStrictEqual(
      stored.slice(0, 2_000),
      Array.from({ length: 2_000 }, (_, i) => i),
    );
    const lines = await server.tell('lines');
    assert.strictEqual(lines.filter((line) => line.includes('maxQueueBytes')).length, 1);
    assert.strictEqual(lines.filter(isFullLine).length, 1);
    const { written, dropped } = await server.leave();
    assert.deepStrictEqual([written, dropped], [accepted, {}]);
    const [day] = await database.days();
    assert.strictEqual(day.dungeonsRun, accepted);
    await close();
  });
});

describe('a folder that is deleted while it is used', { concurrency: 2 }, () => {
  it('costs nothing while MongoDB answers', async () => {
    const database = mongo.database();
    const spoolDir = path.join(freshFolder(), 'spool');
    const server = await startServer({ uri: database.uri, spoolDir });
    await server.tell('track', { count: 1_000 });
    await server.tell('flush');
    fs.rmSync(spoolDir, { recursive: true });
    for (let round = 1; round <= 5; round++) {
      await server.tell('track', { first: round * 1_000, count: 1_000 });
      await server.tell('flush');
    }
    const { dropped, rejected } = await server.leave();
    assert.deepStrictEqual([dropped, rejected], [{}, {}]);
    await assertStored(database, { events: 6_000 });
  });

  it('is made anew, so that a later outage is survived', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = path.join(freshFolder(), 'spool');
    const server = await startServer({ uri, spoolDir });
    await server.tell('track', { count: 1_000 });
    await server.tell('flush');
    fs.rmSync(spoolDir, { recursive: true });
    // A segment of which everything is written, and that has more than 64 KiB, is closed.
    await server.tell('track', { first: 1_000, count: 1_000 });
    await server.tell('flush');
    await server.until(({ spool }) => spool.bytes === 0);
    await server.tell('track', { first: 2_000, count: 1 });
    away();
    await server.tell('track', { first: 2_001, count: 999 });
    const isThere = () => lastEventIn(spoolDir) === 2_999;
    await waitFor(isThere, { what: 'records in a folder that was made anew' });
    await server.kill();
    back();
    const next = await startServer({ uri, spoolDir });
    await next.tell('flush');
    await assertStored(database, { events: 3_000 });
    await next.leave();
    await close();
  });

  it('in an outage costs what was only there, and says so', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const spoolDir = path.join(freshFolder(), 'spool');
    const server = await startServer({ uri, spoolDir, maxQueueBytes: MIB });
    await server.tell('flush');
    away();
    await server.tell('track', { count: 10_000, filler: FILLER, below: MIB * 0.75 });
    fs.rmSync(spoolDir, { recursive: true, maxRetries: 20, retryDelay: 20 });
    back();
    const { dropped, written } = await server.until(({ queued }) => queued === 0);
    const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    assert.ok(lost > 0 && written + lost === 10_000, `${written} written, ${lost} dropped`);
    assert.strictEqual(await database.count('gsoevents'), written);
    const [day] = await database.days();
    assert.strictEqual(day.dungeonsRun, written);
    const lines = await server.tell('lines');
    assert.ok(lines.some((line) => /^(warn|error) .*spool.*(lost|gone|cannot be read)/.test(line)));
    await server.tell('track', { first: 10_000, count: 100 });
    await server.tell('flush');
    await server.leave();
    await close();
  });
});
