// What the tests of reports share: sessions and events of past days, stored as this package stores them.
'use strict';

const DAY_MS = 86_400_000;

/** The begin of the UTC day so many days ago. */
const startOf = (daysAgo) => (Math.floor(Date.now() / DAY_MS) - daysAgo) * DAY_MS;

/** That day, `YYYY-MM-DD`. */
const dayOf = (daysAgo) => new Date(startOf(daysAgo)).toISOString().slice(0, 10);

/** A session that began so many days ago; `durationS` is null while it is open. */
function session(userId, daysAgo, { atMs = 3_600_000, durationS = 60 } = {}) {
  const loginAt = new Date(startOf(daysAgo) + atMs);
  const day = dayOf(daysAgo);
  return {
    userId,
    username: userId,
    loginAt,
    logoutAt: durationS === null ? null : new Date(loginAt.getTime() + durationS * 1_000),
    durationS: durationS ?? 0,
    day,
    month: day.slice(0, 7),
    __v: 0,
  };
}

function event(name, daysAgo, data, { userId = 'u1', atMs = 3_600_000 } = {}) {
  const ts = new Date(startOf(daysAgo) + atMs);
  return { userId, event: name, data, day: dayOf(daysAgo), ts, __v: 0 };
}

/** Stores them with the indexes that this package makes. */
async function store({ db }, { sessions = [], events = [], days = [] }) {
  await db.collection('gsosessions').createIndex({ day: 1 });
  await db.collection('gsosessions').createIndex({ day: 1, userId: 1 });
  await db.collection('gsoevents').createIndex({ ts: 1 }, { expireAfterSeconds: 604_800 });
  if (sessions.length > 0) await db.collection('gsosessions').insertMany(sessions);
  if (events.length > 0) await db.collection('gsoevents').insertMany(events);
  if (days.length > 0) await db.collection('gsodailies').insertMany(days);
}

module.exports = { DAY_MS, dayOf, event, session, startOf, store };
