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

/** The fastest batch and number in flight of plain JavaScript and of Rust, and all that were tried:
 *  `{ fastest: { driver, rust }, tried: { driver, rust } }`. */
async function chooseFastest(bench) {
  const fastest = {};
  const tried = {};
  for (const peer of ['driver', 'rust']) {
    tried[peer] = await tryAll(bench, peer);
    const [{ batch, inFlight }] = tried[peer].toSorted((a, b) => b.perSecond - a.perSecond);
    fastest[peer] = { peer, batch, inFlight, bytes: 0 };
    console.log(`${peer}: batches of ${batch}, ${inFlight} in flight`);
  }
  return { fastest, tried };
}

async function tryAll(bench, peer) {
  const tried = [];
  for (const batch of BATCHES) {
    for (const inFlight of IN_FLIGHT) {
      const side = { peer, batch, inFlight, bytes: 0 };
      const { perSecond } = await throughput(bench, side, CHOOSING_EVENTS);
      tried.push({ batch, inFlight, perSecond });
    }
  }
  return tried;
}

/** One run as fast as it goes, per event; fails unless everything is stored. */
async function throughput(bench, side, events, options) {
  const { results, stored } = await bench.measure(
    { measure: 'throughput', events, ...side },
    options,
  );
  const processes = results.length;
  const warmUp = side.peer === 'rust' ? 0 : Math.min(events / 10, 2_000);
  const expected = side.peer === 'noop' ? 0 : processes * (events + warmUp);
  if (stored !== expected) throw new Error(`${side.peer}: ${stored} of ${expected} are stored`);
  const ms = Math.max(...results.map((result) => result.ms));
  const [{ jsCpuMs, processCpuMs }] = results;
  return {
    perSecond: (processes * events) / (ms / 1000),
    jsCpuUs: (jsCpuMs * 1000) / events,
    processCpuUs: (processCpuMs * 1000) / events,
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
    for (const side of sides(bench, fastest)) {
      const { peer } = side;
      const events = peer === 'reference' ? REFERENCE_EVENTS : EVENTS;
      add('throughput', peer, await throughput(bench, side, events));
      if (peer === 'rust') continue;
      const rate = peer === 'reference' ? REFERENCE_RATE : RATE;
      const delay = { measure: 'delay', rate, seconds: DELAY_SECONDS, ...side };
      add('delay', peer, await only(bench, delay));
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

function sides(bench, fastest) {
  const reference = bench.reference ? [{ peer: 'reference' }] : [];
  return [{ peer: 'noop' }, ...reference, fastest.driver, fastest.rust, { peer: 'addon' }];
}

function burst(peer, events) {
  return { peer, measure: 'burst', events, options: { maxQueueBytes: 1 << 30 } };
}

async function only(bench, task) {
  const { results } = await bench.measure(task);
  return results[0];
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

module.exports = { chooseFastest, only, playRounds, throughput };
