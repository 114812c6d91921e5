// All scenarios by group. A scenario is `{ name, run(host) }` (or `processes: [run…]`, one after
// the other or `atOnce`) with, as needed: `clock` (ISO moment to start from; without it the real
// one), `seed(db)`, `connect`/`load: 'by itself'` (the scenario does it), `connectOptions`,
// `webhook: 'from the start' | 'set by the host'` and `webhookRequests` (a number, or one for each
// kind of implementation), `indexes: true` (compare them too), `referenceNeverEnds` (it has to be
// ended), `differences` (names in ../differences.js that hold for the addon).
'use strict';

const NAMES = [
  'counters',
  'amounts',
  'data',
  'ids',
  'sessions',
  'metrics',
  'host',
  'connection',
  'webhook',
  'indexes',
  'several',
];

const groups = {};
for (const group of NAMES) {
  groups[group] = require(`./${group}`).map((scenario) => ({ ...scenario, group }));
}

module.exports = { groups };
