// Orders of a game server that becomes another user before it makes an instance.
'use strict';

const fs = require('node:fs');
const { isThreadRefused, keepingLogger } = require('../../support/game-server/orders');

module.exports = ({ user }) => {
  const AnalyticsSystem = require('../../..');
  // Limits do not hold for a user who may raise them.
  if (user) {
    process.setgid(user);
    process.setuid(user);
  }
  const { logger, lines } = keepingLogger();
  let analytics;
  let descriptors = [];
  return {
    isThreadRefused,
    /** The code of the error, or nothing. */
    make(options) {
      try {
        analytics = new AnalyticsSystem({ logger, ...options });
        analytics.start();
        return null;
      } catch (error) {
        return { code: error.code, message: error.message };
      }
    },
    /** Leaves this many descriptors free. */
    useDescriptors(free) {
      try {
        for (;;) descriptors.push(fs.openSync('/dev/null'));
      } catch {
        for (const one of descriptors.splice(0, free)) fs.closeSync(one);
      }
    },
    freeDescriptors() {
      for (const one of descriptors) fs.closeSync(one);
      descriptors = [];
    },
    track({ count, event = 'credits.earn' }) {
      for (let n = 0; n < count; n++) analytics.track(event, `u${n}`, { amount: 1 });
    },
    flush: () => analytics.flush(),
    getHealth: () => analytics.getHealth(),
    lines: () => lines,
    stop: () => analytics?.stop(),
  };
};
