// A user of the database without the right to remove: deleteUser() says which right lacks where, and everything
// else is as before.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod({ auth: true });

const PASSWORD = 'secret';
const USUAL = ['find', 'insert', 'update', 'createIndex', 'listIndexes'];
const COLLECTIONS = [
  ...['gsosessions', 'gsoevents', 'gsouniques', 'gsodailies'],
  ...['gsoreports', 'gsoplayers', 'gsopurchases'],
];

/** Rights by collection: the usual ones, and these. */
function privileges(db, more) {
  const right = (collection) => ({
    resource: { db, collection },
    actions: [...USUAL, ...(more[collection] ?? [])],
  });
  return COLLECTIONS.map(right);
}

async function userOf({ name, db }, more) {
  await db.command({ createRole: 'game', privileges: privileges(name, more), roles: [] });
  await db.command({ createUser: 'game', pwd: PASSWORD, roles: ['game'] });
  return `mongodb://game:${PASSWORD}@${mongo.server.hosts}/${name}?authSource=${name}`;
}

const grant = ({ name, db }, more) =>
  db.command({ updateRole: 'game', privileges: privileges(name, more) });

describe('without the right to remove', () => {
  it('deleteUser() names the right and the collection, and works once it is granted', async () => {
    const database = mongo.database();
    const some = { gsosessions: ['remove'] };
    const { analytics, lines } = create({ uri: await userOf(database, some) });
    analytics.start();
    await analytics.onLogin('ann', 'Ann');
    analytics.track('chat', 'ann', {});
    const error = {
      code: 'ANALYTICS_DATABASE',
      message: /lacks the right remove on gsoevents: grant it and call again/,
    };
    await assert.rejects(analytics.deleteUser('ann'), error);
    assert.strictEqual(await database.count('gsosessions'), 0);
    assert.strictEqual(await database.count('gsoevents'), 1);
    await grant(database, { gsoevents: ['remove'], gsouniques: ['remove'] });
    const { documents } = await analytics.deleteUser('ann');
    assert.deepStrictEqual(documents, {
      sessions: 0,
      events: 1,
      uniques: 2,
      purchases: 0,
      players: 0,
    });
    const { refusedCollections, dropped } = analytics.getHealth();
    assert.deepStrictEqual([refusedCollections, dropped], [[], {}]);
    await analytics.stop();
    assert.deepStrictEqual(lines.slice(1), []);
  });
});
