// A process of an earlier build and one of this build on one day, as during a roll-out. The earlier one is a
// built checkout that GSO_ANALYTICS_EARLIER names.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Findings, amountsOf, checkMonths, checkTotals } = require('../exactness/audit');
const { startServer } = require('../../support/game-server');
const { startProxy } = require('../../support/proxy');
const { useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');

const EARLIER = process.env.GSO_ANALYTICS_EARLIER;
/** Whether the earlier build writes samples. */
const HAS_PRESENCE =
  EARLIER && fs.readFileSync(path.join(EARLIER, 'index.d.ts'), 'utf8').includes('getConcurrency');
const PLAYERS = require.resolve('./players');
const BUILDS = { earlier: EARLIER, this: undefined };
const DIRECTIONS = [
  ['earlier', 'this'],
  ['this', 'earlier'],
];
const LIFETIME_MS = 300_000;
/** A sample comes within 20 s. */
const SAMPLE_MS = 40_000;
/** Somewhat longer than somebody who watches needs to close the sessions of a process that died. */
const CLOSED_MS = 150_000;
const FEW = 30;

const mongo = useMongod();

async function start(build, name, options) {
  const settings = { name, addon: BUILDS[build], options };
  const server = await startServer(PLAYERS, settings, { timeoutMs: LIFETIME_MS });
  await server.tell('start');
  return server;
}

/** All totals are those of the stored documents. */
async function assertExact(database) {
  const findings = new Findings();
  const [events, sessions, days] = [
    await database.events(),
    await database.sessions(),
    await database.days(),
  ];
  const ofDay = (day) => amountsOf(events.filter((event) => event.day === day));
  const amounts = new Map(days.map(({ day }) => [day, ofDay(day)]));
  const bases = await database.all('gsouniques', { '_id.p': 'base' });
  checkTotals(findings, { amounts, sessions, days });
  checkMonths(findings, { sessions, days, bases });
  findings.assertNone();
}

/** Waits for the samples with these fields of all processes that write any. */
function seen(database, fields, what) {
  const count = HAS_PRESENCE ? 2 : 1;
  const areSeen = async () => (await database.all('gsoreports', fields)).length === count;
  return waitFor(areSeen, { timeoutMs: SAMPLE_MS, what });
}

const openOf = (database, name) =>
  database.count('gsosessions', { username: { $regex: `^${name}:` }, logoutAt: null });

describe('an earlier build beside this one', {
  concurrency: true,
  skip: EARLIER ? false : 'GSO_ANALYTICS_EARLIER names no earlier build',
}, () => {
  it('shares a day with it, counts its players, and keeps what it does not know', async () => {
    const database = mongo.database();
    const options = { uri: database.uri };
    const [one, other] = [
      await start('earlier', 'earlier', options),
      await start('this', 'this', options),
    ];
    for (const server of [one, other]) {
      await server.tell('login', [0, FEW]);
      await server.tell('track', [0, FEW]);
      await server.tell('logout', [0, FEW / 2]);
      await server.tell('flush');
    }
    await assertExact(database);
    await seen(database, { n: FEW / 2 }, 'the first samples');
    const counted = HAS_PRESENCE ? [one, other] : [other];
    for (const server of counted) {
      assert.strictEqual((await server.tell('concurrency')).now, (counted.length * FEW) / 2);
    }
    const reports = database.db.collection('gsoreports');
    await reports.updateMany({ _id: /^now:/ }, { $set: { later: 1 } });
    const changed = { n: FEW / 2 - 1, later: 1 };
    for (const server of [one, other]) await server.tell('logout', [FEW / 2, FEW / 2 + 1]);
    await seen(database, changed, 'the next samples');
    for (const server of [one, other]) await server.tell('flush');
    await assertExact(database);
    for (const server of [one, other]) await server.kill();
  });

  it('leaves the sessions of the earlier one open when that dies', {
    timeout: LIFETIME_MS,
  }, async () => {
    const database = mongo.database();
    const options = { uri: database.uri };
    const watcher = await start('this', 'watcher', options);
    // What becomes of the one of this build shows when the earlier one would have been closed.
    const victims = [
      await start('earlier', 'earlier', options),
      await start('this', 'victim', options),
    ];
    for (const server of victims) {
      await server.tell('login', [0, FEW]);
      await server.tell('flush');
    }
    await seen(database, { n: FEW }, 'the samples');
    for (const server of victims) await server.kill();
    const isClosed = async () => (await openOf(database, 'victim')) === 0;
    await waitFor(isClosed, { timeoutMs: CLOSED_MS, what: 'the sessions to be closed' });
    const claims = () => database.all('gsoreports', { _id: /^dead:/ });
    const isCounted = async () => (await claims()).every(({ state }) => state === 'done');
    await waitFor(isCounted, { what: 'the closed sessions to be counted' });
    assert.strictEqual(await openOf(database, 'earlier'), FEW);
    await assertExact(database);
    await watcher.kill();
  });

  for (const [from, to] of DIRECTIONS) {
    it(`leaves a spool of ${from} to ${to}`, async (t) => {
      const database = mongo.database();
      const proxy = await startProxy(mongo.server.port);
      t.after(() => proxy.close());
      const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-earlier-'));
      t.after(() => fs.rmSync(spoolDir, { recursive: true, force: true }));
      const victim = await start(from, 'victim', { uri: proxy.uri(database.name), spoolDir });
      await victim.tell('login', [0, FEW]);
      await victim.tell('flush');
      proxy.isRefusing = true;
      await victim.tell('logout', [0, FEW]);
      await victim.tell('track', [0, FEW]);
      await victim.tell('login', [FEW, FEW * 2]);
      await victim.until(({ spool }) => !spool.unsyncedRecords && spool.bytes > 0);
      await victim.kill();
      proxy.isRefusing = false;
      const heir = await start(to, 'heir', { uri: database.uri, spoolDir });
      const isWritten = async () => (await database.count('gsoevents')) === FEW;
      await waitFor(isWritten, { timeoutMs: 60_000, what: 'the events out of the spool' });
      await heir.until(({ queued }) => queued === 0);
      await heir.tell('login', [0, 1]);
      await heir.tell('flush');
      assert.strictEqual(await database.count('gsosessions'), FEW * 2 + 1);
      assert.strictEqual(await openOf(database, 'victim'), FEW);
      await assertExact(database);
      await heir.kill();
    });
  }
});
