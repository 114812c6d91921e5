// What the table does not show: payloads, processes, and waiting times under load.
'use strict';

const { only, throughput } = require('./rounds');

const PAYLOADS = [50, 500, 5_000, 50_000];
/** Enough for dozens of batches of the biggest. */
const PAYLOAD_BYTES_IN_ALL = 200_000_000;
const MOST_EVENTS = 200_000;
/** What one batch of the other sides holds at most, like a group of the addon. */
const BATCH_BYTES = 4 << 20;
const PROCESSES = [1, 2, 4, 8, 16];
const EVENTS_OF_ALL = 320_000;
/** As many as there may be. */
const OWN_COUNTERS = 64;
const RATES = [10, 1_000, 20_000];
const BASE_PAYLOAD = 50;

async function playCurves(bench, { fastest }) {
  return {
    payloads: await payloads(bench, fastest),
    processes: await processes(bench),
    counters: await counters(bench),
    readable: await readable(bench),
    logins: await logins(bench),
  };
}

async function payloads(bench, fastest) {
  const { driverRaw, rustRaw } = fastest;
  const rows = [];
  for (const bytes of PAYLOADS) {
    const events = Math.min(MOST_EVENTS, Math.round(PAYLOAD_BYTES_IN_ALL / bytes));
    const row = { bytes, events };
    for (const [name, side] of Object.entries({ driverRaw, rustRaw, addon: { peer: 'addon' } })) {
      const batch = Math.min(side.batch ?? 0, Math.round(BATCH_BYTES / bytes));
      const filler = Math.max(0, bytes - BASE_PAYLOAD);
      row[name] = await throughput(bench, { ...side, batch, bytes: filler }, events);
    }
    rows.push(row);
  }
  return rows;
}

/** The same number of events by more and more processes, all on one daily document. */
async function processes(bench) {
  const rows = [];
  for (const count of PROCESSES) {
    const side = { peer: 'addon', bytes: 0 };
    const result = await throughput(bench, side, EVENTS_OF_ALL / count, { processes: count });
    rows.push({ count, ...result });
  }
  return rows;
}

/** The same events, added to a built-in total and to one of the host's own. */
async function counters(bench) {
  const others = Array.from({ length: OWN_COUNTERS - 1 }, (_, i) => [`event${i}`, `total${i}`]);
  const ofTheHost = {
    'credits.earn': { total: 'ownCredits', amount: 'amount' },
    ...Object.fromEntries(others),
  };
  const rows = [];
  for (const [own, options] of [
    [0, {}],
    [OWN_COUNTERS, { counters: ofTheHost }],
  ]) {
    const side = { peer: 'addon', bytes: 0, options };
    rows.push({ own, ...(await throughput(bench, side, MOST_EVENTS)) });
  }
  return rows;
}

async function readable(bench) {
  const rows = [];
  for (const rate of RATES) {
    rows.push({ rate, ...(await only(bench, { peer: 'addon', measure: 'latency', rate })) });
  }
  return rows;
}

async function logins(bench) {
  const underLoad = { peer: 'addon', measure: 'login-under-load', rate: 20_000, seconds: 5 };
  const catchUp = {
    ...{ peer: 'addon', measure: 'catch-up', events: 500_000 },
    options: { operationTimeoutMs: 60_000 },
  };
  return { underLoad: await only(bench, underLoad), catchUp: await only(bench, catchUp) };
}

module.exports = { playCurves };
