// Whether a scenario gave what was recorded of the mongoose-based class, or, on the addon, that with the
// named differences applied.
'use strict';

const { differences } = require('./differences');
const { readExpectations } = require('./expectations');
const { difference, format } = require('./format');

function expected(scenario, kind, actual) {
  const recorded = readExpectations(scenario.group).scenarios[scenario.name];
  if (!recorded) throw new Error('nothing is recorded for this scenario: run parity:record');
  if (kind === 'reference') return recorded;
  for (const name of scenario.differences ?? []) differences[name].apply(recorded, actual);
  return recorded;
}

/** Throws what differs; `actual` is what `observe()` has answered on that `kind` of implementation. */
function check(scenario, actual, kind) {
  const wanted = expected(scenario, kind, actual);
  if (format(actual) === format(wanted)) return;
  const names = kind === 'addon' ? (scenario.differences ?? []) : [];
  const meant = names.map((name) => `\n(meant to differ: ${differences[name].reason})`).join('');
  const lines = difference(wanted, actual);
  throw new Error(`the ${kind} differs (- expected, + actual):${meant}\n${lines}`);
}

module.exports = { check };
