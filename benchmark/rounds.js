// The table: every side in every round, one after the other, so that all have the same minutes.
'use strict';

const { execFileSync } = require('node:child_process');

const BATCHES = [500, 1_000, 2_000, 5_000];
const IN_FLIGHT = [1, 2, 4];
const CHOOSING_EVENTS = 100_000;
const EVENTS = 300_000;
/** The mongoose-based class stores some two thousand a second. */
const REFERENCE_EVENTS = 6_000;
const LOGINS = 10_000;
const DELAY_SECONDS = 5;
const RATE = 20_000;
const REFERENCE_RATE = 1_000;
const BURST = { maxQueueBytes: 1 << 30, operationTimeoutMs: 60_000 };

/** The sides whose settings are chosen: through the driver's own method, and as a command. */
const OTHERS = {
  driver: { peer: 'driver' },
  driverRaw: { peer: 'driver', raw: true },
  rust: { peer: 'rust' },
  rustRaw: { peer: 'rust', raw: true },
};

/** The fastest batch and number in flight of each of the others, and all that were tried:
 *  `{ fastest: { driver, … }, tried: { driver, … } }`. */
async function chooseFastest(bench) {
  const fastest = {};
  const tried = {};
  for (const [name, side] of Object.entries(OTHERS)) {
    tried[name] = await tryAll(bench, side);
    const [{ batch, inFlight }] = tried[name].toSorted((a, b) => b.perSecond - a.perSecond);
    fastest[name] = { ...side, batch, inFlight, bytes: 0 };
    console.log(`${name}: batches of ${batch}, ${inFlight} in flight`);
  }
  return { fastest, tried };
}

async function tryAll(bench, side) {
  const tried = [];
  for (const batch of BATCHES) {
    for (const inFlight of IN_FLIGHT) {
      const settings = { ...side, batch, inFlight, bytes: 0 };
      const { perSecond } = await throughput(bench, settings, CHOOSING_EVENTS);
      tried.push({ batch, inFlight, perSecond });
    }
  }
  return tried;
}

/** One run as fast as it goes, from the first start to the last end, and the CPU per event. */
async function throughput(bench, side, events, options) {
  const task = { measure: 'throughput', events, ...side };
  const results = await bench.measure(task, options);
  const [{ ms: onlyMs, jsCpuMs, processCpuMs, mongodCpuMs }] = results;
  const last = Math.max(...results.map(({ ended }) => ended));
  const ms = results.length === 1 ? onlyMs : last - Math.min(...results.map(({ began }) => began));
  return {
    perSecond: (results.length * events) / (ms / 1000),
    jsCpuUs: (jsCpuMs * 1000) / events,
    processCpuUs: (processCpuMs * 1000) / events,
    mongodCpuUs: (mongodCpuMs * 1000) / (results.length * events),
  };
}

/** `{ throughput, delay, logins, burst, require }`, each `{ side: [result of each round…] }`. */
async function playRounds(bench, { rounds, fastest }) {
  const measured = { throughput: {}, delay: {}, logins: {}, require: {} };
  const add = (what, side, result) => {
    measured[what][side] ??= [];
    measured[what][side].push(result);
  };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, side] of Object.entries(sides(bench, fastest))) {
      const isReference = name === 'reference';
      const events = isReference ? REFERENCE_EVENTS : EVENTS;
      add('throughput', name, await throughput(bench, side, events));
      if (side.peer === 'rust' || side.raw) continue;
      const rate = isReference ? REFERENCE_RATE : RATE;
      const delay = { measure: 'delay', rate, seconds: DELAY_SECONDS, ...side };
      add('delay', name, await only(bench, delay));
    }
    for (const peer of ['addon', ...(bench.reference ? ['reference'] : [])]) {
      add('logins', peer, await only(bench, { measure: 'logins', logins: LOGINS, peer }));
      add('require', peer, requireMs(bench, peer));
    }
    console.log(`round ${round + 1}: ${shortly(measured.throughput)}`);
  }
  measured.burst = { addon: [await only(bench, burst('addon', 1_000_000))] };
  if (bench.reference) measured.burst.reference = [await only(bench, burst('reference', 20_000))];
  return measured;
}

/** In the order of the table. */
function sides(bench, fastest) {
  const reference = bench.reference ? { reference: { peer: 'reference' } } : {};
  return { noop: { peer: 'noop' }, ...reference, ...fastest, addon: { peer: 'addon' } };
}

function burst(peer, events) {
  return { peer, measure: 'burst', events, options: BURST };
}

async function only(bench, task) {
  const [result] = await bench.measure(task);
  return result;
}

/** Of a fresh process, in milliseconds. */
function requireMs({ node, reference }, peer) {
  const file = peer === 'reference' ? reference : require.resolve('..');
  const program = `const t = performance.now(); require(${JSON.stringify(file)});
    console.log(performance.now() - t); process.exit()`;
  return Number(execFileSync(node, ['-e', program], { encoding: 'utf8' }).trim());
}

function shortly(throughputs) {
  const last = Object.entries(throughputs).filter(([peer]) => peer !== 'noop');
  return last.map(([peer, all]) => `${peer} ${Math.round(all.at(-1).perSecond)}/s`).join(', ');
}

module.exports = { EVENTS, chooseFastest, only, playRounds, throughput };
