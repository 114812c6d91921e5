// Records that an earlier process has left are written while their totals cannot be added, and their totals take
// no memory meanwhile; a process that is killed then loses nothing, and nothing counts twice.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { afterIndexBuilds } = require('../../support/index-builds');
const { NOBODY, create, runProgram, startProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { freshFolder } = require('./setup');

const mongo = useMongod();

const MAX_QUEUE = 2 ** 20;
/** Kept in memory one by one, their totals alone would fill it. */
const EVENTS = 20_000;
/** Of the memory, where it is less than a quarter full, records are read back. */
const MOST_WAITING = MAX_QUEUE / 8;
const LONG_MS = 60_000;

/** Leaves records in the spool, since there is no database. */
function leave({ uri, spoolDir, events }) {
  const AnalyticsSystem = require('.');
  const settings = { shutdownTimeoutMs: 100, ackTimeoutMs: 50, logger: false };
  const analytics = new AnalyticsSystem({ uri, spoolDir, ...settings });
  for (let i = 0; i < events; i++) analytics.track('credits.earn', 'u', { amount: 1 });
  for (const user of ['ann', 'bob', 'ann']) analytics.onLogin(user);
  analytics.stop();
}

/** Is killed when nothing of the records waits any more but their totals, which it cannot add. */
function playBlocked({ uri, spoolDir, maxQueueBytes, mostWaiting }, report) {
  const AnalyticsSystem = require('.');
  const settings = { maxQueueBytes, ackTimeoutMs: 200, logger: false };
  const analytics = new AnalyticsSystem({ uri, spoolDir, ...settings });
  analytics.track('credits.earn', 'u', { amount: 1 });
  let most = 0;
  setInterval(() => {
    const { queuedBytes, totals, spool } = analytics.getHealth();
    most = Math.max(most, queuedBytes);
    // A segment that is shorter is kept, see `src/spool/segments.rs`.
    const isOnDisk = spool.bytes < 100 * 1024 && queuedBytes < mostWaiting;
    if (totals !== 'blocked' || !isOnDisk) return;
    report({ most, totals });
    process.kill(process.pid, 'SIGKILL');
  }, 20);
}

describe('totals of records that an earlier process has left', () => {
  it('wait on disk while they cannot be added, and are added once', async () => {
    const database = mongo.database();
    const spoolDir = freshFolder();
    const validator = { _a: { $exists: false } };
    await database.db.createCollection('gsodailies', { validator });
    const nowhere = `${NOBODY}/${database.db.databaseName}`;
    await runProgram(leave, { given: { uri: nowhere, spoolDir, events: EVENTS } });

    const given = { uri: database.uri, spoolDir };
    const bounds = { maxQueueBytes: MAX_QUEUE, mostWaiting: MOST_WAITING };
    const blocked = startProgram(playBlocked, {
      given: { ...given, ...bounds },
      timeoutMs: LONG_MS,
    });
    const killed = await blocked.finished;
    assert.strictEqual(killed.signal, 'SIGKILL', killed.stderr);
    assert.strictEqual(killed.result.totals, 'blocked');
    assert.ok(killed.result.most <= MAX_QUEUE, `${killed.result.most} bytes`);
    assert.strictEqual(await database.count('gsoevents'), EVENTS + 1);
    assert.strictEqual(await database.count('gsosessions'), 3);
    const slot = path.join(spoolDir, '0');
    const saved = () => fs.readdirSync(slot).filter((name) => /^totals|\.shares$/.test(name));
    assert.ok(saved().length > 2, `${saved()}`);

    await afterIndexBuilds(() => database.db.command({ collMod: 'gsodailies', validator: {} }));
    const { analytics } = create(given);
    analytics.start();
    const isAdded = async () => (await database.days())[0]?.creditsEarned === EVENTS + 1;
    await waitFor(isAdded, { what: 'the totals' });
    await analytics.flush();
    const [day] = await database.days();
    const { creditsEarned, dau, sessionCount } = day;
    assert.deepStrictEqual([creditsEarned, dau, sessionCount], [EVENTS + 1, 2, 3]);
    await waitFor(() => saved().length === 0, { what: 'the end of the files' });
    const { dropped, warnings, queued } = analytics.getHealth();
    assert.deepStrictEqual([dropped, warnings, queued], [{}, {}, 0]);
  });
});
