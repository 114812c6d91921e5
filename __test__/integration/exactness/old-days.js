// Data that the mongoose-based class has stored before the servers of these tests start: sessions of the
// same users on the same days, with the totals of those days.
'use strict';

const { insertOldData, makePlan } = require('../../support/old-data');

/** Stores it and answers the account of it, see audit.js. Some of its users are `user0` to `user11`. */
async function storeOldDays(db, { days, seed }) {
  const plan = makePlan({ seed, days, events: 0 });
  const byUs = plan.map((action) => ({ ...action, user: action.user.replace('player', 'user') }));
  const { sessions } = await insertOldData(db, byUs);
  const collection = db.collection('gsosessions');
  for (const [i, { _id }] of sessions.entries()) {
    await collection.updateOne({ _id }, { $set: { username: `old:${i}` } });
  }
  const told = sessions.map(({ userId, loginAt, logoutAt }) => [
    ...[userId, loginAt.getTime(), logoutAt?.getTime() ?? null],
  ]);
  return { name: 'old', calls: 0, events: 0, amounts: {}, sessions: told };
}

module.exports = { storeOldDays };
