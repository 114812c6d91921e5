// What one more process costs the daily document: how often it is updated, with how many bytes, and by
// how many it grows. A proxy between the processes and mongod sees it.
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { calculateObjectSize } = require('bson');
const { DailyUpdates } = require('../__test__/integration/exactness/daily-updates');
const { startProxy } = require('../__test__/support/proxy');

const PROCESSES = [1, 2, 16];
/** The default of the package. */
const FLUSH_INTERVAL_MS = 500;
const INTERVALS = 16;

/** `{ processes, updates, bytes, answer, document }` for each number of processes. */
function playCost(bench) {
  return bench.withDatabase(async (database) => {
    const updates = new DailyUpdates();
    const proxy = await startProxy(bench.server.port, updates);
    const [rows, leaving] = [[], []];
    let here = 0;
    for (const processes of PROCESSES) {
      leaving.push(await database.accompany(processes - here, proxy.uri()));
      here = processes;
      rows.push({ processes, ...(await look(database, updates)) });
    }
    await Promise.all(leaving.map((leave) => leave()));
    await proxy.close();
    return rows;
  });
}

/** Updates per process and flush interval, bytes of the largest, of its answer and of the document. */
async function look({ db }, updates) {
  updates.begin();
  const began = performance.now();
  await delay(INTERVALS * FLUSH_INTERVAL_MS);
  const intervals = (performance.now() - began) / FLUSH_INTERVAL_MS;
  const seen = updates.updates;
  const all = seen.flat();
  return {
    updates: all.length / seen.length / intervals,
    bytes: Math.max(...all.map(({ bytes }) => bytes)),
    answer: Math.max(...all.map(({ answer }) => answer)),
    document: calculateObjectSize(await db.collection('gsodailies').findOne({})),
  };
}

module.exports = { playCost };
