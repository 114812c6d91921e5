// What the reports of a database cost: the run over all days that are due, and each answer afterwards.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { cpuMs } = require('./cpu');
const { median, percentile } = require('../statistics');

const LOOK_EVERY_MS = 20;
const RANGE = { days: 30 };
/** The parameters of each method. */
const GETTERS = {
  getActivity: () => [RANGE],
  getRetention: () => [{ cohorts: 30 }],
  getSessionLengths: () => [RANGE],
  getEconomy: () => [RANGE],
  getRevenue: () => [RANGE],
  getFunnel: () => ['levels', RANGE],
  getTopEvents: () => [RANGE],
  getConcurrency: (day) => [{ day }],
};

/** `day` is the one that getConcurrency() is asked about; without `calls` nothing is asked. */
async function run(peer, { mongodPid, calls = 0, day }) {
  const idle = process.memoryUsage().rss;
  const [began, cpuBefore] = [performance.now(), cpuMs(mongodPid)];
  let peak = idle;
  while (peer.health().reports.state !== 'current') {
    peak = Math.max(peak, process.memoryUsage().rss);
    await delay(LOOK_EVERY_MS);
  }
  const job = {
    ms: performance.now() - began,
    mongodCpuMs: cpuMs(mongodPid) - cpuBefore,
    clientBytes: peak - idle,
  };
  const getters = {};
  for (const [name, given] of Object.entries(calls > 0 ? GETTERS : {}))
    getters[name] = await timed(calls, () => peer.ask(name, ...given(day)));
  return { job, getters };
}

async function timed(calls, ask) {
  // The row of today is made once for all callers.
  await ask();
  const times = [];
  for (let call = 0; call < calls; call += 1) {
    const began = performance.now();
    await ask();
    times.push(performance.now() - began);
  }
  return { p50Ms: median(times), p99Ms: percentile(times, 99) };
}

module.exports = { run };
