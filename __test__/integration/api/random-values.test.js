// 50 000 random JavaScript values through the three calls: nothing throws, and every call is
// accounted for. Set SEED to repeat a run.
'use strict';

const assert = require('node:assert');
const { it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { randomValues } = require('./random-values');

const mongo = useMongod();

const CALLS = 50_000;
const PER_TURN = 500;
const seed = Number(process.env.SEED) || Date.now() % 2 ** 32;

it(`${CALLS} random values are stored or refused by reason (seed ${seed})`, async () => {
  console.log(`random values: SEED=${seed}`);
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000 });
  const random = randomValues(seed, analytics);
  const calls = { track: 0, onLogin: 0, onLogout: 0 };
  const promises = [];
  for (let i = 0; i < CALLS; i++) {
    const method = random.pick(['track', 'track', 'track', 'onLogin', 'onLogout']);
    const args = random.args();
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
  assert.strictEqual(health.accepted + sum(health.rejected), CALLS + random.nestedCalls());

  const [events, sessions] = await Promise.all(
    ['gsoevents', 'gsosessions'].map((name) => database.count(name)),
  );
  const logouts = health.accepted - events - sessions;
  assert.ok(events > calls.track / 4 && sessions > calls.onLogin / 8, `${events}, ${sessions}`);
  assert.ok(logouts > 1_000 && logouts <= calls.onLogout, `${logouts} logouts`);
  for (const day of await database.days()) {
    for (const [name, value] of Object.entries(day)) {
      if (typeof value === 'number') assert.ok(Number.isFinite(value), `${name} is ${value}`);
    }
  }
});
