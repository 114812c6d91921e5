// MongoDB and the destinations do not wait for each other; losses of a destination are bounded and
// counted.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { setImmediate: nextTurn } = require('node:timers/promises');
const setup = require('./setup');

const { NOBODY, QUICK, RECEIVERS, create, delivered, faults, numbersOf, range } = setup;
const { startReceiver, through, trackNumbers, waitFor } = setup;

const mongo = setup.useMongod();

const FORMATS = Object.keys(RECEIVERS);
const ROUNDS = 5;
const EVENTS = 20_000;
const KIB = 1024;

/** Each dead in another way for the whole run. */
async function deadReceivers() {
  const ways = [faults.hang, faults.reset, faults.status(500), faults.busyFor(3_600)];
  return Promise.all(
    FORMATS.map(async (format, n) => {
      const receiver = await startReceiver(format);
      receiver.failAlways(ways[n % ways.length]);
      return RECEIVERS[format].at(receiver);
    }),
  );
}

/** Events stored per second; MongoDB must have all of them. */
async function storedPerSecond(destinations) {
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri, destinations, shutdownTimeoutMs: 50 });
  await analytics.flush();
  const began = performance.now();
  for (let n = 0; n < EVENTS; n++) {
    analytics.track('dungeon.complete', `u${n % 500}`, { n });
    if (n % 1_000 === 999) await nextTurn();
  }
  await analytics.flush();
  const ms = performance.now() - began;
  assert.strictEqual(await database.count('gsoevents'), EVENTS);
  assert.strictEqual((await database.days())[0].dungeonsRun, EVENTS);
  const health = analytics.getHealth();
  analytics.stop();
  return { perSecond: (EVENTS / ms) * 1_000, health };
}

describe('with every destination dead for the whole run', () => {
  it('MongoDB gets everything, as fast as with receivers that are there', async (t) => {
    const dead = (await deadReceivers()).map((to) => ({ ...to, maxQueueBytes: 256 * KIB }));
    const alive = await Promise.all(
      FORMATS.map(async (format) => RECEIVERS[format].at(await startReceiver(format))),
    );
    const speeds = { none: [], alive: [], dead: [] };
    let worst = 0;
    for (let round = 0; round < ROUNDS; round++) {
      speeds.none.push((await storedPerSecond([])).perSecond);
      speeds.alive.push((await storedPerSecond(alive)).perSecond);
      const { perSecond, health } = await storedPerSecond(dead);
      speeds.dead.push(perSecond);
      for (const to of health.destinations) {
        worst = Math.max(worst, to.queuedBytes);
        assert.strictEqual(to.queued + through(to), EVENTS, to.name);
        assert.strictEqual(to.sent, 0, to.name);
        assert.ok(to.dropped.queue_full > 0, to.name);
      }
    }
    // Other tests run beside this one; what waits for the dead is slow in every round. Without any
    // destination there is less to do, whether they live or not: each has its part.
    const [none, living, gone] = Object.values(speeds).map((all) => Math.max(...all));
    t.diagnostic(`fastest, events/s: no destination ${Math.round(none)}, alive \
${Math.round(living)}, dead ${Math.round(gone)}; dead/none ${(gone / none).toFixed(2)}; most queued ${worst} bytes`);
    assert.ok(worst <= 256 * KIB, `${worst} bytes`);
    assert.ok(gone >= 0.6 * living, `${gone} of ${living} events/s`);
    assert.ok(gone >= none / FORMATS.length, `${gone} of ${none} events/s`);
  });

  it('what waits too long expires and is counted', async () => {
    const dead = (await deadReceivers()).map((to) => ({ ...to, ...QUICK, maxAgeMs: 400 }));
    const { analytics, lines } = create({ uri: mongo.database().uri, destinations: dead });
    trackNumbers(analytics, 50);
    await analytics.flush();
    const isOver = () => analytics.getHealth().destinations.every((to) => to.expired === 50);
    await waitFor(isOver, { timeoutMs: 10_000, what: 'everything to expire' });
    for (const to of analytics.getHealth().destinations) {
      assert.deepStrictEqual([to.queued, to.queuedBytes, to.oldestWaitingMs], [0, 0, 0]);
    }
    const said = () => lines.filter((line) => line.includes('maxAgeMs')).length;
    await waitFor(() => said() >= FORMATS.length, { what: 'a line for each destination' });
    assert.strictEqual(said(), FORMATS.length);
  });

  it('stop() ends at its time limit and counts the events that are left', async () => {
    const { analytics, lines } = create({
      ...{ uri: mongo.database().uri, destinations: await deadReceivers() },
      shutdownTimeoutMs: 400,
    });
    trackNumbers(analytics, 50);
    await analytics.flush();
    const began = performance.now();
    await analytics.stop();
    const ms = performance.now() - began;
    assert.ok(ms >= 390 && ms < 4_000, `${ms} ms`);
    const left = new RegExp(`not written yet: 0,.*yet: ${50 * FORMATS.length};`);
    assert.strictEqual(lines.filter((line) => left.test(line)).length, 1);
  });
});

describe('with MongoDB away', () => {
  it('every destination gets everything', async () => {
    const receivers = await Promise.all(FORMATS.map(startReceiver));
    const destinations = receivers.map((receiver, n) => RECEIVERS[FORMATS[n]].at(receiver));
    const { analytics } = create({ uri: NOBODY, destinations });
    trackNumbers(analytics, 500);
    await delivered(analytics);
    for (const receiver of receivers) {
      assert.deepStrictEqual(
        numbersOf(receiver).sort((a, b) => a - b),
        range(500),
      );
    }
    assert.strictEqual(analytics.getHealth().queued, 500);
  });
});

describe('with one destination dead', () => {
  it('the others get everything', async () => {
    const receivers = await Promise.all(FORMATS.map(startReceiver));
    receivers[0].failAlways(faults.hang);
    const destinations = receivers.map((receiver, n) => RECEIVERS[FORMATS[n]].at(receiver));
    const { analytics } = create({ uri: NOBODY, destinations });
    trackNumbers(analytics, 500);
    analytics.stop();
    const isThere = () =>
      analytics
        .getHealth()
        .destinations.slice(1)
        .every((to) => to.sent === 500);
    await waitFor(isThere, { what: 'the others' });
    assert.strictEqual(analytics.getHealth().destinations[0].sent, 0);
  });
});
