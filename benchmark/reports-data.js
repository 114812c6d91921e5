// A game's past: sessions, events and purchases of days before today, as this package stores them. Names of users begin
// with `old`, and none of the events is one that is measured elsewhere.
'use strict';

const { ObjectId } = require('bson');

const DAY_MS = 86_400_000;
const BATCH = 20_000;
const FLOWS = ['credits.spend', 'gems.earn', 'gems.spend'];
const OTHERS = Array.from({ length: 22 }, (_, n) => `level.${n}`);
const REASONS = 20;
const ITEMS = 400;

const startOf = (ago) => (Math.floor(Date.now() / DAY_MS) - ago) * DAY_MS;
const dayOf = (ago) => new Date(startOf(ago)).toISOString().slice(0, 10);

/** So many sessions of so many users on the day so many days ago. */
function storeSessions(db, ago, count, users) {
  const day = dayOf(ago);
  return insert(db.collection('gsosessions'), count, (n) => {
    const loginAt = new Date(startOf(ago) + Math.floor((n / count) * DAY_MS));
    // A third of the users are others from one day to the next.
    const userId = `old${((n * 7) % users) + ago * Math.ceil(users / 3)}`;
    const durationS = 60 + ((n * 37) % 3_600);
    const logoutAt = new Date(loginAt.getTime() + durationS * 1_000);
    return {
      ...{ userId, username: userId, loginAt, logoutAt, durationS },
      ...{ day, month: day.slice(0, 7), __v: 0 },
    };
  });
}

/** Half of them move a currency. */
function storeEvents(db, ago, count, users) {
  const day = dayOf(ago);
  return insert(db.collection('gsoevents'), count, (n) => ({
    userId: `old${(n * 7) % users}`,
    event: n % 2 === 0 ? FLOWS[(n / 2) % FLOWS.length] : OTHERS[n % OTHERS.length],
    data: { amount: (n % 90) + 1, reason: `reason${n % REASONS}`, item: `item${(n * 3) % ITEMS}` },
    day,
    ts: new Date(startOf(ago) + Math.floor((n / count) * DAY_MS)),
    __v: 0,
  }));
}

/** Half of them by the same tenth of the users every day, the others by users who pay once in 80 days. */
function storePurchases(db, ago, count, users) {
  const day = dayOf(ago);
  return insert(db.collection('gsopurchases'), count, (n) => {
    const regulars = Math.ceil(users / 10);
    const other = Math.floor((n + ago * count) / 2) % users;
    const user = n % 2 === 0 ? (n * 7 + ago) % regulars : other;
    return {
      ...{ _id: { i: new ObjectId() }, event: 'stripe.payment', userId: `old${user}` },
      ...{ cents: 499, currency: 'USD', day },
      ts: new Date(startOf(ago) + Math.floor((n / count) * DAY_MS)),
    };
  });
}

async function insert(collection, count, make) {
  for (let first = 0; first < count; first += BATCH) {
    const part = Array.from({ length: Math.min(BATCH, count - first) }, (_, n) => make(first + n));
    await collection.insertMany(part, { ordered: false, writeConcern: { w: 1 } });
  }
}

module.exports = { DAY_MS, dayOf, startOf, storeEvents, storePurchases, storeSessions };
