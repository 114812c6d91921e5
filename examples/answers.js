// The second part of `npm run demo`: the answers of docs/answers.md, out of the database of a small game.
// Each is printed under the call that gives it.
'use strict';

require('../__test__/support/environment').cleanEnvironment();

const mongoose = require('mongoose');
const mongods = require('../__test__/support/mongod');
const AnalyticsSystem = require('..');
const { planMonth } = require('./month');

const DAY = 86_400_000;
const LATEST = Math.floor(Date.now() / DAY) * DAY;
const yesterday = new Date(LATEST - DAY).toISOString().slice(0, 10);

const funnel = { steps: ['user.register', 'dungeon.complete', 'credits.spend'], windowS: 86_400 };

/** What is asked, as docs/answers.md shows it, and the part of the answer that it shows. */
const QUESTIONS = [
  {
    call: 'getActivity({ days: 7, to: yesterday })',
    ask: (analytics) => analytics.getActivity({ days: 7, to: yesterday }),
    part: (rows) => rows.slice(-2),
  },
  {
    call: 'getRetention({ cohorts: 15 })',
    ask: (analytics) => analytics.getRetention({ cohorts: 15 }),
    part: (rows) => [rows[0], rows.at(-3)],
  },
  {
    call: 'getSessionLengths({ days: 7, to: yesterday })',
    ask: (analytics) => analytics.getSessionLengths({ days: 7, to: yesterday }),
    part: (rows) => rows.slice(-1).map((row) => ({ ...row, buckets: row.buckets.slice(0, 3) })),
  },
  {
    call: "getEconomy({ days: 3, to: yesterday, currency: 'credits' })",
    ask: (analytics) => analytics.getEconomy({ days: 3, to: yesterday, currency: 'credits' }),
    part: (rows) => rows.map((row) => ({ ...row, days: row.days.slice(-1) })),
  },
  {
    call: 'getRevenue({ days: 2, to: yesterday })',
    ask: (analytics) => analytics.getRevenue({ days: 2, to: yesterday }),
    part: (rows) => rows,
  },
  {
    call: 'getConcurrency({ day: yesterday })',
    ask: (analytics) => analytics.getConcurrency({ day: yesterday }),
    part: ({ curve, ...answer }) => ({ ...answer, curve: curve.slice(0, 3) }),
  },
  {
    call: 'getFunnel(funnel, { days: 6 })',
    ask: (analytics) => analytics.getFunnel(funnel, { days: 6 }),
    part: (answer) => ({ ...answer, days: answer.days.slice(-2, -1) }),
  },
  {
    call: 'getTopEvents({ days: 3, to: yesterday, limit: 3 })',
    ask: (analytics) => analytics.getTopEvents({ days: 3, to: yesterday, limit: 3 }),
    part: (rows) => rows,
  },
];

async function main() {
  const mongod = await mongods.startMongod({ say: console.log });
  const database = mongods.freshDatabaseName();
  try {
    const uri = mongods.withDatabase(mongod.uri, database);
    await fill(uri);
    await answer(uri);
  } finally {
    await mongods.dropDatabases(mongod.uri, [database]);
    await mongod.stop();
  }
}

async function fill(uri) {
  const { sessions, events, days, purchases } = planMonth(LATEST);
  const { connection } = await mongoose.connect(uri);
  await connection.collection('gsosessions').insertMany(sessions);
  await connection.collection('gsoevents').insertMany(events);
  await connection.collection('gsodailies').insertMany(days);
  await connection.collection('gsopurchases').insertMany(purchases);
}

async function answer(uri) {
  const analytics = new AnalyticsSystem({
    uri,
    operationTimeoutMs: 60_000,
    logger: { info() {}, warn: console.error, error: console.error },
  });
  try {
    analytics.start();
    for (const { call, ask, part } of QUESTIONS) {
      console.log(`\nanalytics.${call}`);
      console.log(JSON.stringify(part(await ask(analytics)), null, 2));
    }
  } finally {
    await analytics.stop();
    await mongoose.disconnect();
  }
}

main().catch((error) => {
  console.error(`The demo failed: ${error.stack}`);
  process.exitCode = 1;
});
