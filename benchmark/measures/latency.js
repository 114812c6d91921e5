// How long after `track()` a reader finds the event, while others come at a steady rate.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { MongoClient } = require('../../__test__/support/driver');
const { percentile } = require('../statistics');
const { atRate } = require('./delay');

const PROBES = 60;
const PAUSE_MS = 100;

async function run(peer, { uri, database, rate }) {
  const client = new MongoClient(uri);
  const events = client.db(database).collection('gsoevents');
  await events.findOne({ userId: 'nobody' });
  const background = atRate(peer, { rate, seconds: (PROBES * PAUSE_MS * 1.5) / 1000 });
  const waits = [];
  for (let n = 0; n < PROBES; n += 1) {
    const userId = `probe${n}`;
    const tracked = performance.now();
    peer.track('probe', userId, { amount: 0 });
    while ((await events.findOne({ userId })) === null);
    waits.push(performance.now() - tracked);
    await delay(PAUSE_MS);
  }
  await background;
  await peer.stored();
  await client.close();
  return { p50Ms: percentile(waits, 50), p99Ms: percentile(waits, 99) };
}

module.exports = { run };
