// Counters of the host's own: counted, restarted, spooled, merged over processes and read as the built-in
// ones are, also where processes with different maps share a day.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const mongoose = require('mongoose');
const { afterIndexBuilds } = require('../../support/index-builds');
const { waitFor } = require('../../support/wait');
const { startProxy } = require('../../support/proxy');
const {
  AnalyticsSystem,
  create,
  runProgram,
  startProgram,
  useMongod,
} = require('../../support/setup');

const mongo = useMongod();

const COUNTERS = {
  'boss.kill': 'bossKills',
  'gold.earn': { total: 'goldEarned', amount: 'gold' },
  'quest.reward': { total: 'creditsEarned', amount: 'credits' },
  'raid.complete': 'bossKills',
  'pvp.battle': null,
};
const OLDER = { 'duel.win': 'duelsWon', 'gold.earn': { total: 'goldEarned', amount: 'gold' } };

/** Each of the events of both maps so often; `times` of a half of gold. */
function play({ uri, counters, times }, report) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, counters, logger: false });
  const data = { gold: 0.5, credits: 3, amount: 2 };
  const events = ['boss.kill', 'gold.earn', 'quest.reward', 'raid.complete', 'pvp.battle'];
  for (let i = 0; i < times; i++) {
    for (const event of [...events, 'credits.earn', 'duel.win']) analytics.track(event, 'u', data);
  }
  return analytics.getMetrics().then(({ today }) => {
    report(today);
    return analytics.stop();
  });
}

/** Tracks without a database, and is killed once all is on disk. */
function playAndDie({ uri, spoolDir, counters, webhookUrl }, report) {
  const AnalyticsSystem = require('.');
  const options = { uri, spoolDir, counters, webhookUrl, logger: false };
  const analytics = new AnalyticsSystem(options);
  analytics.start();
  for (let i = 0; i < 10; i++) {
    analytics.track('boss.kill', 'u', { i });
    analytics.track('gold.earn', 'u', { gold: 1.25 });
    analytics.track('quest.reward', 'u', { credits: 7 });
    analytics.track('dungeon.complete', 'u');
  }
  const look = () => {
    const { spool } = analytics.getHealth();
    if (spool.unsyncedRecords > 0 || spool.bytes === 0) return;
    report(spool);
    process.kill(process.pid, 'SIGKILL');
  };
  setInterval(look, 20);
}

const freshFolder = (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-counters-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
};

const picked = (document, ...names) => names.map((name) => document[name]);

describe('counters of the host', { concurrency: 2 }, () => {
  it('are added to the built-in ones, replace them and take them out', async () => {
    const database = mongo.database();
    const { result } = await runProgram(play, {
      given: { uri: database.uri, counters: COUNTERS, times: 4 },
    });
    const names = ['bossKills', 'goldEarned', 'creditsEarned', 'raidBattles', 'pvpBattles'];
    const expected = [8, 2, 4 * (3 + 2), 0, 0];
    assert.deepStrictEqual(picked(result, ...names), expected);
    const [day] = await database.days();
    assert.deepStrictEqual(picked(day, ...names), expected);
    assert.ok(!('duelsWon' in day));
    const [stored] = await database.events({ event: 'gold.earn' });
    assert.deepStrictEqual(stored.data, { gold: 0.5, credits: 3, amount: 2 });
  });

  it('are 0 from the first document of a process that knows them, and on days before', async () => {
    const database = mongo.database();
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    await database.db
      .collection('gsodailies')
      .insertOne({ day: yesterday, month: yesterday.slice(0, 7) });
    const { analytics } = create({ uri: database.uri, counters: COUNTERS });
    analytics.track('dungeon.complete', 'u');
    await analytics.flush();
    const days = await analytics.getLast30Days();
    assert.strictEqual(days.length, 2);
    for (const day of days) assert.deepStrictEqual(picked(day, 'bossKills', 'goldEarned'), [0, 0]);
    const [before, today] = (await database.days()).sort((a, b) => a.day.localeCompare(b.day));
    assert.deepStrictEqual([today.bossKills, 'bossKills' in before], [0, false]);
  });

  it('are added up over restarts and processes with different maps', async () => {
    const database = mongo.database();
    const playOne = (counters, times) =>
      runProgram(play, { given: { uri: database.uri, counters, times } });
    await Promise.all([playOne(COUNTERS, 10), playOne(OLDER, 20), playOne(undefined, 30)]);
    const { result } = await playOne(COUNTERS, 10);
    const totals = {
      bossKills: 2 * (10 + 10),
      goldEarned: 0.5 * (10 + 20 + 10),
      duelsWon: 20,
      creditsEarned: 2 * 70 + 3 * 20,
      raidBattles: 20 + 30,
      pvpBattles: 20 + 30,
    };
    const days = await database.days();
    assert.strictEqual(days.length, 1);
    for (const document of [days[0], result]) {
      assert.deepStrictEqual(picked(document, ...Object.keys(totals)), Object.values(totals));
    }
  });

  it('that wait in a spool are read right under another map', async (t) => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    t.after(() => proxy.close());
    const uri = proxy.uri(database.name);
    const spoolDir = freshFolder(t);
    proxy.isRefusing = true;
    const given = { uri, spoolDir, counters: COUNTERS };
    const killed = await startProgram(playAndDie, { given }).finished;
    assert.strictEqual(killed.signal, 'SIGKILL', killed.stderr);
    proxy.isRefusing = false;
    const counters = { 'other.event': 'goldEarned', 'boss.kill': 'otherTotal' };
    const { analytics } = create({ uri, spoolDir, counters });
    analytics.track('boss.kill', 'u');
    analytics.start();
    const isDone = async () => (await database.count('gsoevents')) === 41;
    await waitFor(isDone, { what: 'the records of the killed process' });
    await waitFor(() => analytics.getHealth().queued === 0, { what: 'their totals' });
    const [day] = await database.days();
    const names = ['bossKills', 'goldEarned', 'creditsEarned', 'dungeonsRun', 'otherTotal'];
    assert.deepStrictEqual(picked(day, ...names), [10, 12.5, 70, 10, 1]);
    const { dropped, spool } = analytics.getHealth();
    assert.deepStrictEqual([dropped, spool.damagedBytes], [{}, 0]);
  });

  it('that could not be added for long are saved, and added under another map', async (t) => {
    const database = mongo.database();
    const validator = { _a: { $exists: false } };
    await database.db.createCollection('gsodailies', { validator });
    const spoolDir = freshFolder(t);
    const host = startProgram(
      ({ uri, spoolDir, counters }) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri, spoolDir, counters, logger: false });
        for (let i = 0; i < 10; i++) analytics.track('gold.earn', 'u', { gold: 1.5 });
        setInterval(() => {}, 1_000);
      },
      { given: { uri: database.uri, spoolDir, counters: COUNTERS }, timeoutMs: 60_000 },
    );
    const file = path.join(spoolDir, '0', 'totals.bson');
    await waitFor(() => fs.existsSync(file), { timeoutMs: 60_000, what: 'the saved totals' });
    host.child.kill('SIGKILL');
    await host.finished;
    await afterIndexBuilds(() => database.db.command({ collMod: 'gsodailies', validator: {} }));
    const { analytics } = create({ uri: database.uri, spoolDir, counters: OLDER });
    analytics.start();
    const isAdded = async () => (await database.days())[0]?.goldEarned === 15;
    await waitFor(isAdded, { what: 'the totals' });
    await waitFor(() => !fs.existsSync(file), { what: 'the end of the file' });
    await analytics.flush();
    assert.strictEqual((await database.days())[0].goldEarned, 15);
  });

  it('are paths of the model that is registered for the host', async (t) => {
    const database = mongo.database();
    const copy = new mongoose.Mongoose();
    t.after(() => copy.disconnect());
    const counters = { 'boss.kill': 'bossKills', 'a.save': 'save', 'an.init': 'init' };
    const { analytics } = create({ uri: database.uri, mongoose: copy, counters });
    create({ uri: database.uri, mongoose: copy, counters: OLDER });
    for (const event of ['boss.kill', 'a.save', 'an.init']) analytics.track(event, 'u');
    await analytics.flush();
    const { GSODaily } = copy.models;
    await copy.connect(database.uri);
    const day = await GSODaily.findOne();
    assert.deepStrictEqual(picked(day, 'bossKills', 'duelsWon', 'dungeonsRun'), [1, 0, 0]);
    assert.strictEqual(GSODaily.schema.path('duelsWon').instance, 'Number');
    // Documents of mongoose need these names themselves.
    assert.deepStrictEqual([typeof day.save, typeof day.init], ['function', 'function']);
    const [stored] = await database.days();
    assert.deepStrictEqual(picked(stored, 'save', 'init'), [1, 1]);
  });

  it('are not added to a model of the host', () => {
    const copy = new mongoose.Mongoose();
    const model = copy.model('GSODaily', new copy.Schema({ day: String }));
    create({ uri: mongo.database().uri, mongoose: copy, counters: COUNTERS });
    assert.strictEqual(model.schema.path('bossKills'), undefined);
  });
});

describe('a map of counters', () => {
  const make = (counters) => new AnalyticsSystem({ logger: false, counters });

  it('that is hostile is refused, and named', () => {
    const cycle = { 'boss.kill': {} };
    cycle['boss.kill'].total = cycle;
    const getter = Object.defineProperty({}, 'boss.kill', {
      enumerable: true,
      get: () => assert.fail('by the getter'),
    });
    const proxy = new Proxy({}, { ownKeys: () => assert.fail('by the proxy') });
    const deep = JSON.parse(`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`);
    for (const counters of [
      ...[
        cycle,
        getter,
        proxy,
        new Map([['boss.kill', 'bossKills']]),
        new Date(),
        /x/,
        5,
        'a',
        true,
      ],
      ...[{ 'boss.kill': cycle }, { 'boss.kill': getter }, deep, { '\ud800': 'half' }],
      ...[
        { e: '\ud800' },
        { e: '__proto__' },
        { e: { total: '_a' } },
        { e: '$where' },
        { e: 'a.b' },
      ],
      ...[{ e: () => 'a' }, { e: Symbol('a') }, { e: 10n }, { ['e'.repeat(1e6)]: 'a' }],
      { e: 'a'.repeat(1e6) },
    ]) {
      assert.throws(() => make(counters), { name: 'TypeError', message: /^counters\b.{1,300}$/ });
    }
  });

  it('may have the names of members of objects, and is read once', async () => {
    const database = mongo.database();
    const counters = JSON.parse('{"__proto__": "protos", "constructor": "constructor"}');
    Object.assign(counters, { toString: 'valueOf', '': 'empty' });
    const { analytics } = create({ uri: database.uri, counters: Object.freeze(counters) });
    for (const event of ['__proto__', 'constructor', 'toString', '', 'valueOf', 'hasOwnProperty']) {
      analytics.track(event, 'u', {});
    }
    const { today } = await analytics.getMetrics();
    assert.deepStrictEqual(
      picked(today, 'protos', 'constructor', 'valueOf', 'empty'),
      [1, 1, 1, 1],
    );
  });

  it('of any form is refused by its name or counts', () => {
    const name = fc.oneof(
      fc.constantFrom('_id', '__v', '_a', 'day', 'dau', 'gemsEarned', '__proto__', 'a', 'B_9'),
      fc.stringMatching(/^[A-Za-z][A-Za-z0-9_]{0,63}$/),
      fc.string({ unit: 'binary', maxLength: 80 }),
    );
    const entry = fc.oneof(
      { weight: 6, arbitrary: name },
      {
        weight: 2,
        arbitrary: fc.record({ total: name, amount: name }, { requiredKeys: ['total'] }),
      },
      { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
      { weight: 1, arbitrary: fc.anything({ withBigInt: true, withMap: true, withDate: true }) },
    );
    const event = fc.oneof(fc.string({ unit: 'binary' }), name);
    const isField = (total) =>
      /^[A-Za-z]\w{0,63}$/.test(total) &&
      !['day', 'month', 'dau', 'sessionCount', 'totalSessionS'].includes(total);
    fc.assert(
      fc.property(fc.dictionary(event, entry, { maxKeys: 5 }), (counters) => {
        let analytics;
        try {
          analytics = make(counters);
        } catch (error) {
          assert.ok(error instanceof TypeError);
          assert.match(error.message, /^(counters|options)\b/);
          return;
        }
        for (const [name, value] of Object.entries(counters)) {
          const total = value?.total ?? value;
          if (total != null) assert.ok(isField(total), JSON.stringify([name, value]));
          analytics.track(name, 'u', { a: 1 });
        }
        const { rejected } = analytics.getHealth();
        assert.ok(
          Object.keys(rejected).every((reason) => reason === 'name_too_long'),
          rejected,
        );
      }),
      { numRuns: Number(process.env.FUZZ_RUNS) || 200 },
    );
  });
});
