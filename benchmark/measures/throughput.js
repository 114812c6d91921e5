// As fast as it goes: events are tracked in turns of a thousand; the clock stops when all are stored.
'use strict';

const { setImmediate: nextTurn } = require('node:timers/promises');
const { cpuMs } = require('./cpu');
const { trackEvent } = require('../workload');

const PER_TURN = 1_000;

async function run(peer, { events, bytes = 0, mongodPid }) {
  const filler = 'x'.repeat(bytes);
  await warmUp(peer, filler, Math.min(events / 10, 2_000));
  const [begin, mongodBefore] = [now(), cpuMs(mongodPid)];
  for (let i = 0; i < events; ) {
    const end = Math.min(i + PER_TURN, events);
    for (; i < end; i += 1) trackEvent(peer, i, filler);
    await nextTurn();
  }
  await peer.stored();
  return { ...since(begin), mongodCpuMs: cpuMs(mongodPid) - mongodBefore };
}

/** Compiled code and open connections, as in a server that has been running. */
async function warmUp(peer, filler, events) {
  for (let i = 0; i < events; i += 1) trackEvent(peer, i, filler);
  await peer.stored();
}

function now() {
  return { at: performance.now(), thread: process.threadCpuUsage(), all: process.cpuUsage() };
}

/** Milliseconds: by the clock, when it was, of the JavaScript thread, of the process. */
function since({ at, thread, all }) {
  const js = process.threadCpuUsage(thread);
  const cpu = process.cpuUsage(all);
  const ended = performance.now();
  return {
    ms: ended - at,
    began: performance.timeOrigin + at,
    ended: performance.timeOrigin + ended,
    jsCpuMs: (js.user + js.system) / 1000,
    processCpuMs: (cpu.user + cpu.system) / 1000,
  };
}

module.exports = { run };
