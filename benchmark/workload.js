// What every side is given: the same events, indexes and write concern.
'use strict';

/** Of all sides; the addon asks for it by itself. */
const DURABLE = { w: 'majority', journal: true };
/** The same in a command. */
const DURABLE_COMMAND = { w: 'majority', j: true };

const INDEXES = {
  gsoevents: [[{ ts: 1 }, { expireAfterSeconds: 604_800 }], [{ userId: 1 }], [{ event: 1 }]],
  gsodailies: [[{ day: 1 }, { unique: true }], [{ month: 1 }]],
  gsosessions: [[{ userId: 1 }], [{ day: 1 }], [{ month: 1 }], [{ day: 1, userId: 1 }]],
};

/** A fresh database as one that has been in use: collections and indexes are there. */
async function prepare(db) {
  for (const [collection, indexes] of Object.entries(INDEXES)) {
    for (const [keys, options] of indexes)
      await db.collection(collection).createIndex(keys, options);
  }
}

/** Tracks event number `i`, with `filler` as a further text if it is not empty. */
function trackEvent(peer, i, filler) {
  const data = { amount: 5, reason: 'quest', questId: `q${i % 100}`, level: i % 60 };
  if (filler !== '') data.text = filler;
  peer.track('credits.earn', `user${i % 5000}`, data);
}

module.exports = { DURABLE, DURABLE_COMMAND, prepare, trackEvent };
