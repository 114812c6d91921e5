// Totals that cannot be added for long are saved in the spool, so that the disk does not fill up with the
// records they come from; a process that is killed meanwhile loses nothing, and nothing counts twice.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { afterIndexBuilds } = require('../../support/index-builds');
const { waitFor } = require('../../support/wait');
const { create, startProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Some megabytes on disk. */
const EVENTS = 3_000;
/** A segment that is shorter is kept, see `src/spool/segments.rs`. */
const SHORT_BYTES = 100 * 1024;
const LONG_MS = 60_000;

/** Tracks in two parts, says how its spool stands, and is killed when it has said that it waits. */
function playBlocked({ uri, spoolDir, events }, report) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, spoolDir, ackTimeoutMs: 200, logger: false });
  const padding = 'x'.repeat(1_000);
  const part = (name) => {
    for (let i = 0; i < events; i++) analytics.track('credits.earn', name, { amount: 1, padding });
    return Promise.all([analytics.onLogin(`${name}1`), analytics.onLogin('both')]);
  };
  const until = (is) =>
    new Promise((resolve) => {
      const timer = setInterval(() => {
        if (!is(analytics.getHealth())) return;
        clearInterval(timer);
        resolve();
      }, 50);
    });
  const isSaved = ({ spool }) => spool.bytes < 100 * 1024;
  (async () => {
    await part('a');
    await until(({ spool }) => spool.bytes > 1_000_000);
    await until(isSaved);
    await part('b');
    await until(isSaved);
    // These are on disk as records when it is killed.
    for (let i = 0; i < 10; i++) analytics.track('credits.earn', 'c', { amount: 1 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    report(analytics.getHealth());
    process.kill(process.pid, 'SIGKILL');
  })();
}

describe('totals that cannot be added for long', { concurrency: 2 }, () => {
  it('are saved, and added once by the process that follows', async () => {
    const database = mongo.database();
    const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-saved-'));
    const validator = { _a: { $exists: false } };
    await database.db.createCollection('gsodailies', { validator });
    const given = { uri: database.uri, spoolDir, events: EVENTS };
    const killed = await startProgram(playBlocked, { given, timeoutMs: LONG_MS }).finished;
    assert.strictEqual(killed.signal, 'SIGKILL', killed.stderr);
    const { queued, spool, totals } = killed.result;
    assert.strictEqual(queued, 2 * EVENTS + 14);
    assert.ok(spool.bytes < SHORT_BYTES, `${spool.bytes} bytes`);
    assert.strictEqual(totals, 'blocked');
    const file = path.join(spoolDir, '0', 'totals.bson');
    assert.ok(fs.existsSync(file));

    await afterIndexBuilds(() => database.db.command({ collMod: 'gsodailies', validator: {} }));
    const { analytics } = create({ uri: database.uri, spoolDir });
    analytics.start();
    const isAdded = async () => (await database.days())[0]?.creditsEarned === 2 * EVENTS + 10;
    await waitFor(isAdded, { what: 'the totals' });
    await analytics.flush();
    const [day] = await database.days();
    assert.deepStrictEqual([day.creditsEarned, day.dau, day.sessionCount], [2 * EVENTS + 10, 3, 4]);
    assert.strictEqual(await database.count('gsoevents'), 2 * EVENTS + 10);
    await waitFor(() => !fs.existsSync(file), { what: 'the end of the file' });
    const health = analytics.getHealth();
    assert.deepStrictEqual([health.dropped, health.warnings, health.queued], [{}, {}, 0]);
    await analytics.stop();
    fs.rmSync(spoolDir, { recursive: true });
  });

  it('are removed from the disk when the process that saved them has added them', async () => {
    const database = mongo.database();
    const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-saved-'));
    const validator = { creditsEarned: { $lt: 1 } };
    await database.db.createCollection('gsodailies', { validator });
    const { analytics } = create({ uri: database.uri, spoolDir });
    const file = path.join(spoolDir, '0', 'totals.bson');
    for (let i = 0; i < 10; i++) analytics.track('credits.earn', 'u', { amount: 1 });
    await waitFor(() => fs.existsSync(file), { timeoutMs: LONG_MS, what: 'the file' });
    analytics.track('credits.earn', 'u', { amount: 1 });
    await afterIndexBuilds(() => database.db.command({ collMod: 'gsodailies', validator: {} }));
    await waitFor(() => analytics.getHealth().queued === 0, { what: 'the totals' });
    assert.strictEqual((await database.days())[0].creditsEarned, 11);
    await waitFor(() => !fs.existsSync(file), { what: 'the end of the file' });
    await analytics.stop();
    fs.rmSync(spoolDir, { recursive: true });
  });

  it('are lost with a line where the file is damaged, and nothing else is', async () => {
    const database = mongo.database();
    const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-saved-'));
    fs.mkdirSync(path.join(spoolDir, '0'), { mode: 0o700 });
    fs.writeFileSync(path.join(spoolDir, '0', 'totals.bson'), 'nonsense', { mode: 0o600 });
    const { analytics, lines } = create({ uri: database.uri, spoolDir });
    analytics.track('credits.earn', 'u', { amount: 1 });
    await analytics.flush();
    assert.strictEqual((await database.days())[0].creditsEarned, 1);
    assert.ok(lines.some((line) => line.includes('totals.bson.damaged')));
    await analytics.stop();
    fs.rmSync(spoolDir, { recursive: true });
  });
});
