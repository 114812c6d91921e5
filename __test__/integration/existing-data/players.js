// The orders of a game server whose players stay online until they are told to leave. Settings: its `name`,
// the `options` of the addon, and the folder of another build of it (`addon`).
'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const { keepingLogger, ordersOf } = require('../../support/game-server/orders');

/** Calls in one turn of the event loop. */
const PER_TURN = 500;

module.exports = ({ name, options, addon }) => {
  const AnalyticsSystem = require(addon ?? '../../..');
  const { logger, lines } = keepingLogger();
  const analytics = new AnalyticsSystem({ logger, flushIntervalMs: 100, ...options });

  /** For the players with the numbers from `from` up to `to`. */
  async function each([from, to], call) {
    for (let i = from; i < to; i++) {
      call(`${name}:${i}`);
      if (i % PER_TURN === 0) await nextTurn();
    }
    await nextTurn();
  }

  return {
    ...ordersOf(analytics, lines),
    login: (range) => each(range, (user) => analytics.onLogin(user, user)),
    track: (range) => each(range, (user) => analytics.track('credits.earn', user, { amount: 1 })),
    logout: (range) => each(range, (user) => analytics.onLogout(user)),
    concurrency: () => analytics.getConcurrency(),
  };
};
