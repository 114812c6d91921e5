// What processes have left that are not replaced is forwarded by those that live, whatever the database and
// other receivers do.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const spools = require('../spool/setup');
const { runProgram, startProgram } = require('../../support/setup');
const forwarding = require('./setup');
const spooled = require('./spooled');

const { eventsIn, freshFolder, segmentsIn, startServer, throughProxy } = spools;
const { NOBODY, faults, range, useMongod, waitFor } = forwarding;
const { assertSameIds, startReceivers, untilTaken } = spooled;

const mongo = useMongod();

/** A process looks every 30 s for what others have left. */
const RECOVERED_MS = 90_000;
const SLOTS = 6;
const EVENTS = 10;

/** The same database, where nobody is. */
function awayFrom({ uri }) {
  return NOBODY + new URL(uri).pathname;
}

/** So many slots with EVENTS each, of instances whose process was killed. */
async function leaveSlots(count, options) {
  const program = async (given) => {
    const AnalyticsSystem = require('.');
    const { setTimeout: delay } = require('node:timers/promises');
    for (let n = 0; n < given.count; n++) {
      const analytics = new AnalyticsSystem({ ...given.options, logger: false });
      analytics.start();
      for (let i = 0; i < given.events; i++) {
        analytics.track('quest.done', `u${i}`, { i: n * given.events + i });
      }
    }
    const { readFileSync, readdirSync } = require('node:fs');
    const { spoolDir } = given.options;
    const isSegment = (name) => name.endsWith('.seg');
    const files = () => readdirSync(spoolDir, { recursive: true }).filter(isSegment);
    const inFile = (file) =>
      readFileSync(`${spoolDir}/${file}`, 'utf8').split('"quest.done"').length - 1;
    const inSpool = () => files().reduce((sum, file) => sum + inFile(file), 0);
    while (inSpool() < given.count * given.events) await delay(20);
    process.kill(process.pid, 'SIGKILL');
  };
  await startProgram(program, { given: { count, options, events: EVENTS } }).finished;
  assert.strictEqual(eventsIn(options.spoolDir).length, count * EVENTS);
}

describe('what a process has left that is not replaced', { concurrency: 4 }, () => {
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
    await lives.until(({ spool }) => spool.recoveredFromOthers === 1_000, {
      timeoutMs: RECOVERED_MS,
    });
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
    await close();
  });

  it('comes to a database and to receivers, however many slots there are', async () => {
    const { receivers, destinations } = await startReceivers(['raw', 'posthog']);
    receivers.raw.failAlways(faults.status(500));
    const [database, spoolDir] = [mongo.database(), freshFolder()];
    const options = { uri: database.uri, spoolDir, destinations };
    await leaveSlots(SLOTS, { ...options, uri: awayFrom(database) });
    const server = await startServer(options, { timeoutMs: 4 * RECOVERED_MS });
    const isWritten = async () => (await database.count('gsoevents')) === SLOTS * EVENTS;
    await waitFor(isWritten, { timeoutMs: 60_000, what: 'all events in MongoDB' });
    await untilTaken(receivers.posthog, SLOTS * EVENTS, RECOVERED_MS);
    receivers.raw.failAlways(undefined);
    await untilTaken(receivers.raw, SLOTS * EVENTS, 2 * RECOVERED_MS);
    // All but the database that it writes to itself.
    const areGone = () => segmentsIn(spoolDir).length <= 1;
    await waitFor(areGone, { timeoutMs: RECOVERED_MS, what: 'the slots to be empty' });
    assertSameIds(receivers.posthog);
    const { destinations: reports } = await server.leave();
    assert.deepStrictEqual(
      reports.map(({ dropped, expired }) => [dropped, expired]),
      [
        [{}, 0],
        [{}, 0],
      ],
    );
    assert.ok(reports[0].sent >= SLOTS * EVENTS, `${reports[0].sent} are counted`);
    assert.deepStrictEqual(segmentsIn(spoolDir), []);
  });

  it('comes to receivers while MongoDB is away', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(500));
    const options = { uri: NOBODY, spoolDir: freshFolder(), destinations };
    await leaveSlots(3, options);
    receivers.raw.failAlways(undefined);
    const server = await startServer(options);
    await untilTaken(receivers.raw, 3 * EVENTS, 20_000);
    await server.kill();
  });

  it('by threads that ended is taken over by the next ones', async () => {
    const { receivers, destinations } = await startReceivers(['raw']);
    receivers.raw.failAlways(faults.status(500));
    const [database, spoolDir] = [mongo.database(), freshFolder()];
    const given = { options: { uri: database.uri, spoolDir, destinations }, threads: 4 };
    const { result } = await runProgram(
      async ({ options, threads }, report) => {
        const { readdirSync } = require('node:fs');
        const { setTimeout: delay } = require('node:timers/promises');
        const { startWorker } = require('./__test__/support/inside');
        const track = async ({ options: own }) => {
          const AnalyticsSystem = require('.');
          const analytics = new AnalyticsSystem({ ...own, logger: false });
          analytics.start();
          for (let i = 0; i < 10; i++) analytics.track('quest.done', 'u', { i });
          await analytics.flush();
          require('node:worker_threads').parentPort.postMessage('done');
        };
        for (let n = 0; n < threads; n++) {
          const { worker, ready } = startWorker(`${track}`, { options });
          await ready;
          await worker.terminate();
          // Of the time that what waits is given.
          await delay(2_500);
        }
        report(readdirSync(options.spoolDir));
      },
      { given, timeoutMs: 60_000 },
    );
    assert.ok(result.length <= 2, `${result}`);
  });
});
