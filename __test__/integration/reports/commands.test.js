// What answers, reports, presence and claims send: only what MongoDB 4.2 and version 1 of the Stable API know.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const mongoose = require('mongoose');
const { startProxy } = require('../../support/proxy');
const { assertFitsShards } = require('../../support/sharding');
const { waitFor } = require('../../support/wait');
const { Binary } = require('../../support/driver');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, store } = require('./days');

const mongo = useMongod();

/** Options of each command: those that are sent. */
const COMMANDS = {
  aggregate: ['aggregate', 'pipeline', 'cursor', 'allowDiskUse', 'hint', 'maxTimeMS'],
  find: [
    ...['find', 'filter', 'projection', 'sort', 'limit', 'singleBatch', 'hint', 'batchSize'],
    'maxTimeMS',
  ],
  insert: ['insert', 'documents', 'ordered', 'maxTimeMS'],
  delete: ['delete', 'deletes', 'ordered', 'maxTimeMS'],
  findAndModify: ['findAndModify', 'query', 'update', 'new', 'upsert', 'fields', 'maxTimeMS'],
  update: ['update', 'updates', 'ordered', 'maxTimeMS'],
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
  ...['$floor', '$divide', '$subtract', '$max', '$unwind', '$count', '$last', '$let', '$abs'],
  ...['$toInt', '$substrBytes', '$nin', '$setOnInsert', '$unset'],
  ...['$expr', '$dateFromString', '$dateToString', '$first', '$reduce', '$objectToArray'],
  ...['$toDouble', '$toString', '$substrCP', '$strLenBytes', '$currentDate'],
];
const OURS = [
  ...['gsosessions', 'gsoevents', 'gsodailies', 'gsouniques', 'gsoreports', 'gsoplayers'],
  'gsopurchases',
];
/** A sample comes within 20 s. */
const SAMPLE_MS = 40_000;
const STEPS = ['gems.earn', 'gems.spend'];
const OPTIONS = {
  /** The field of its amount is no path. */
  counters: { 'gold.earn': { total: 'goldEarned', amount: 'gold.amount' } },
  excludeUsers: ['bot-*', 'tester'],
  funnels: { spent: { steps: STEPS, windowS: 3_600 } },
  operationTimeoutMs: 60_000,
};

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
  await analytics.getFunnel('spent', { days: 3 });
  await analytics.getFunnel({ steps: STEPS, windowS: 60 }, { days: 3 });
  await analytics.getConcurrency();
  await analytics.getConcurrency({ day: dayOf(1) });
  await analytics.getOpenMetrics();
  await analytics.getMetrics();
  await analytics.getLast30Days();
  for await (const { document } of analytics.exportUser('u1')) assert.ok(document);
  const top = await analytics.getTopEvents({ days: 3 });
  await analytics.deleteUser('u1', { keepCounts: true });
  await analytics.deleteUser('u2');
  return top;
}

/** Others take the instance for dead, which works on their claim and opens its sessions again. */
async function beTakenForDead({ db }, analytics) {
  await analytics.onLogin('here', 'here');
  await analytics.flush();
  const { _id } = await db.collection('gsosessions').findOne({ userId: 'here' });
  const incarnation = _id.toHexString().slice(8, 18);
  const [reports, now] = [db.collection('gsoreports'), Date.now()];
  await reports.insertOne({
    ...{ _id: `dead:${incarnation}`, T: new Date(now + 5_000), from: new Date(now - 60_000) },
    ...{ seq: 1, w: 'w123456789', state: 'claimed', sessions: new Binary(Buffer.alloc(0)) },
  });
  const isGoingOn = async () => {
    const { next, state } = await reports.findOne({ _id: `dead:${incarnation}` });
    return state === 'done' && (await reports.findOne({ _id: `now:${next}` })) !== null;
  };
  await waitFor(isGoingOn, { timeoutMs: SAMPLE_MS, what: 'the next incarnation' });
}

const history = () => ({
  sessions: [session('u1', 2), session('u2', 1), session('bot-1', 1)],
  events: [event('gems.spend', 1, { amount: '3' }), event('gems.spend', 2, { amount: 4 })],
});

describe('the commands', { concurrency: true }, () => {
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
      ...OPTIONS,
    });
    analytics.start();
    await beTakenForDead(database, analytics);
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
    for (const command of [
      ...['aggregate', 'find', 'findAndModify', 'update', 'insert', 'delete', 'listIndexes'],
    ]) {
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
      // What sums up old sessions may use the disk; it reads those of a day, or markers by a range of `_id`.
      assert.ok(isMerging || body.allowDiskUse || body.hint, JSON.stringify(body).slice(0, 500));
    }
  });

  it('are taken with the strict Stable API', async () => {
    const database = mongo.database();
    await store(database, history());
    const serverApi = { version: '1', strict: true, deprecationErrors: true };
    const connection = await mongoose.createConnection(database.uri, { serverApi }).asPromise();
    const { analytics, lines } = create({ mongoose: connection, ...OPTIONS });
    analytics.start();
    await beTakenForDead(database, analytics);
    const top = await askEverything(analytics);
    assert.deepStrictEqual([top[0].event, top[0].count], ['gems.spend', 2]);
    await analytics.stop();
    await connection.close();
    const warned = lines.filter((line) => !/^info|^warn .*took it for dead/.test(line));
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
