// An outage that is bigger than memory: records wait on disk, and nothing is refused.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { fates } = require('../../support/proxy');
const { useMongod } = require('../../support/setup');
const {
  assertStored,
  filesIn,
  freshFolder,
  hasEvents,
  segmentsIn,
  startServer,
  throughProxy,
} = require('./setup');

const mongo = useMongod();

const MAX_QUEUE = 2 ** 20;
/** In memory they would take seven times as much as there is. */
const EVENTS = 20_000;
/** As fast as the disk takes them. */
const PACE = { below: MAX_QUEUE * 0.75, filler: 'x'.repeat(100) };
const settings = (uri) => ({
  ...{ uri, spoolDir: freshFolder(), maxQueueBytes: MAX_QUEUE, ackTimeoutMs: 100 },
});

/** Tells the numbers of the events in each request that was sent and carried out, in order. */
function insertsSeen() {
  const seen = [];
  const observe = (request) => {
    if (hasEvents(request)) seen.push(request.body.documents.map(({ data }) => data.i));
  };
  return { seen, observe };
}

describe('an outage that memory does not hold', { concurrency: 2 }, () => {
  it('fills the disk, refuses nothing, and is written in order when it is over', async (t) => {
    const { seen, observe } = insertsSeen();
    const { database, uri, away, back, close } = await throughProxy(mongo, { observe });
    const options = settings(uri);
    const server = await startServer(options);
    await server.tell('login', 'early');
    await server.tell('flush');
    away();
    const most = await server.tell('track', { count: EVENTS, ...PACE });
    const full = await server.tell('getHealth');
    assert.ok(most > MAX_QUEUE / 4 && most <= MAX_QUEUE, `${most} bytes were queued`);
    assert.strictEqual(full.queued, EVENTS);
    assert.ok(full.spool.bytes > 3 * MAX_QUEUE, `${full.spool.bytes} bytes on disk`);
    assert.deepStrictEqual([full.spool.state, full.rejected], ['ok', {}]);

    back();
    let mostAfter = 0;
    await server.until(({ queued, queuedBytes }) => {
      mostAfter = Math.max(mostAfter, queuedBytes);
      return queued === 0;
    });
    assert.ok(mostAfter <= MAX_QUEUE, `${mostAfter} bytes were queued while it was read back`);
    t.diagnostic(`queued at most ${most} bytes, then ${mostAfter}; on disk ${full.spool.bytes}`);
    await assertStored(database, { events: EVENTS, sessions: 1 });
    // Two requests are under way at a time, and each may be repeated.
    for (const numbers of seen) {
      const consecutive = numbers.map((_, n) => numbers[0] + n);
      assert.deepStrictEqual(numbers, consecutive);
    }
    const starts = seen.map(([start]) => start);
    for (let n = 2; n < starts.length; n++) assert.ok(starts[n] > starts[n - 2], `${starts}`);
    const { rejected, dropped, written, spool } = await server.leave();
    assert.deepStrictEqual([rejected, dropped, written], [{}, {}, EVENTS + 1]);
    assert.deepStrictEqual([spool.bytes, spool.notSpooled, spool.damagedBytes], [0, 0, 0]);
    assert.deepStrictEqual(segmentsIn(options.spoolDir), []);
    await close();
  });

  it('holds up no login once it is over, though others wait on disk as well', async () => {
    const { database, proxy, uri, away, back, close } = await throughProxy(mongo);
    const server = await startServer({ ...settings(uri), ackTimeoutMs: 60_000 });
    await server.tell('login', 'early');
    await server.tell('flush');
    away();
    await server.tell('track', { count: 10_000, ...PACE });
    await server.tell('beginLogin', 'in the outage');
    await server.tell('track', { first: 10_000, count: 10_000, ...PACE });
    const slow = proxy.rule({ when: hasEvents, fate: fates.delay(200) });
    back();
    await server.tell('login', 'after it');
    const stored = await database.count('gsoevents');
    assert.ok(stored < EVENTS / 2, `${stored} events were stored before`);
    assert.strictEqual(await database.count('gsosessions'), 3);
    slow.remove();
    await server.tell('flush');
    await assertStored(database, { events: EVENTS, sessions: 3 });
    await server.leave();
    await close();
  });

  it('has logins acknowledged after ackTimeoutMs', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const server = await startServer({ ...settings(uri), ackTimeoutMs: 300 });
    await server.tell('flush');
    away();
    await server.tell('track', { count: EVENTS, ...PACE });
    const waited = await server.tell('login', 'in the outage');
    assert.ok(waited >= 290 && waited < 3_000, `${waited} ms`);
    const refused = server.tell('flush');
    await assert.rejects(refused, { code: 'ANALYTICS_TIMEOUT' });
    back();
    await server.until(({ queued }) => queued === 0);
    await assertStored(database, { events: EVENTS, sessions: 1 });
    await server.leave();
    await close();
  });

  it('may come again and again', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const options = settings(uri);
    const server = await startServer(options);
    let tracked = 0;
    for (let round = 0; round < 3; round++) {
      await server.tell('login', `user ${round}`);
      away();
      await server.tell('track', { first: tracked, count: 8_000, ...PACE });
      tracked += 8_000;
      back();
      // The next comes while this one is still being written.
      await server.until(({ queued }) => queued < 4_000);
    }
    await server.until(({ queued }) => queued === 0);
    await assertStored(database, { events: tracked, sessions: 3 });
    await server.leave();
    assert.deepStrictEqual(
      filesIn(options.spoolDir).filter((file) => !/^0\/(owner\.lock|writer\.json)$/.test(file)),
      [],
    );
    await close();
  });
});
