// The orders of a game server of the fault tests. Settings: its `name`, the `options` of the addon, and
// whether it `reports` each of its turns on stdout, see turns.js.
'use strict';

const { writeSync } = require('node:fs');
const { setImmediate: nextTurn, setTimeout: delay } = require('node:timers/promises');
const { isThreadRefused, keepingLogger, ordersOf } = require('../support/game-server/orders');
const { LoopDelays } = require('./loop-delays');
const { Turns } = require('./turns');
const { Writer, trackNothing } = require('./writer');

const LOOK_MS = 50;
const MIB = 2 ** 20;

/** By name; those of threads are carried out by the main thread. */
const ENDINGS = {
  'process.exit()': () => process.exit(0),
  'an uncaught exception': () => {
    throw new Error('uncaught on purpose');
  },
  SIGTERM: () => process.kill(process.pid, 'SIGTERM'),
  'worker: terminate()': (port) => port.send({ end: 'terminate' }),
  'worker: process.exit() of the main thread': (port) => port.send({ end: 'exit' }),
};

module.exports = (settings, port) => {
  // Before the addon is loaded.
  const clock = require('./clock').install();
  const AnalyticsSystem = require('../..');
  const { logger, lines } = keepingLogger();
  const analytics = new AnalyticsSystem({ logger, flushIntervalMs: 100, ...settings.options });
  const writer = new Writer(analytics, settings.name);
  const most = { queuedBytes: 0, spoolBytes: 0 };
  const delays = new LoopDelays();
  const told = settings.reports ? new Turns(clock.systemMs) : undefined;
  let isEnough = false;
  let playsEvery = 1;

  function look() {
    const { queuedBytes, spool } = analytics.getHealth();
    most.queuedBytes = Math.max(most.queuedBytes, queuedBytes);
    most.spoolBytes = Math.max(most.spoolBytes, spool?.bytes ?? 0);
  }

  function idleTurn({ events = 0 }) {
    const { events: before, worstTrackMs } = writer;
    for (let i = 0; i < events; i++) writer.event(trackNothing);
    Object.assign(writer, { events: before, worstTrackMs });
  }

  return {
    ...ordersOf(analytics, lines),

    /**
     * Plays turns until told `enough`, or this number. Turns are due by the clock, so that the rate holds.
     * `rest` is `[turns, ms]`: after that many turns it pauses that long, and the clock leaps by `leapMs`.
     */
    async play({ turn, turns = Number.POSITIVE_INFINITY, everyMs = 5, rest, leapMs = 0 }) {
      isEnough = false;
      let due = performance.now();
      let looked = due;
      for (let i = 1; i <= turns && !isEnough; i++) {
        clock.tick();
        if (delays.isIdle) idleTurn(turn);
        else if (i % playsEvery === 0) writer.turn(turn);
        if (told) {
          // Timers that are overdue may follow each other in one turn of the event loop.
          await nextTurn();
          told.end(writer.events, writer.logins);
        }
        due += everyMs;
        const now = performance.now();
        // A server that fell behind skips turns instead of playing them at once.
        if (due < now - 1_000) due = now;
        if (now - looked > LOOK_MS) {
          look();
          looked = now;
        }
        await (due > now ? delay(due - now) : nextTurn());
        if (rest && i % rest[0] === 0) {
          await delay(rest[1]);
          clock.leap(leapMs);
          due = performance.now();
        }
      }
    },

    enough() {
      isEnough = true;
    },

    compare: (wanted) => (wanted ? delays.begin() : delays.end()),

    /**
     * Plays that many turns and ends in the way that `ending` names: in the last turn, after its records.
     * Prints the numbers of its records on stdout before.
     */
    endAfter({ ending, turns, turn, everyMs }) {
      let played = 0;
      setInterval(() => {
        clock.tick();
        writer.turn(turn);
        played += 1;
        if (played === turns) {
          writeSync(1, `last ${writer.events} ${writer.logins} ${clock.systemMs()}\n`);
          ENDINGS[ending](port);
        }
        setImmediate(() => told.end(writer.events, writer.logins));
      }, everyMs);
    },

    isThreadRefused,

    /** Until the system kills the process. */
    useUpMemory() {
      for (const taken = []; ; ) taken.push(Buffer.alloc(MIB, 1));
    },

    leap: (ms) => clock.leap(ms),
    time: () => Date.now(),

    /** From now on only one turn in `every` tracks anything. */
    slower(every) {
      playsEvery = every;
    },

    /** One more event; answers its mark. */
    fresh() {
      clock.tick();
      writer.event();
      return `${writer.name}:${writer.events - 1}`;
    },

    /** An event that is no part of the account. */
    extra: ([event, userId, data]) => analytics.track(event, userId, data),

    account() {
      look();
      const delayP99 = delays.p99;
      return { ...writer.account, health: analytics.getHealth(), lines, most, delayP99 };
    },
  };
};
