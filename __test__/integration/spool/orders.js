// The orders of a game server with a spool, whose events have numbers. Settings: `options` of the addon.
'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const { keepingLogger, ordersOf } = require('../../support/game-server/orders');

module.exports = ({ options }) => {
  const AnalyticsSystem = require('../../..');
  const { logger, lines } = keepingLogger();
  const analytics = new AnalyticsSystem({ logger, ...options });
  analytics.start();
  return {
    ...ordersOf(analytics, lines),

    /**
     * Events with the numbers from `first` on, `perTurn` of them in each turn, each turn once no more
     * than `below` bytes are queued. Answers how many were queued at most.
     */
    async track({ first = 0, count, perTurn = 100, below = Number.POSITIVE_INFINITY, ...rest }) {
      const { event = 'dungeon.complete', filler } = rest;
      let mostQueued = 0;
      for (let i = first; i < first + count; i++) {
        analytics.track(event, `u${i % 50}`, { i, filler });
        if (i % perTurn !== perTurn - 1) continue;
        do {
          await nextTurn();
          mostQueued = Math.max(mostQueued, analytics.getHealth().queuedBytes);
        } while (analytics.getHealth().queuedBytes > below);
      }
      return mostQueued;
    },
    /** One event for each of these keys, with the numbers from `first` on. */
    trackKeys({ first = 0, event, data, keys }) {
      for (const [place, dedupeKey] of keys.entries()) {
        analytics.track(event, 'payer', { ...data, i: first + place }, { dedupeKey });
      }
    },
    login: async (user) => {
      const began = performance.now();
      await analytics.onLogin(user, `name of ${user}`);
      return performance.now() - began;
    },
    beginLogin: (user) => void analytics.onLogin(user, `name of ${user}`),
    beginLogout: (user) => void analytics.onLogout(user),
    logout: (user) => analytics.onLogout(user),
    /** Ends it when the answer is on its way. */
    exit: (code) => void setImmediate(() => process.exit(code)),
  };
};
