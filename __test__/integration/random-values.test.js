// 50 000 random JavaScript values through the three calls: nothing throws, and every call is
// accounted for. Set SEED to repeat a run.
'use strict';

const assert = require('node:assert');
const { it } = require('node:test');
const { AnalyticsSystem, create, useMongod } = require('./setup');
const { randomValues } = require('./random-values');

const mongo = useMongod();

const CALLS = 50_000;
const PER_TURN = 500;
const seed = Number(process.env.SEED) || Date.now() % 2 ** 32;

it(`${CALLS} random values are stored or refused by reason (seed ${seed})`, async () => {
  console.log(`random values: SEED=${seed}`);
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri, webhookUrl: undefined });
  assert.ok(analytics instanceof AnalyticsSystem);
  const random = randomValues(seed, analytics);
  const calls = { track: 0, onLogin: 0, onLogout: 0 };
  const promises = [];
  for (let i = 0; i < CALLS; i++) {
    const method = random.pick(['track', 'track', 'track', 'onLogin', 'onLogout']);
    const args = [random.name(), random.name(), random.value()].slice(0, random.below(4));
    calls[method]++;
    const returned = analytics[method](...args);
    if (method === 'track') assert.strictEqual(returned, undefined);
    else promises.push(returned);
    if (i % PER_TURN === 0) await new Promise(setImmediate);
  }
  for (const resolved of await Promise.all(promises)) assert.strictEqual(resolved, undefined);
  await analytics.flush();

  const health = analytics.getHealth();
  const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
  assert.strictEqual(health.accepted, health.written + sum(health.dropped));
  assert.strictEqual(health.queued, 0);
  assert.strictEqual(health.queuedBytes, 0);
  assert.deepStrictEqual(health.dropped, {});
  // A known event of an unusable user is refused and counts all the same, as in the reference.
  const made = CALLS + random.nestedCalls();
  const countedOnly = health.accepted + sum(health.rejected) - made;
  assert.ok(countedOnly >= 0 && countedOnly < CALLS / 20, `${countedOnly}`);

  const [events, sessions] = [await database.count('gsoevents'), await database.count('gsosessions')];
  const logouts = health.accepted - countedOnly - events - sessions;
  assert.ok(events > calls.track / 4 && sessions > 1_000, `${events}, ${sessions}`);
  assert.ok(logouts > 0 && logouts <= calls.onLogout, `${logouts} logouts`);
  for (const day of await database.days()) {
    for (const [name, value] of Object.entries(day)) {
      if (typeof value === 'number') assert.ok(Number.isFinite(value), `${name} is ${value}`);
    }
  }
});
