// A game server whose clock is set for it: `node game-server.js <settings as JSON>`. It does what it is
// told over IPC, `{ number, what, given }`, and answers `{ number, answer }` or `{ number, error }`.
'use strict';

const settings = JSON.parse(process.argv[2]);
const clock = require('../../support/clock').installClock(settings.clock);

const { setTimeout: delay } = require('node:timers/promises');
const { Player } = require('./player');
const AnalyticsSystem = require('../../..');

const lines = [];
const keep = (line) => lines.push(line);
const analytics = new AnalyticsSystem({
  uri: settings.uri,
  logger: { info() {}, warn: keep, error: keep },
  flushIntervalMs: settings.flushIntervalMs,
  operationTimeoutMs: 120_000,
  shutdownTimeoutMs: 60_000,
});
const player = new Player(analytics, settings);
let isEnough = false;

const orders = {
  start: () => analytics.start(),

  /**
   * Plays `rounds` of `round`, or until told `enough`. The clock stands at `times[i]` in round i, and
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

  setClock,
  flush: () => analytics.flush(),
  getMetrics: () => analytics.getMetrics(),

  /** What getMetrics() says on each of the days. */
  async metricsOf(days) {
    const metrics = {};
    for (const day of days) {
      setClock(`${day}T12:00:00.000Z`);
      metrics[day] = await analytics.getMetrics();
    }
    return metrics;
  },

  account: () => ({ ...player.account, health: analytics.getHealth(), lines }),
  stop: () => analytics.stop(),
};

function setClock(time) {
  clock.set(new Date(time).toISOString());
}

process.on('message', async ({ number, what, given }) => {
  try {
    const answer = await orders[what](given);
    // From here on nothing holds a server that has stopped.
    process.send({ number, answer }, () => what === 'stop' && process.disconnect());
  } catch (error) {
    process.send({ number, error: `${what}: ${error.stack}` });
  }
});
process.send({ number: 0 });
