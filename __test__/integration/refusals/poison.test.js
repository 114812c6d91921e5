// A document that the server refuses costs only itself: records beside it are stored and counted within two
// seconds, whether the server names the document or refuses the whole command, with any code, and over
// restarts with a spool.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { create, startProgram, useMongod } = require('../../support/setup');
const { kindOf } = require('../exactness/writes');

const mongo = useMongod();

const INNOCENT = 200;
const LIMIT_MS = 2_000;
/** The time until a record is dropped that is alone, so that no other proves that the collection works. */
const ALONE_MS = 40_000;

/** Indexes that an operator has made, and the values that they refuse. */
const INDEXES = {
  'hashed, and a list': [{ 'data.v': 'hashed' }, ['x', 'y']],
  'hashed, and a list inside': [{ 'data.v.deep': 'hashed' }, { deep: [1] }],
  '2d, and a point outside': [{ 'data.v': '2d' }, [1_000, 2_000]],
  '2dsphere, and a text': [{ 'data.v': '2dsphere' }, 'nowhere'],
  '2dsphere, and a point outside': [
    { 'data.v': '2dsphere' },
    { type: 'Point', coordinates: [999, 1] },
  ],
  '2dsphere, and no such shape': [{ 'data.v': '2dsphere' }, { type: 'Blob', coordinates: [1, 1] }],
  'text, and an unknown language': [{ 'data.v.t': 'text' }, { t: 'x', language: 'klingon' }],
  'text, and a language that is none': [{ '$**': 'text' }, { t: 'x', language: 7 }],
  'two lists in one index': [
    { 'data.v.a': 1, 'data.v.b': 1 },
    { a: [1, 2], b: [3, 4] },
  ],
};

const proxies = [];
after(() => Promise.all(proxies.map((proxy) => proxy.close())));

/** Innocent records of all kinds, half of them before `poison()`. */
async function trackAround(analytics, poison) {
  const half = (name) => {
    for (let i = 0; i < INNOCENT / 2; i++) analytics.track('credits.earn', name, { amount: 1 });
  };
  half('before');
  await poison();
  half('after');
  await Promise.all([analytics.onLogin('ann', 'Ann'), analytics.onLogin('bob', 'Bob')]);
}

async function assertInnocent(database, analytics, { events = INNOCENT, dropped = 1 } = {}) {
  const [day] = await database.days();
  assert.strictEqual(await database.count('gsoevents', { event: 'credits.earn' }), events);
  assert.strictEqual(day.creditsEarned, events);
  const health = analytics.getHealth();
  assert.deepStrictEqual(health.dropped, dropped > 0 ? { refused_by_server: dropped } : {});
  assert.strictEqual(health.written + dropped, health.accepted);
  assert.deepStrictEqual(health.refusedCollections, []);
  assert.strictEqual(health.totals, 'ok');
  assert.ok(health.connected);
}

async function flushWithin(analytics, limitMs) {
  const begun = performance.now();
  await analytics.flush();
  const ms = performance.now() - begun;
  assert.ok(ms < limitMs, `flush() took ${Math.round(ms)} ms`);
}

describe('a document that an index refuses', { concurrency: 2 }, () => {
  for (const [name, [keys, value]] of Object.entries(INDEXES)) {
    it(name, async () => {
      const database = mongo.database();
      await database.db.collection('gsoevents').createIndex(keys);
      const { analytics } = create({ uri: database.uri });
      await analytics.flush();
      await trackAround(analytics, () => analytics.track('chat', 'mallory', { v: value }));
      await flushWithin(analytics, LIMIT_MS);
      await assertInnocent(database, analytics);
      assert.strictEqual((await database.days())[0].dau, 2);
    });
  }
});

/** Codes about content, and one that the table does not know. */
const CODES = { InvalidBSON: 22, FailedToParse: 9, TooLarge: 10_334, Unheard: 987_654 };

const holds = (documents, mark) =>
  documents?.some((document) => JSON.stringify(document).includes(mark));

const isWrite = (request) => kindOf(request) !== undefined;

/** Dies when all of its records are on disk. */
function trackAndDie({ uri, spoolDir, events }) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, spoolDir, logger: false });
  for (let i = 0; i < events; i++) {
    analytics.track('credits.earn', 'u', { amount: 1 });
    if (i === 100) analytics.track('poison', 'mallory');
  }
  let before = 0;
  setInterval(() => {
    const { bytes } = analytics.getHealth().spool;
    if (bytes > 10_000 && bytes === before) process.kill(process.pid, 'SIGKILL');
    before = bytes;
  }, 200);
}

/** A proxy that answers commands of a kind which hold `poison` with an error. */
async function poisonedProxy({ kind, code }) {
  const database = mongo.database();
  const proxy = await startProxy(mongo.server.port);
  proxies.push(proxy);
  const when = (request) =>
    kindOf(request) === kind && holds(request.body.documents ?? request.body.updates, 'poison');
  proxy.rule({ when, fate: fates.refuse({ code, codeName: 'ByTheTest', errmsg: 'by the test' }) });
  return { database, proxy };
}

/** An instance behind such a proxy. */
async function poisoned(refused) {
  const { database, proxy } = await poisonedProxy(refused);
  return { database, ...create({ uri: proxy.uri(database.name) }) };
}

describe('a command that is refused as a whole', { concurrency: 2 }, () => {
  for (const [name, code] of Object.entries(CODES)) {
    it(`for one of its events: ${name}`, async () => {
      const { database, analytics } = await poisoned({ kind: 'insert events', code });
      await trackAround(analytics, () => analytics.track('poison', 'mallory'));
      await flushWithin(analytics, LIMIT_MS);
      await assertInnocent(database, analytics);
    });

    it(`for one of its logins: ${name}`, async () => {
      const { database, analytics } = await poisoned({ kind: 'insert sessions', code });
      const names = Array.from({ length: 40 }, (_, i) => `u${i}`);
      names[17] = 'poison';
      const logins = Promise.all(names.map((user) => analytics.onLogin(user, user)));
      await trackAround(analytics, () => logins);
      await flushWithin(analytics, LIMIT_MS);
      await assertInnocent(database, analytics);
      assert.strictEqual((await database.days())[0].dau, 41);
    });
  }

  for (const [name, code] of Object.entries({ ...CODES, BadValue: 2 })) {
    it(`for the marker of one user: nobody else waits to be counted: ${name}`, async () => {
      const { database, analytics, lines } = await poisoned({ kind: 'insert markers', code });
      await trackAround(analytics, () => analytics.onLogin('poison', 'Mallory'));
      await flushWithin(analytics, LIMIT_MS);
      await assertInnocent(database, analytics);
      const [day] = await database.days();
      assert.deepStrictEqual([day.dau, day.sessionCount], [2, 3]);
      await waitFor(() => lines.some((line) => line.includes('not counted in dau and mau')), {
        what: 'the line',
      });
    });
  }

  it('for the only marker: it is dropped, and the login is counted', async () => {
    const code = CODES.Unheard;
    const { database, analytics } = await poisoned({ kind: 'insert markers', code });
    await analytics.onLogin('poison', 'Mallory');
    await waitFor(() => analytics.getHealth().dropped.refused_by_server === 1, {
      ...{ timeoutMs: ALONE_MS, what: 'the drop' },
    });
    await analytics.flush();
    const [day] = await database.days();
    assert.deepStrictEqual([day.dau, day.sessionCount], [0, 1]);
    await analytics.onLogin('ann', 'Ann');
    await analytics.flush();
    assert.strictEqual((await database.days())[0].dau, 1);
  });

  it('for every marker, while updates are taken: nobody is dropped', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    proxies.push(proxy);
    const rule = proxy.rule({
      when: (request) => kindOf(request) === 'insert markers',
      fate: fates.refuse({ code: CODES.Unheard, errmsg: 'by the test' }),
    });
    const { analytics } = create({ uri: proxy.uri(database.name) });
    const users = ['ann', 'bob', 'cid'];
    await Promise.all(users.map((user) => analytics.onLogin(user, user)));
    const isWhole = ({ request }) => request.body.documents.length === users.length;
    const isRepeated = () => rule.taken.filter(isWhole).length > 2;
    await waitFor(isRepeated, { timeoutMs: ALONE_MS, what: 'another attempt at the batch' });
    rule.remove();
    await analytics.flush();
    assert.strictEqual((await database.days())[0].dau, users.length);
    assert.deepStrictEqual(analytics.getHealth().dropped, {});
  });

  for (const [how, labels, taken] of [
    ['a code that nobody knows', [], 2],
    ['the label of an overload', ['SystemOverloadedError'], 12],
  ]) {
    it(`for a moment, with ${how}: nothing is dropped`, async () => {
      const database = mongo.database();
      const proxy = await startProxy(mongo.server.port);
      proxies.push(proxy);
      const error = { code: CODES.Unheard, errmsg: 'by the test', errorLabels: labels };
      const isOne = ({ body }) => body.documents.length === 1 || labels.length > 0;
      const isOver = () => rule.taken.filter(({ request }) => isOne(request)).length >= taken;
      const rule = proxy.rule({
        when: (request) =>
          kindOf(request) === 'insert events' && holds(request.body.documents, 'poison'),
        fate: (exchange) => {
          exchange.refuse(error);
          if (isOver()) rule.remove();
        },
      });
      const { analytics } = create({ uri: proxy.uri(database.name) });
      await trackAround(analytics, () => analytics.track('poison', 'mallory'));
      await waitFor(isOver, { what: 'refusals' });
      await analytics.flush();
      await assertInnocent(database, analytics, { dropped: 0 });
      assert.strictEqual(await database.count('gsoevents', { event: 'poison' }), 1);
    });
  }

  it('stays alone: it is dropped in the end, and flush() resolves', async () => {
    const { database, analytics } = await poisoned({ kind: 'insert events', code: 22 });
    analytics.track('poison', 'mallory');
    await waitFor(() => analytics.getHealth().dropped.refused_by_server === 1, {
      ...{ timeoutMs: ALONE_MS, what: 'the drop' },
    });
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 0);
  });

  it('over restarts, from a spool', async () => {
    const spoolDir = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-poison-'));
    const { database, proxy } = await poisonedProxy({ kind: 'insert events', code: 22 });
    const away = proxy.rule({ when: isWrite, fate: fates.refuse({ code: 91, errmsg: 'away' }) });
    const given = { uri: proxy.uri(database.name), spoolDir, events: INNOCENT };
    const killed = await startProgram(trackAndDie, { given }).finished;
    assert.strictEqual(killed.signal, 'SIGKILL', killed.stderr);
    assert.strictEqual(await database.count('gsoevents'), 0);
    away.remove();
    const { analytics } = create({ uri: given.uri, spoolDir });
    analytics.start();
    const isDone = async () => (await database.days())[0]?.creditsEarned === INNOCENT;
    await waitFor(isDone, { what: 'the innocent records of the spool' });
    await flushWithin(analytics, LIMIT_MS);
    await assertInnocent(database, analytics);
    assert.strictEqual(analytics.getHealth().spool.recovered, INNOCENT + 1);
    fs.rmSync(spoolDir, { recursive: true });
  });
});
