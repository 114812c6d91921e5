// Databases of the hosts, and what must be in them.
'use strict';

const assert = require('node:assert');
const { MongoClient } = require('../../support/driver');
const { dropDatabases, freshDatabaseName, withDatabase } = require('../../support/mongod');

/** As in hosts/play.cjs. */
const EVENTS = 50;
const AMOUNT = 2;

/**
 * Calls `play(uri)` with a fresh database; fails unless it then holds just what that many users are
 * to leave.
 */
async function assertStores(server, users, play) {
  const name = freshDatabaseName();
  const client = new MongoClient(server.uri);
  try {
    await play(withDatabase(server.uri, name));
    assert.deepStrictEqual(await seen(client.db(name)), {
      events: users * EVENTS,
      distinct: users * EVENTS,
      sessions: users,
      ended: users,
      days: [{ creditsEarned: users * EVENTS * AMOUNT, sessionCount: users, dau: users }],
    });
  } finally {
    await client.close();
    await dropDatabases(server.uri, [name]);
  }
}

async function seen(db) {
  const [events, sessions, days] = await Promise.all(
    ['gsoevents', 'gsosessions', 'gsodailies'].map((name) => db.collection(name).find().toArray()),
  );
  return {
    events: events.length,
    distinct: new Set(events.map(({ userId, data }) => `${userId} ${data.number}`)).size,
    sessions: sessions.length,
    ended: sessions.filter(({ logoutAt }) => logoutAt instanceof Date).length,
    days: days.map(({ creditsEarned, sessionCount, dau }) => ({
      creditsEarned,
      sessionCount,
      dau,
    })),
  };
}

module.exports = { assertStores };
