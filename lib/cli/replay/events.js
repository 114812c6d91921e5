/**
 * Stored events as `track()` has forwarded them: the body is made of what is stored, in the same order. Everything
 * after that, from privacy to the request, is the native side's, as for any event.
 *
 * What MongoDB does not hold is not in the body either: objects that were empty, and an id that was a number, which
 * is stored as text.
 */
'use strict';

/**
 * @typedef {import('../../../native.js').StoredEvent} StoredEvent
 *
 * @typedef {object} Page
 * @property {any[]} events in the order of their times
 * @property {any[]} sessions in which they may have happened
 * @property {boolean} isLast
 */

/**
 * The events of a page, which are numbered from `first` on.
 *
 * @param {Page} page
 * @param {number} first
 * @returns {StoredEvent[]}
 */
function eventsOf({ events, sessions }, first) {
  const byUser = sessionsByUser(sessions);
  return events.map((document, index) => {
    const { _id, userId, event, data = {}, ts, dedupeKey } = document;
    const session = byUser.get(userId)?.find((one) => isWithin(one, ts));
    return {
      seq: first + index,
      document: _id.toHexString(),
      hasKey: typeof dedupeKey === 'string',
      timeMs: ts.getTime(),
      user: textOf(userId),
      name: textOf(event),
      session: session?._id.toHexString(),
      body: JSON.stringify({ event, userId, data, ts }),
    };
  });
}

/**
 * Of each user, the latest login first: a second one takes the place of the first.
 *
 * @param {any[]} sessions
 * @returns {Map<unknown, any[]>}
 */
function sessionsByUser(sessions) {
  const byUser = new Map();
  const latestFirst = sessions.toSorted((one, other) => other.loginAt - one.loginAt);
  for (const session of latestFirst) {
    const known = byUser.get(session.userId);
    if (known === undefined) byUser.set(session.userId, [session]);
    else known.push(session);
  }
  return byUser;
}

/** @type {(session: any, at: Date) => boolean} */
function isWithin({ loginAt, logoutAt }, at) {
  return loginAt <= at && (logoutAt === null || logoutAt === undefined || at <= logoutAt);
}

/** @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' ? value : undefined;
}

module.exports = { eventsOf };
