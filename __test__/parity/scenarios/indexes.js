// The indexes: created when missing, left alone when somebody made them otherwise.
'use strict';

const CLOCK = '2036-03-14T10:00:00.000Z';

async function play(host) {
  const system = host.create();
  system.start();
  system.track('dungeon.complete', 'ann', { a: 1 });
  await system.onLogin('ann', 'Ann');
}

module.exports = [
  {
    name: 'an empty database gets all indexes',
    clock: CLOCK,
    indexes: true,
    run: play,
  },
  {
    name: 'missing indexes are added to existing collections',
    clock: CLOCK,
    indexes: true,
    async seed(db) {
      await db.collection('gsosessions').createIndex({ userId: 1 });
      await db.collection('gsosessions').createIndex({ username: 1 }, { name: 'mine' });
      await db.createCollection('gsodailies');
    },
    run: play,
  },
  {
    name: 'a TTL that the operator changed is left alone',
    differences: ['a line about indexes'],
    clock: CLOCK,
    indexes: true,
    async seed(db) {
      await db.collection('gsoevents').createIndex({ ts: 1 }, { expireAfterSeconds: 3_600 });
    },
    run: play,
  },
  {
    name: 'an index on day that is not unique is left alone',
    differences: ['totals wait for a unique day', 'lines about totals that wait'],
    clock: CLOCK,
    indexes: true,
    async seed(db) {
      await db.collection('gsodailies').createIndex({ day: 1 });
    },
    run: play,
  },
  {
    name: 'an index of another name on the same key is left alone',
    differences: ['a line about indexes'],
    clock: CLOCK,
    indexes: true,
    async seed(db) {
      await db.collection('gsoevents').createIndex({ userId: 1 }, { name: 'by_user' });
    },
    run: play,
  },
  {
    name: 'indexes that older mongoose made in the background are no conflict',
    clock: CLOCK,
    indexes: true,
    async seed(db) {
      await db.collection('gsosessions').createIndex({ day: 1, userId: 1 }, { background: true });
      await db.collection('gsodailies').createIndex({ day: 1 }, { unique: true, background: true });
    },
    run: play,
  },
];
