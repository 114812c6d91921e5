// MongoDB answers with errors: of the server, of missing rights, of documents that it refuses.
'use strict';

const { afterIndexBuilds } = require('../support/index-builds');
const { conclude, delay, playHarmed, startPair } = require('./play');

const WRITES = ['insert', 'update', 'findAndModify'];
const ANSWERED_MS = 2_000;
/** Answers at a shutdown, at a fail-over, without a majority, and broken connections. */
const ERRORS = [
  { errorCode: 91 },
  { errorCode: 189 },
  { errorCode: 10107 },
  { errorCode: 11602 },
  { writeConcernError: { code: 64, errmsg: 'waiting for replication timed out' } },
  { closeConnection: true },
];

async function errorsAnswered(context) {
  const mongo = await context.mongod({ parameters: ['enableTestCommands=1'] });
  const database = mongo.database();
  const servers = await startPair(context, database.uri);
  const admin = mongo.client.db('admin');
  const rounds = context.rounds(ERRORS.length, 3 * ERRORS.length);
  const harm = async (round) => {
    const error = ERRORS[round % ERRORS.length];
    const data = { failCommands: WRITES, ...error };
    await admin.command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data });
    await delay(ANSWERED_MS);
    const { count } = await admin.command({ configureFailPoint: 'failCommand', mode: 'off' });
    if (Number(count) === 0) throw new Error(`nobody was answered ${JSON.stringify(error)}`);
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  const row = await conclude(servers, database, { rounds, recoveryMs });
  return { ...row, note: `${ERRORS.length} kinds of answers` };
}

const USER = { user: 'game', pwd: 'secret' };

async function userDropped(context) {
  const mongo = await context.mongod({ auth: true });
  const database = mongo.database();
  const roles = [{ role: 'readWrite', db: database.name }];
  const create = () => database.db.command({ createUser: USER.user, pwd: USER.pwd, roles });
  await create();
  const uri = new URL(database.uri);
  Object.assign(uri, { username: USER.user, password: USER.pwd });
  uri.searchParams.set('authSource', database.name);
  const servers = await startPair(context, String(uri));
  const rounds = context.rounds(1, 3);
  const harm = async () => {
    await database.db.command({ dropUser: USER.user });
    await delay(context.chosen(3_000, 10_000));
    await create();
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, compares: true });
  return conclude(servers, database, { rounds, recoveryMs });
}

/** MongoDB refuses one event for its content: only that one is missing, and it is counted. */
async function documentsRefused(context, { forbid, extras, refused }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  const servers = await startPair(context, database.uri);
  const rounds = context.rounds(1, 5);
  const harm = async () => {
    await afterIndexBuilds(() => forbid(database.db));
    for (const server of servers) {
      for (const extra of extras) await server.tell('extra', extra);
    }
  };
  const recoveryMs = await playHarmed(servers, { database, rounds, harm });
  const row = await conclude(servers, database, {
    ...{ rounds, recoveryMs },
    allowed: ['refused_by_server'],
  });
  const dropped = row.dropped.refused_by_server ?? 0;
  const expected = refused(rounds * servers.length);
  if (dropped !== expected) row.problems.push(`${dropped} dropped, should be ${expected}`);
  return { ...row, note: `${dropped} dropped` };
}

function byValidator(context) {
  return documentsRefused(context, {
    forbid: (db) =>
      db.command({ collMod: 'gsoevents', validator: { event: { $ne: 'forbidden' } } }),
    extras: [['forbidden', 'user1', {}]],
    refused: (played) => played,
  });
}

function byUniqueIndex(context) {
  return documentsRefused(context, {
    forbid: (db) =>
      db.collection('gsoevents').createIndex({ 'data.ticket': 1 }, { unique: true, sparse: true }),
    extras: [
      ['ticket', 'user1', { ticket: 'the only one' }],
      ['ticket', 'user2', { ticket: 'the only one' }],
    ],
    // Only the first one is stored.
    refused: (played) => 2 * played - 1,
  });
}

module.exports = {
  14: { name: 'MongoDB answers errors', run: errorsAnswered },
  15: { name: 'the user is dropped and made again', run: userDropped },
  16: { name: 'a validator refuses an event', run: byValidator },
  17: { name: "somebody's unique index refuses an event", run: byUniqueIndex },
};
