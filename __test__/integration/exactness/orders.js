// The orders of a game server that plays rounds chosen by a seed, with its clock set by the test. Settings:
// `uri`, `clock` (its time at first), `users`, its `name`, `seed`, `flushIntervalMs`.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { installClock } = require('../../support/clock');
const { keepingLogger, ordersOf } = require('../../support/game-server/orders');
const { Player } = require('./player');

module.exports = (settings) => {
  // Before the addon is loaded.
  const clock = installClock(settings.clock);
  const AnalyticsSystem = require('../../..');
  const { logger, lines } = keepingLogger();
  const analytics = new AnalyticsSystem({
    uri: settings.uri,
    logger,
    flushIntervalMs: settings.flushIntervalMs,
    operationTimeoutMs: 120_000,
    shutdownTimeoutMs: 60_000,
  });
  const player = new Player(analytics, settings);
  const setClock = (time) => clock.set(new Date(time).toISOString());
  let isEnough = false;

  return {
    ...ordersOf(analytics, lines),
    setClock,

    /**
     * Plays `rounds` of `round`, or until told `enough`. The clock shows `times[i]` in round i, and
     * at the last of them from then on. After every `askEvery` rounds it asks for its metrics.
     */
    async play({ rounds = Number.POSITIVE_INFINITY, round, times, pauseMs = 0, askEvery }) {
      const asked = [];
      for (let i = 0; i < rounds && !isEnough; i++) {
        if (times) setClock(times[Math.min(i, times.length - 1)]);
        player.round(round);
        if (i % askEvery === 0) asked.push(analytics.getMetrics());
        // Here the turn ends, and with it what is handed over together.
        await delay(pauseMs);
      }
      await Promise.all(asked);
    },

    enough() {
      isEnough = true;
    },

    /** The result of getMetrics() on each of the days. */
    async metricsOf(days) {
      const metrics = {};
      for (const day of days) {
        setClock(`${day}T12:00:00.000Z`);
        metrics[day] = await analytics.getMetrics();
      }
      return metrics;
    },

    account() {
      const warnings = lines.filter((line) => !line.startsWith('info'));
      return { ...player.account, health: analytics.getHealth(), lines: warnings };
    },
  };
};
