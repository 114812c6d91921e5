// Who is online: the samples that instances write, and what getConcurrency() makes of them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const { replyTo } = require('../../support/wire');
const { startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { NOBODY, create, runProgram, startProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const samplesOf = (database) => database.all('gsoreports', { _id: /^now:/ });
const hoursOf = (database) => database.all('gsoreports', { _id: /^p:/ });

/** A started instance whose players are online before its first sample. */
async function online(database, players, options = {}) {
  const made = create({ uri: database.uri, ...options });
  const before = (await samplesOf(database)).length;
  for (let i = 0; i < players; i++) made.analytics.onLogin(`u${i}`, 'name');
  // The logins are handed over at the end of this turn.
  await nextTurn();
  made.analytics.start();
  await made.analytics.flush();
  const isSeen = async () => (await samplesOf(database)).length > before;
  await waitFor(isSeen, { what: 'a sample' });
  return made;
}

/** A sample as another process would have stored it. */
function sample(incarnation, n, fields = {}) {
  const at = new Date();
  return { _id: `now:${incarnation}`, n, seq: 1, t: at, at, h: {}, ...fields };
}

/** The hours of a day from the minutes of one instance. */
function hours(day, incarnation, minutes) {
  const documents = new Map();
  for (const [minute, n] of minutes) {
    const hour = String(Math.floor(minute / 60)).padStart(2, '0');
    const _id = `p:${day}T${hour}:${incarnation}`;
    if (!documents.has(_id)) documents.set(_id, { _id, m: {} });
    documents.get(_id).m[String(minute % 60).padStart(2, '0')] = n;
  }
  return [...documents.values()];
}

describe('now', { concurrency: true }, () => {
  it('is the sum over all instances, also by name', async () => {
    const database = mongo.database();
    const { analytics } = await online(database, 3, { instanceName: 'eu-1' });
    await online(database, 2, { instanceName: 'eu-1' });
    await online(database, 4);
    const started = Date.now();
    // Their first samples may be of two minutes; then both are known when all have a sample in the second.
    const isKnown = async () => (await analytics.getConcurrency()).peak === 9;
    await waitFor(isKnown, { timeoutMs: 45_000, what: 'a minute with all samples' });
    const answer = await analytics.getConcurrency();
    // Who is online in two processes counts twice.
    assert.deepStrictEqual([answer.now, answer.processes], [9, 3]);
    assert.deepStrictEqual(answer.byInstance, [
      { instance: null, now: 4, processes: 1 },
      { instance: 'eu-1', now: 5, processes: 2 },
    ]);
    const ended = Date.now();
    assert.ok(answer.asOf >= started - 1_000 && answer.asOf <= ended + 1_000, `${answer.asOf}`);
    assert.deepStrictEqual([answer.day, answer.source], [dayOf(started), 'samples']);
    assert.deepStrictEqual([answer.stepS, answer.curve.length], [300, 288]);
    assert.strictEqual(answer.peak, 9);
    assert.ok(answer.peakAt.getTime() % MINUTE_MS === 0 && answer.peakAt <= ended);
    assert.strictEqual(answer.curve[Math.floor((answer.peakAt % DAY_MS) / 300_000)], 9);
  });

  it('is of samples that are fresh, of instances that have neither ended nor died', async () => {
    const database = mongo.database();
    const old = (ms) => ({ at: new Date(Date.now() - ms) });
    await database.db.collection('gsoreports').insertMany([
      sample('00000000aa', 1),
      sample('00000000ab', 10, old(50_000)),
      sample('00000000ac', 100, { ended: true }),
      sample('00000000ad', 1_000),
      { _id: 'dead:00000000ad', state: 'done' },
      // After a fail-over to a slower clock.
      sample('00000000ae', 10_000, old(-30_000)),
      sample('00000000af', 100_000, old(-50_000)),
      // Of later versions, and of nobody.
      { _id: 'now:', n: 5 },
      { _id: 'now:00000000b0', n: 'many' },
      { _id: `d:${dayOf(Date.now())}`, v: 2 },
    ]);
    const { analytics } = create({ uri: database.uri, presence: 'off' });
    const { now, processes } = await analytics.getConcurrency();
    assert.deepStrictEqual([now, processes], [10_001, 2]);
  });

  it('counts nobody twice when an hour is full', async () => {
    const database = mongo.database();
    const today = Date.now();
    const minutes = Array.from({ length: 1_440 }, (_, minute) => [minute, 7]);
    const documents = hours(dayOf(today), '00000000aa', minutes);
    await database.db.collection('gsoreports').insertMany([...documents, sample('00000000aa', 7)]);
    const { analytics } = create({ uri: database.uri, presence: 'off' });
    const { now, peak } = await analytics.getConcurrency();
    assert.deepStrictEqual([now, peak], [7, 7]);
  });

  it('is null where nobody says anything', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri, presence: 'off' });
    await analytics.onLogin('u', 'name');
    const answer = await analytics.getConcurrency();
    assert.deepStrictEqual([answer.now, answer.processes, answer.byInstance], [null, 0, []]);
    await analytics.stop();
    assert.strictEqual(await database.count('gsoreports'), 0);
    assert.strictEqual(lines.length, 1, lines.join('\n'));
    assert.match(lines[0], /^info .*presence is off/);
  });
});

describe('a sample', { concurrency: true }, () => {
  it('says how the instance is, and the last one that it has ended', async () => {
    const database = mongo.database();
    const destinations = [{ format: 'raw', url: 'http://127.0.0.1:1/', name: 'hook' }];
    const { analytics } = await online(database, 2, { instanceName: 'eu-1', destinations });
    const [now] = await samplesOf(database);
    assert.match(now._id, /^now:[0-9a-f]{10}$/);
    assert.deepStrictEqual([now.n, now.seq, now.ended, now.x], [2, 1, undefined, undefined]);
    assert.ok(Math.abs(now.at - Date.now()) < 10_000 && Math.abs(now.t - now.at) < 10_000);
    const { version } = require('../../../package.json');
    const { instance, totals, destinations: told } = now.h;
    assert.deepStrictEqual([now.h.version, instance, totals], [version, 'eu-1', 'ok']);
    assert.deepStrictEqual([told.length, told[0].name, told[0].circuit], [1, 'hook', 'closed']);
    const [hour] = await hoursOf(database);
    const incarnation = now._id.slice(4);
    assert.strictEqual(hour._id, `p:${now.at.toISOString().slice(0, 13)}:${incarnation}`);
    assert.deepStrictEqual(Object.values(hour.m), [2]);
    const midnight = Math.floor(now.at / DAY_MS + 1) * DAY_MS;
    assert.strictEqual(hour.x.getTime(), midnight + 3 * DAY_MS);
    await analytics.stop();
    const [ended] = await samplesOf(database);
    assert.deepStrictEqual([ended.n, ended.seq, ended.ended], [0, 2, true]);
    assert.ok(ended.x - ended.at > 2 * DAY_MS, 'two players are left');
    const [index] = (await database.db.collection('gsoreports').indexes()).slice(1);
    assert.deepStrictEqual([index.key, index.expireAfterSeconds], [{ x: 1 }, 0]);
    analytics.start();
    const isBack = async () => (await samplesOf(database))[0].ended === undefined;
    await waitFor(isBack, { what: 'a sample after another start' });
    const [back] = await samplesOf(database);
    assert.deepStrictEqual([back._id, back.n, back.x], [now._id, 2, undefined]);
    for (const user of ['u0', 'u1']) analytics.onLogout(user);
    await analytics.flush();
    await analytics.stop();
    const [done] = await samplesOf(database);
    // Else jobs of a minute each would leave thousands, which every sample reads.
    assert.ok(done.x > done.at && done.x - done.at <= 11 * MINUTE_MS);
  });

  it('keeps what later versions have added', async () => {
    const database = mongo.database();
    const { analytics } = await online(database, 1);
    const reports = database.db.collection('gsoreports');
    await reports.updateMany({ _id: /^(now|p):/ }, { $set: { later: { a: 1 } } });
    await analytics.stop();
    const kept = await database.all('gsoreports');
    assert.strictEqual(kept.length >= 2, true);
    for (const { _id, later } of kept) assert.deepStrictEqual(later, { a: 1 }, _id);
  });

  it('is of the hour and the minute of the server', async () => {
    const database = mongo.database();
    const shiftMs = 70 * MINUTE_MS;
    const proxy = await startProxy(mongo.server.port);
    const shift = async (exchange) => {
      const reply = await exchange.forward({ silently: true });
      const localTime = new Date(reply.body.localTime.getTime() + shiftMs);
      exchange.connection.driver.write(replyTo(exchange.request, { ...reply.body, localTime }));
    };
    const isOurs = ({ command, body }) => command === 'hello' && body.$db === database.name;
    const asked = proxy.rule({ when: isOurs, fate: shift });
    const from = Date.now() + shiftMs;
    await online(database, 1, { uri: proxy.uri(database.name) });
    const until = Date.now() + shiftMs;
    assert.ok(asked.taken.length > 0);
    const [hour] = await hoursOf(database);
    const [minute] = Object.keys(hour.m);
    const at = Date.parse(`${hour._id.slice(2, 15)}:${minute}:00Z`);
    assert.ok(at > from - MINUTE_MS && at <= until, new Date(at).toISOString());
    await proxy.close();
  });

  it('is written at the normal end of a process, and not when it is killed', async () => {
    const database = mongo.database();
    const given = { uri: database.uri };
    const play = async ({ uri }, report) => {
      const AnalyticsSystem = require('.');
      const analytics = new AnalyticsSystem({ uri, logger: false });
      await analytics.onLogin('u', 'name');
      const isSeen = async () => (await analytics.getConcurrency()).now > 0;
      while (!(await isSeen())) await new Promise((resolve) => setTimeout(resolve, 20));
      if (uri.includes('killed')) process.kill(process.pid, 'SIGKILL');
      report('seen');
    };
    await runProgram(play, { given });
    const [ended] = await samplesOf(database);
    assert.deepStrictEqual([ended.n, ended.ended], [0, true]);
    const killed = {
      uri: `${database.uri}${database.uri.includes('?') ? '&' : '?'}appName=killed`,
    };
    await startProgram(play, { given: killed }).finished;
    const samples = await samplesOf(database);
    const left = samples.filter((one) => !one.ended);
    assert.deepStrictEqual(
      left.map(({ n }) => n),
      [1],
    );
    const { analytics } = create({ uri: database.uri, presence: 'off' });
    assert.strictEqual((await analytics.getConcurrency()).now, 1);
  });

  it('stands in the way of nothing while the database is frozen', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const uri = proxy.uri(database.name);
    const { analytics, lines } = await online(database, 1, { uri, shutdownTimeoutMs: 20_000 });
    proxy.freeze();
    const started = Date.now();
    await analytics.stop();
    // Three of them for indexes that are being made.
    assert.ok(Date.now() - started < 5_000, `${Date.now() - started} ms`);
    assert.deepStrictEqual(lines, ['info [ANALYTICS] System started']);
    await proxy.close();
  });
});

describe('the curve', { concurrency: true }, () => {
  const DAY = '2031-05-17';

  it('is the sum of the minutes of all instances; a killed one does not count twice', async () => {
    const database = mongo.database();
    const from = (first, last, n) =>
      Array.from({ length: last - first + 1 }, (_, i) => [first + i, n]);
    await database.db.collection('gsoreports').insertMany([
      // Killed at 10:02, and its players come back to the next one within the minute.
      ...hours(DAY, '00000000aa', from(590, 602, 50)),
      ...hours(DAY, '00000000ab', [...from(602, 640, 50), [641, 0]]),
      // Starts while that one stops, and misses a minute at 10:58.
      ...hours(DAY, '00000000ac', [...from(641, 657, 60), ...from(659, 660, 60)]),
      ...hours(DAY, '00000000ad', [...from(650, 660, 5), [661, 0]]),
      { _id: `p:${DAY}T12:nobody`, m: { '00': 5 } },
      { _id: `p:${DAY}T12:00000000ae`, m: { '00': 'many', later: 1 } },
    ]);
    const { analytics } = create({ uri: database.uri, presence: 'off' });
    const { day, peak, peakAt, curve, source } = await analytics.getConcurrency({ day: DAY });
    assert.deepStrictEqual([day, source, peak], [DAY, 'samples', 65]);
    assert.strictEqual(peakAt.toISOString(), `${DAY}T10:50:00.000Z`);
    const known = curve.map((n, step) => [step * 5, n]).filter(([, n]) => n !== null);
    assert.deepStrictEqual(known, [
      [590, 50],
      [595, 50],
      ...from(120, 127, 50).map(([step]) => [step * 5, 50]),
      [640, 60],
      [645, 60],
      [650, 65],
      [655, 65],
    ]);
  });

  it('of a day without samples is that of its sessions', async () => {
    const database = mongo.database();
    const at = (text) => new Date(`${text}Z`);
    const session = (login, logout) => ({
      userId: 'u',
      loginAt: at(login),
      logoutAt: logout && at(logout),
      day: login.slice(0, 10),
    });
    await database.db.collection('gsosessions').insertMany([
      session('2026-10-30T22:00:00', '2026-10-31T00:07:30'),
      session('2026-10-31T00:00:00', '2026-10-31T00:01:00'),
      session('2026-10-31T00:00:20', '2026-10-31T00:00:40'),
      session('2026-10-31T23:59:59', '2026-11-01T03:00:00'),
      // Before the day, open, and nothing that this package writes.
      session('2026-10-30T10:00:00', '2026-10-30T11:00:00'),
      session('2026-10-31T12:00:00', null),
      { loginAt: 'noon', logoutAt: 5, day: '2026-10-31' },
      session('2026-10-31T13:00:00', '2026-10-31T12:00:00'),
    ]);
    const { analytics } = create({ uri: database.uri });
    const answer = await analytics.getConcurrency({ day: '2026-10-31' });
    assert.deepStrictEqual([answer.source, answer.peak], ['sessions', 2]);
    assert.strictEqual(answer.peakAt.toISOString(), '2026-10-31T00:00:00.000Z');
    assert.deepStrictEqual(answer.curve.slice(0, 3), [2, 1, 0]);
    assert.deepStrictEqual([answer.curve[156], answer.curve[287]], [0, 1]);
    const tomorrow = await analytics.getConcurrency({ day: dayOf(Date.now() + DAY_MS) });
    assert.deepStrictEqual([tomorrow.peak, tomorrow.peakAt], [null, null]);
    assert.deepStrictEqual(new Set(tomorrow.curve), new Set([null]));
  });
});

describe('what cannot be answered', { concurrency: true }, () => {
  it('a day that does not exist is a TypeError', async () => {
    const { analytics } = create({ uri: mongo.database().uri });
    const days = ['', '2027-02-29', '2026-1-01', '2026-11-29T00', ' 2026-11-29', 5, {}, [], true];
    for (const day of [...days, Symbol('day'), 5n, new Date(), 'x'.repeat(1_000_000)]) {
      await assert.rejects(analytics.getConcurrency({ day }), {
        name: 'TypeError',
        message: /^day: /,
      });
    }
    const thrown = new Error('own');
    const hostile = {
      get day() {
        throw thrown;
      },
    };
    await assert.rejects(analytics.getConcurrency(hostile), thrown);
    for (const options of [undefined, null, {}, { day: undefined }, { day: null }, 5, 'text']) {
      assert.strictEqual((await analytics.getConcurrency(options)).day, dayOf(Date.now()));
    }
  });

  it('a database that is away is a timeout', async () => {
    const { analytics } = create({ uri: NOBODY, operationTimeoutMs: 200 });
    await assert.rejects(analytics.getConcurrency(), {
      code: 'ANALYTICS_TIMEOUT',
      message: /^getConcurrency\(\) was not finished after 200 ms, the limit of operationTimeoutMs/,
    });
  });

  it('options out of bounds are named', () => {
    for (const presence of ['maybe', '', true, 5]) {
      assert.throws(() => create({ presence }), { name: 'TypeError', message: /^presence: / });
    }
    for (const instanceName of ['', 'a\nb', 'é'.repeat(65), 5, {}]) {
      const error = { name: 'TypeError', message: /^instanceName: / };
      assert.throws(() => create({ instanceName }), error);
    }
    assert.doesNotThrow(() => create({ uri: NOBODY, instanceName: 'é'.repeat(64) }));
  });
});

describe('a user without rights on the samples', () => {
  const guarded = useMongod({ own: true, auth: true });
  const ALL = ['insert', 'update', 'find', 'createIndex', 'listIndexes'];
  const RIGHTS = {
    none: [],
    'all but to make the index': ['insert', 'update', 'find'],
    'all but to update': ['insert', 'find', 'createIndex', 'listIndexes'],
  };

  async function userWith(database, name, actions) {
    const privileges = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques', 'gsoreports'].map(
      (collection) => ({
        resource: { db: database.name, collection },
        actions: collection === 'gsoreports' ? actions : ALL,
      }),
    );
    const granted = privileges.filter((privilege) => privilege.actions.length > 0);
    await database.db.command({ createRole: name, privileges: granted, roles: [] });
    const roles = [{ role: name, db: database.name }];
    await database.db.command({ createUser: name, pwd: 'secret', roles });
    return `mongodb://${name}:secret@127.0.0.1:${guarded.server.port}/${database.name}`;
  }

  let number = 0;
  for (const [name, actions] of Object.entries(RIGHTS)) {
    it(`${name}: one line says so, and everything else is as before`, async () => {
      const database = guarded.database();
      const uri = await userWith(database, `player${number++}`, actions);
      const { analytics, lines } = create({ uri });
      analytics.start();
      await analytics.onLogin('u', 'name');
      analytics.track('credits.earn', 'u', { amount: 2 });
      const isTold = () => lines.some((line) => line.includes('presence is off'));
      await waitFor(isTold, { what: 'the line' });
      const { today, dau } = await analytics.getMetrics();
      assert.deepStrictEqual([today.creditsEarned, dau], [2, 1]);
      // What this user may read is scraped; payers and players online are not known.
      assert.match(await analytics.getOpenMetrics(), /^gso_today_logins 1$/m);
      const { connected, refusedCollections, totals, dropped } = analytics.getHealth();
      assert.deepStrictEqual(
        [connected, refusedCollections, totals, dropped],
        [true, [], 'ok', {}],
      );
      if (!actions.includes('find')) {
        await assert.rejects(analytics.getConcurrency(), { code: 'ANALYTICS_DATABASE' });
      }
      await analytics.stop();
      const warned = lines.filter((line) => !line.startsWith('info'));
      assert.strictEqual(warned.length, 1, lines.join('\n'));
      assert.match(warned[0], /presence is off: .*Grant .*createIndex/);
      assert.strictEqual(await database.count('gsoreports'), 0);
    });
  }
});
