// What happens on a game server, by a seed, and what the mongoose-based class makes of it: the very
// documents, with its field order and BSON types. A test of this folder's users compares them with
// those that the class itself writes.
'use strict';

const { ObjectId } = require('./driver');
const { generator } = require('./random');

const ONES = {
  'dungeon.complete': 'dungeonsRun',
  'craft.complete': 'craftsCompleted',
  'pvp.battle': 'pvpBattles',
  'pvp.ranked.battle': 'pvpBattles',
  'raid.complete': 'raidBattles',
  'market.sale': 'marketSales',
  'user.register': 'newUsers',
};
/** Event → total, and the field of its data that holds the amount. */
const SUMS = {
  'credits.earn': ['creditsEarned', 'amount'],
  'credits.spend': ['creditsSpent', 'amount'],
  'gems.earn': ['gemsEarned', 'amount'],
  'gems.spend': ['gemsSpent', 'amount'],
  'gems.purchase': ['gemsPurchased', 'gems'],
  'stripe.payment': ['stripeRevenue', 'amountCents'],
};
const EVENTS = [...Object.keys(ONES), ...Object.keys(SUMS), 'shop.opened'];
const COUNTERS = [
  ...new Set([...Object.values(ONES), ...Object.values(SUMS).map(([counter]) => counter)]),
  ...['dau', 'sessionCount', 'totalSessionS'],
];
const DAY_MS = 86_400_000;
const INDEXES = {
  gsosessions: [{ userId: 1 }, { day: 1 }, { month: 1 }, { day: 1, userId: 1 }],
  gsodailies: [{ month: 1 }],
  gsoevents: [{ userId: 1 }, { event: 1 }],
};

const dayOf = (at) => at.slice(0, 10);

/**
 * What players do on these days, in the order of time: `[{ at, op, user, … }]`. Sessions end on their
 * day or never; a tenth of them within the same second, which gives them no length.
 */
function makePlan({ seed, days, users = 12, logins = 8, events = 12 }) {
  const random = generator(seed);
  const below = (count) => Math.floor(random() * count);
  const plan = [];
  for (const day of days) {
    const midnight = Date.parse(`${day}T00:00:00Z`);
    const at = (ms) => new Date(midnight + Math.min(ms, DAY_MS - 1)).toISOString();
    for (let n = 0; n < logins; n++) {
      const user = `player${below(users)}`;
      const begun = below(DAY_MS - 10_000);
      plan.push({ at: at(begun), op: 'login', user });
      const lasts = below(10) === 0 ? below(400) : 1_000 + below(7_200_000);
      if (below(5) > 0) plan.push({ at: at(begun + lasts), op: 'logout', user });
    }
    for (let n = 0; n < events; n++) {
      const event = EVENTS[below(EVENTS.length)];
      const data = dataOf(event, below);
      plan.push({ at: at(below(DAY_MS)), op: 'track', user: `player${below(users)}`, event, data });
    }
  }
  return plan.sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
}

function dataOf(event, below) {
  const [, field] = SUMS[event] ?? [];
  // Quarters are exact, so sums do not depend on their order.
  if (field) return { [field]: below(4_000) / 4, source: `shop ${below(3)}` };
  return [{ level: below(50) }, {}, { item: { id: below(9), tags: ['a', 'b'] } }][below(3)];
}

/** `{ sessions, days, events }` as the class stores them when one process plays the whole plan. */
function documentsOf(plan) {
  const [sessions, days, events] = [[], new Map(), []];
  const [active, seen] = [new Map(), new Map()];
  const id = idMaker();
  const count = (day, counter, amount) => {
    if (!days.has(day)) days.set(day, emptyDay(day));
    days.get(day)[counter] += amount;
  };
  const play = {
    login({ at, user }) {
      const [day, month] = [dayOf(at), at.slice(0, 7)];
      const names = { _id: id(at), userId: user, username: `name of ${user}` };
      const times = { loginAt: new Date(at), logoutAt: null, durationS: 0 };
      const session = { ...names, ...times, day, month, __v: 0 };
      sessions.push(session);
      active.set(user, session);
      count(day, 'sessionCount', 1);
      const users = seen.get(day) ?? new Set();
      seen.set(day, users.add(user));
      days.get(day).dau = users.size;
    },
    logout({ at, user }) {
      const session = active.get(user);
      if (!session) return;
      active.delete(user);
      session.logoutAt = new Date(at);
      const seconds = Math.round((session.logoutAt - session.loginAt) / 1_000);
      session.durationS = Math.max(0, seconds);
      count(session.day, 'totalSessionS', session.durationS);
    },
    track({ at, user, event, data }) {
      const kept = Object.keys(data).length > 0 ? { data } : {};
      const names = { _id: id(at), userId: user, event };
      events.push({ ...names, ...kept, day: dayOf(at), ts: new Date(at), __v: 0 });
      const [sum, field] = SUMS[event] ?? [];
      if (sum) count(dayOf(at), sum, data[field]);
      else if (ONES[event]) count(dayOf(at), ONES[event], 1);
    },
  };
  for (const action of plan) play[action.op](action);
  return { sessions, days: [...days.values()], events };
}

function emptyDay(day) {
  const rest = Object.fromEntries(COUNTERS.map((counter) => [counter, 0]));
  const sorted = Object.entries({ ...rest, month: day.slice(0, 7) }).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  return { _id: new ObjectId(), day, __v: 0, ...Object.fromEntries(sorted) };
}

/** Ids of one process: the time, a number of its own, a counter. */
function idMaker() {
  let made = 0;
  return (at) => {
    const seconds = Math.floor(Date.parse(at) / 1_000)
      .toString(16)
      .padStart(8, '0');
    return new ObjectId(`${seconds}0ddba11fed${(made++).toString(16).padStart(6, '0')}`);
  };
}

/** Stores what the class would have stored, with its indexes; answers the documents. */
async function insertOldData(db, plan) {
  const documents = documentsOf(plan);
  const insert = async (name, list) => list.length > 0 && db.collection(name).insertMany(list);
  await insert('gsosessions', documents.sessions);
  await insert('gsodailies', documents.days);
  await insert('gsoevents', documents.events);
  for (const [name, keys] of Object.entries(INDEXES)) {
    await db.collection(name).createIndexes(keys.map((key) => ({ key })));
  }
  await db.collection('gsodailies').createIndex({ day: 1 }, { unique: true });
  await db.collection('gsoevents').createIndex({ ts: 1 }, { expireAfterSeconds: 604_800 });
  return documents;
}

/** What the class answers to `getMetrics()` on these documents at this moment, `today` left out. */
function figuresOf({ sessions, days }, now) {
  const month = sessions.filter((session) => session.month === now.slice(0, 7));
  const timed = month.filter(({ durationS }) => durationS > 0);
  const seconds = timed.reduce((sum, { durationS }) => sum + durationS, 0);
  return {
    dau: days.find(({ day }) => day === dayOf(now))?.dau ?? 0,
    mau: new Set(month.map(({ userId }) => userId)).size,
    avgSessionMin: Math.round(timed.length ? seconds / timed.length / 60 : 0),
  };
}

module.exports = { COUNTERS, documentsOf, figuresOf, insertOldData, makePlan };
