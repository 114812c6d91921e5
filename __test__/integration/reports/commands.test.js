// What reports send: only what MongoDB 4.2 and version 1 of the Stable API know.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const mongoose = require('mongoose');
const { startProxy } = require('../../support/proxy');
const { assertFitsShards } = require('../../support/sharding');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, store } = require('./days');

const mongo = useMongod();

/** Options of each command: those that reports send. */
const COMMANDS = {
  aggregate: ['aggregate', 'pipeline', 'cursor', 'allowDiskUse', 'hint', 'maxTimeMS'],
  find: ['find', 'filter', 'projection', 'sort', 'limit', 'singleBatch'],
  findAndModify: ['findAndModify', 'query', 'update', 'new', 'upsert'],
  update: ['update', 'updates', 'ordered'],
  listIndexes: ['listIndexes', 'cursor'],
  hello: ['hello'],
  endSessions: ['endSessions'],
  getMore: ['getMore', 'collection'],
  ping: ['ping'],
};
/** What the driver adds to any of them. */
const GENERIC = ['$db', 'lsid', '$clusterTime', 'txnNumber', 'readConcern', 'writeConcern'];
/** Stages and operators of MongoDB 4.2. */
const OPERATORS = [
  ...['$match', '$project', '$group', '$sort', '$limit', '$lookup', '$merge', '$set'],
  ...['$sum', '$min', '$add', '$cond', '$ifNull', '$switch', '$literal', '$and', '$or', '$not'],
  ...['$nor', '$in', '$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$type', '$trunc', '$arrayElemAt'],
  ...['$first', '$floor', '$divide', '$subtract', '$max', '$unwind'],
  ...['$expr', '$dateFromString', '$dateToString', '$reduce', '$objectToArray'],
  ...['$toDouble', '$toString', '$substrCP', '$strLenBytes', '$currentDate'],
];
/** The field of its amount is no path. */
const COUNTERS = { 'gold.earn': { total: 'goldEarned', amount: 'gold.amount' } };
const OURS = ['gsosessions', 'gsoevents', 'gsodailies', 'gsoreports', 'gsoplayers', 'gsopurchases'];

/** The operators in a command, wherever they are but in literals. */
function operatorsIn(value) {
  if (Array.isArray(value)) return value.flatMap(operatorsIn);
  const isPlain = value?.constructor === Object;
  if (!isPlain) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name.startsWith('$') ? [name] : []),
    ...(name === '$literal' ? [] : operatorsIn(inner)),
  ]);
}

/** The fields of a command, without `$db` and others that are no operators. */
const withoutGeneric = (body) =>
  Object.fromEntries(Object.entries(body).filter(([name]) => !name.startsWith('$')));

async function askEverything(analytics) {
  await analytics.getActivity({ days: 3 });
  await analytics.getRetention({ cohorts: 3 });
  await analytics.getSessionLengths({ days: 3 });
  await analytics.getEconomy({ days: 3 });
  await analytics.getRevenue({ days: 3 });
  return analytics.getTopEvents({ days: 3 });
}

const history = () => ({
  sessions: [session('u1', 2), session('u2', 1), session('bot-1', 1)],
  events: [event('gems.spend', 1, { amount: '3' }), event('gems.spend', 2, { amount: 4 })],
});

describe('the commands', () => {
  it('are known to MongoDB 4.2, and fit a sharded cluster', async () => {
    const database = mongo.database();
    await store(database, history());
    // A session that came late, and makes the first day of its user earlier.
    await database.db.collection('gsoplayers').insertOne({ _id: 'u1', f: dayOf(1) });
    const late = { _id: `late:${dayOf(2)}`, at: new Date() };
    await database.db.collection('gsoreports').insertOne(late);
    const sent = [];
    const observe = ({ command, body }) => sent.push({ command, body });
    const proxy = await startProxy(mongo.server.port, { observe });
    const { analytics } = create({
      uri: `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`,
      excludeUsers: ['bot-*', 'tester'],
      counters: COUNTERS,
      presence: 'off',
      operationTimeoutMs: 60_000,
    });
    analytics.start();
    // The indexes and the first run have nothing to do with each other.
    await askEverything(analytics);
    await analytics.stop();
    await proxy.close();
    const about = sent.filter(({ command, body }) => {
      return (
        OURS.includes(body[command]) && !['createIndexes', 'listCollections'].includes(command)
      );
    });
    const kinds = new Set(about.map(({ command }) => command));
    for (const command of ['aggregate', 'find', 'findAndModify', 'update', 'listIndexes']) {
      assert.ok(kinds.has(command), command);
    }
    const used = new Set();
    for (const { command, body } of about) {
      const text = JSON.stringify(body).slice(0, 2_000);
      assert.ok(COMMANDS[command], `not known: ${text}`);
      const known = [...COMMANDS[command], ...GENERIC, '$readPreference'];
      const unknown = Object.keys(body).filter((name) => !known.includes(name));
      assert.deepStrictEqual(unknown, [], text);
      for (const operator of operatorsIn(withoutGeneric(body))) used.add(operator);
      // The first payments of payers are looked for among all purchases.
      if (body[command] !== 'gsopurchases') assertFitsShards({ command, body });
    }
    assert.deepStrictEqual(
      [...used].filter((operator) => !OPERATORS.includes(operator)),
      [],
    );
    for (const { body } of about.filter(({ command }) => command === 'aggregate')) {
      const isMerging = body.pipeline.some((stage) => stage.$merge);
      assert.ok(isMerging || body.hint, JSON.stringify(body).slice(0, 500));
    }
  });

  it('are taken with the strict Stable API', async () => {
    const database = mongo.database();
    await store(database, history());
    const serverApi = { version: '1', strict: true, deprecationErrors: true };
    const connection = await mongoose.createConnection(database.uri, { serverApi }).asPromise();
    const { analytics, lines } = create({
      mongoose: connection,
      counters: COUNTERS,
      operationTimeoutMs: 60_000,
    });
    analytics.start();
    const top = await askEverything(analytics);
    assert.deepStrictEqual([top[0].event, top[0].count], ['gems.spend', 2]);
    await analytics.stop();
    await connection.close();
    const warned = lines.filter((line) => !line.startsWith('info'));
    assert.deepStrictEqual(warned, []);
  });
});

describe('the days of sessions', () => {
  it('come out of the index alone, and a month of users too', async () => {
    const database = mongo.database();
    const sessions = [];
    for (let ago = 0; ago < 40; ago++) {
      for (let i = 0; i < 20; i++) sessions.push(session(`u${i}`, ago));
    }
    await store(database, { sessions });
    await database.db.command({ profile: 2 });
    const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
    analytics.start();
    await analytics.getActivity({ days: 2 });
    await analytics.stop();
    await database.db.command({ profile: 0 });
    const profile = await database.db
      .collection('system.profile')
      .find({ op: 'command', ns: `${database.name}.gsosessions` })
      .toArray();
    const passes = profile.filter(({ command }) => command.aggregate);
    const isGrouped =
      (id) =>
      ({ command }) =>
        command.pipeline.some(({ $group }) => JSON.stringify($group?._id) === JSON.stringify(id));
    const days = passes.filter(isGrouped('$day'));
    assert.ok(days.length > 0);
    for (const { docsExamined, keysExamined } of days) {
      assert.strictEqual(docsExamined, 0);
      assert.ok(keysExamined <= 82, `${keysExamined} keys for 40 days`);
    }
    const isMonth = ({ command }) =>
      command.pipeline[0].$match.day?.$in?.length === 30 && isGrouped(null)({ command });
    const months = passes.filter(isMonth);
    assert.ok(months.length > 0);
    assert.ok(months.every(({ docsExamined }) => docsExamined === 0));
  });
});
