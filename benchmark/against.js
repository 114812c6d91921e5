// Another build of this package beside this one, in turns on one mongod: what a change costs. Each round
// measures both, the other one first in every second round, and compares the two of that round, so
// that a machine that becomes slower meanwhile changes no ratio.
'use strict';

const path = require('node:path');
const { ROOT } = require('../scripts/lib/steps');
const { twoPlaces, whole } = require('./format');
const { EVENTS, only, throughput } = require('./rounds');
const { spread } = require('./statistics');

const LOGINS = 10_000;

/** What is compared, of which measurement, how it is shown. */
const ROWS = [
  ['events stored per second', 'throughput', 'perSecond', whole],
  ['event-loop CPU per event, µs', 'throughput', 'jsCpuUs', twoPlaces],
  ['CPU of the process per event, µs', 'throughput', 'processCpuUs', twoPlaces],
  ['events of 5 000 bytes per second', 'large', 'perSecond', whole],
  ['logins per second, 10 000 at once', 'logins', 'perSecond', whole],
  ['one awaited login, p50, ms', 'logins', 'aloneP50Ms', twoPlaces],
];

/** `{ other: { throughput: [one of each round], … }, own: … }`. */
async function playAgainst(bench, { folder, rounds }) {
  const sides = { other: path.resolve(folder), own: ROOT };
  const results = { other: empty(), own: empty() };
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? ['own', 'other'] : ['other', 'own'];
    for (const name of order) {
      const side = { peer: 'addon', folder: sides[name] };
      const { throughput: small, large, logins } = results[name];
      small.push(await throughput(bench, { ...side, bytes: 0 }, EVENTS));
      large.push(await throughput(bench, { ...side, bytes: 5_000 }, EVENTS / 10));
      logins.push(await only(bench, { ...side, measure: 'logins', logins: LOGINS }));
    }
  }
  return results;
}

function empty() {
  return { throughput: [], large: [], logins: [] };
}

/** Markdown: medians of both, and the ratios of this build to the other one, round by round. */
function againstTable({ other, own }) {
  const head =
    '|  | other build | this build | this ÷ other, median of the rounds (smallest–largest) |';
  const rows = ROWS.map(([title, measure, field, show]) => {
    const [before, after] = [spread(other[measure], field), spread(own[measure], field)];
    const all = own[measure].map((result, round) => result[field] / other[measure][round][field]);
    const ratio = spread(all);
    const ratios = `${ratio.median.toFixed(3)} (${twoPlaces(ratio.min)}–${twoPlaces(ratio.max)})`;
    return `| ${title} | ${show(before.median)} | ${show(after.median)} | ${ratios} |`;
  });
  return [head, '| --- | --- | --- | --- |', ...rows].join('\n');
}

module.exports = { againstTable, playAgainst };
