// What is stored of a user is exported as it is, and erased so that nothing names the user any more, while
// totals keep their numbers. Both find documents by indexes only.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const bson = require('bson');
const { ObjectId } = require('../../support/driver');
const { NOBODY, create, useMongod } = require('../../support/setup');
const { succeeds, waitFor } = require('../../support/wait');

const mongo = useMongod();

const DAY_MS = 86_400_000;
const ID = '665f1f77bcf86cd799439011';
const NONE = { sessions: 0, events: 0, uniques: 0, purchases: 0, players: 0 };
const dayBefore = (days) => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

/** What `JSON.stringify` shows of the whole database. */
async function textOf(database) {
  const collections = await database.db.listCollections({}, { nameOnly: true }).toArray();
  const names = collections.map(({ name }) => name).filter((name) => !name.startsWith('system.'));
  const all = await Promise.all(names.map((name) => database.all(name)));
  return JSON.stringify(all);
}

/** Whether the documents of a user are found by an index: else an attempt at erasing is repeated. */
async function isIndexed({ db }) {
  const names = ['gsoevents', 'gsosessions'];
  const indexes = await Promise.all(names.map((name) => db.collection(name).indexes()));
  return indexes.every((list) => list.some(({ name }) => name === 'userId_1'));
}

async function totalsOf(database) {
  const [{ _a, ...totals }] = await database.days();
  return totals;
}

/** What the report of today says of its users, which makes it. */
async function activityOf(analytics) {
  const [{ asOf, ...activity }] = await analytics.getActivity({ days: 1 });
  return activity;
}

/** A session that has ended, one that has not, events with the id in their data, and another user. */
async function play(analytics, userId) {
  analytics.start();
  await analytics.onLogin(userId, 'Ann Miller');
  await analytics.onLogout(userId);
  await analytics.onLogin(userId, 'Ann Miller');
  await analytics.onLogin('bob', 'Bob');
  const id = String(userId);
  analytics.track('credits.earn', userId, { amount: 5, by: id, [id]: 1, list: [{ a: [id] }] });
  analytics.track('credits.spend', userId, { amount: '3', url: `/players/${id}/shop` });
  analytics.track('stripe.payment', userId, { amountCents: 499 }, { dedupeKey: 'evt_1' });
  analytics.track('credits.earn', 'bob', { amount: 7 });
  analytics.track('credits.earn', null, { amount: 9 });
  await analytics.flush();
}

async function exported(analytics, userId) {
  const all = [];
  for await (const one of analytics.exportUser(userId)) all.push(one);
  return all;
}

/** Every command that the database runs from now on, with its plan. */
async function profiled(database) {
  await database.db.command({ profile: 2 });
  return async () => {
    await database.db.command({ profile: 0 });
    const { name } = database;
    const reads = { op: { $in: ['query', 'remove', 'update'] }, ns: new RegExp(`^${name}\\.gso`) };
    return database.all('system.profile', reads);
  };
}

describe('deleteUser()', () => {
  it('leaves nothing that names the user, and the totals and others as they are', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    await play(analytics, new ObjectId(ID));
    await activityOf(analytics);
    const totals = await totalsOf(database);
    const { documents, notReached } = await analytics.deleteUser(ID);
    assert.deepStrictEqual(documents, {
      sessions: 2,
      events: 3,
      uniques: 2,
      purchases: 1,
      players: 1,
    });
    assert.ok(notReached.some((line) => /spools of other processes/.test(line)));
    assert.doesNotMatch(await textOf(database), new RegExp(`${ID}|Miller`));
    assert.deepStrictEqual(await totalsOf(database), totals);
    const [purchase] = await database.all('gsopurchases');
    assert.deepStrictEqual([purchase.userId, purchase.cents], [null, 499]);
    assert.deepStrictEqual((await analytics.deleteUser(ID)).documents, NONE);
    assert.strictEqual(await database.count('gsoevents'), 2);
    assert.strictEqual(await database.count('gsosessions', { userId: 'bob' }), 1);
    await analytics.onLogout(ID);
    await analytics.stop();
    assert.deepStrictEqual(lines.slice(1), []);
  });

  it('puts one pseudonym in place of the id with keepCounts', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await play(analytics, ID);
    const before = { events: await database.events(), sessions: await database.sessions() };
    const [totals, activity] = [await totalsOf(database), await activityOf(analytics)];
    const { documents } = await analytics.deleteUser(ID, { keepCounts: true });
    assert.deepStrictEqual(documents, {
      sessions: 2,
      events: 3,
      uniques: 2,
      purchases: 1,
      players: 1,
    });
    const text = await textOf(database);
    assert.doesNotMatch(text, new RegExp(`${ID}|Miller`));
    const pseudonyms = new Set(text.match(/erased:\w+/g));
    assert.strictEqual(pseudonyms.size, 1);
    const [pseudonym] = pseudonyms;
    // What was there with the name replaced, and nothing else, is there now.
    const renamed = JSON.stringify(before)
      .replaceAll(ID, pseudonym)
      .replaceAll('"Ann Miller"', 'null');
    const after = { events: await database.events(), sessions: await database.sessions() };
    assert.strictEqual(JSON.stringify(after), renamed);
    assert.strictEqual(await database.count('gsouniques', { '_id.u': pseudonym }), 2);
    await database.db.collection('gsoreports').deleteMany({ _id: /^d:/ });
    assert.deepStrictEqual(await activityOf(create({ uri: database.uri }).analytics), activity);
    assert.deepStrictEqual(await totalsOf(database), totals);
    assert.deepStrictEqual((await analytics.deleteUser(ID, { keepCounts: true })).documents, NONE);
    await analytics.stop();
  });

  it('waits for a report that another process makes, also with reports off', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, reports: 'off', operationTimeoutMs: 1_000 });
    await play(analytics, ID);
    await waitFor(() => isIndexed(database), { what: 'the indexes' });
    const until = new Date(Date.now() + 120_000);
    const reports = database.db.collection('gsoreports');
    await reports.insertOne({ _id: 'lease', owner: 'other', until });
    await assert.rejects(analytics.deleteUser(ID), {
      code: 'ANALYTICS_TIMEOUT',
      message: /reports are being made/,
    });
    await reports.deleteOne({ _id: 'lease' });
    assert.strictEqual((await analytics.deleteUser(ID)).documents.events, 3);
    await analytics.stop();
  });

  it('erases what was tracked before the call', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.onLogin('bob', 'Bob');
    analytics.track('chat', 'bob');
    await waitFor(() => isIndexed(database), { what: 'the indexes' });
    analytics.onLogin('ann', 'Ann');
    for (let i = 0; i < 1_500; i++) analytics.track('chat', 'ann', { i });
    const { documents } = await analytics.deleteUser('ann');
    assert.deepStrictEqual(documents, { ...NONE, sessions: 1, events: 1_500, uniques: 2 });
    assert.doesNotMatch(await textOf(database), /ann/);
  });

  it('writes no marker of the user again after the collection was dropped', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('ann', 'Ann');
    await analytics.onLogin('bob', 'Bob');
    await analytics.deleteUser('ann');
    await database.db.collection('gsouniques').drop();
    await waitFor(
      async () => {
        analytics.track('chat', 'bob');
        await analytics.flush();
        return (await database.count('gsouniques', { '_id.u': 'bob' })) === 2;
      },
      { what: 'the markers of the other user', everyMs: 200 },
    );
    assert.doesNotMatch(await textOf(database), /ann/i);
  });

  it('finds the markers of all days and months that may be there', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('bob', 'Bob');
    const periods = [0, 1, 36, 69].map((days) => `d:${dayBefore(days)}`);
    const months = [0, 35, 66].map((days) => `m:${dayBefore(days).slice(0, 7)}`);
    const ids = [...new Set([...periods, ...months])].map((p) => ({ p, u: 'ann' }));
    await database.db.collection('gsouniques').insertMany(ids.map((_id) => ({ _id })));
    const { documents } = await analytics.deleteUser('ann');
    assert.deepStrictEqual(documents, { ...NONE, uniques: ids.length });
    assert.strictEqual(await database.count('gsouniques', { '_id.u': 'ann' }), 0);
  });

  it('names the destinations that were sent events', async () => {
    const webhookUrl = 'http://127.0.0.1:1/';
    const { analytics } = create({ uri: mongo.database().uri, webhookUrl });
    const { notReached } = await analytics.deleteUser('ann');
    assert.ok(notReached.some((line) => /forwarded to webhook/.test(line)));
  });

  it('rejects when the database is away', async () => {
    const { analytics } = create({ uri: NOBODY, operationTimeoutMs: 100 });
    const error = { code: 'ANALYTICS_TIMEOUT', message: /^deleteUser\(\) was not finished/ };
    await assert.rejects(analytics.deleteUser('ann'), error);
  });
});

describe('exportUser()', () => {
  it('yields every document as it is stored, page by page', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await play(analytics, ID);
    const big = 'x'.repeat(250_000);
    for (let i = 0; i < 450; i++) analytics.track('chat', ID, { i, big: i % 10 ? '' : big });
    const all = await exported(analytics, new ObjectId(ID));
    const ofUser = { userId: ID };
    assert.deepStrictEqual(
      all.map(({ collection }) => collection),
      [
        'purchases',
        ...Array(2).fill('sessions'),
        ...Array(453).fill('events'),
        ...Array(2).fill('uniques'),
      ],
    );
    const sorted = (collection) => {
      const of = all.filter((one) => one.collection === collection);
      return of.map(({ document }) => document).sort((a, b) => (a._id < b._id ? -1 : 1));
    };
    assert.deepStrictEqual(sorted('events'), await database.events(ofUser));
    assert.deepStrictEqual(sorted('sessions'), await database.sessions(ofUser));
    await activityOf(analytics);
    const players = (await exported(analytics, ID)).filter((one) => one.collection === 'players');
    assert.deepStrictEqual(players, [
      { collection: 'players', document: { _id: ID, f: dayBefore(0) } },
    ]);
    await analytics.deleteUser(ID);
    assert.deepStrictEqual(await exported(analytics, ID), []);
  });

  it('holds up the event loop for no longer than a page, whatever is stored of a user', async () => {
    const MANY = 200_000;
    const database = mongo.database();
    const events = database.db.collection('gsoevents');
    await events.createIndex({ userId: 1 });
    const docs = Array.from({ length: MANY }, () => ({ _id: new ObjectId(), userId: 'many' }));
    await events.insertMany(docs, { ordered: false });
    const ids = bson.serialize({ ids: docs.map(({ _id }) => _id) });
    const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
    const delays = { longest: [], whole: [] };
    /** The longest turn until the first document is there, and how long all ids take at once. */
    const measure = async () => {
      let [longest, isOver, last] = [0, false, performance.now()];
      const tick = () => {
        longest = Math.max(longest, performance.now() - last);
        last = performance.now();
        if (!isOver) setImmediate(tick);
      };
      tick();
      for await (const one of analytics.exportUser('many')) if (one) break;
      await nextTurn();
      isOver = true;
      const begun = performance.now();
      bson.deserialize(ids);
      delays.whole.push(performance.now() - begun);
      delays.longest.push(longest);
      return Math.min(...delays.longest) < Math.min(...delays.whole) / 2;
    };
    // A machine that is busy makes each longer now and then.
    assert.ok(await succeeds(measure, 10), JSON.stringify(delays));
    let count = 0;
    for await (const { document } of analytics.exportUser('many')) {
      if (document.userId === 'many' && ++count === 2_500) break;
    }
    assert.strictEqual(count, 2_500);
    await analytics.stop();
  });

  it('passes over what is erased meanwhile, and may be left early', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (let i = 0; i < 300; i++) analytics.track('chat', 'ann', { i });
    let count = 0;
    for await (const { collection } of analytics.exportUser('ann')) {
      assert.strictEqual(collection, 'events');
      if (count++ === 0) await database.db.collection('gsoevents').deleteMany({ 'data.i': 299 });
    }
    assert.strictEqual(count, 299);
    for await (const one of analytics.exportUser('ann')) if (one) break;
    await analytics.stop();
  });
});

describe('both', () => {
  it('read no document of others', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (let i = 0; i < 1_000; i++) {
      analytics.onLogin(`other${i}`, 'name');
      analytics.track('chat', `other${i}`, {});
    }
    await play(analytics, 'ann');
    await analytics.stop();
    const reading = create({ uri: database.uri }).analytics;
    const commands = await profiled(database);
    await exported(reading, 'ann');
    await reading.deleteUser('ann', { keepCounts: true });
    await reading.deleteUser('bob');
    const found = await commands();
    assert.ok(found.length >= 10, `${found.length} commands`);
    for (const { ns, op, planSummary = '', docsExamined = 0 } of found) {
      assert.doesNotMatch(planSummary, /COLLSCAN/, `${op} ${ns}`);
      assert.ok(docsExamined <= 5, `${op} ${ns} examines ${docsExamined} documents`);
    }
  });

  it('wait for an index on userId, and name it', async () => {
    const database = mongo.database();
    const events = database.db.collection('gsoevents');
    // Its name is taken.
    await events.createIndex({ other: 1 }, { name: 'userId_1' });
    const { analytics } = create({ uri: database.uri, operationTimeoutMs: 1_500 });
    await play(analytics, 'ann');
    const error = { code: 'ANALYTICS_TIMEOUT', message: /gsoevents has no index on userId/ };
    await assert.rejects(analytics.deleteUser('ann'), error);
    await assert.rejects(exported(analytics, 'ann'), error);
    await events.dropIndex('userId_1');
    await events.createIndex({ userId: 1 });
    assert.strictEqual((await analytics.deleteUser('ann')).documents.events, 3);
  });

  it('throw for what is no id and no option', async () => {
    const { analytics } = create({ uri: NOBODY });
    const revoked = Proxy.revocable({}, {});
    revoked.revoke();
    for (const id of [undefined, null, {}, [], 'x'.repeat(257), revoked.proxy]) {
      const error = { name: 'TypeError', message: /^userId: / };
      await assert.rejects(analytics.deleteUser(id), error);
      assert.throws(() => analytics.exportUser(id), error);
    }
    for (const keepCounts of [1, 'yes', {}]) {
      const error = { name: 'TypeError', message: /^keepCounts: / };
      await assert.rejects(analytics.deleteUser('ann', { keepCounts }), error);
    }
  });
});
