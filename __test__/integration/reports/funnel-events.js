// What the tests of funnels share: events as they are stored, and an instance that may read them.
'use strict';

const assert = require('node:assert');
const { create } = require('../../support/setup');

const DAY_MS = 86_400_000;

const dayOf = (ms) => new Date(ms).toISOString().slice(0, 10);
const today = () => Math.floor(Date.now() / DAY_MS) * DAY_MS;

/** Events of users as `{ ann: [['A', ms], …] }`; those of `null` have no user. */
async function insert(database, users) {
  const documents = Object.entries(users).flatMap(([userId, events]) =>
    events.map(([event, ts]) => ({
      userId: userId === 'null' ? null : userId,
      event,
      day: dayOf(ts),
      ts: new Date(ts),
    })),
  );
  if (documents.length > 0) await database.db.collection('gsoevents').insertMany(documents);
}

/** An instance whose indexes are there. */
async function instance(database, options = {}) {
  const { analytics } = create({ uri: database.uri, ...options });
  analytics.track('begin', 'somebody', {});
  await analytics.flush();
  await analytics.deleteUser('somebody');
  return analytics;
}

/** Over several days a median is that of a bucket of times. */
function assertNear(seen, wanted) {
  if (wanted === null) return assert.strictEqual(seen, wanted);
  const isNear = Math.abs(seen - wanted) <= Math.max(0.001, wanted * 0.051);
  assert.ok(isNear, `${seen} s in place of ${wanted} s`);
}

module.exports = { DAY_MS, assertNear, dayOf, insert, instance, today };
