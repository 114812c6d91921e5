// The parity suite: every scenario gives what was recorded from the mongoose-based class, or, on
// the addon, that with the named differences applied. GSO_ANALYTICS_IMPL chooses the side.
'use strict';

const { after, before, describe, it } = require('node:test');
const { cleanEnvironment } = require('../support/environment');
const { startMongod } = require('../support/mongod');
const { differences } = require('./differences');
const { readExpectations } = require('./expectations');
const { difference, format } = require('./format');
const { chosenImplementation } = require('./implementation');
const { observe } = require('./runner');
const { groups } = require('./scenarios');

const AT_ONCE = 4;
const TIMEOUT_MS = 60_000;

cleanEnvironment();
const implementation = chosenImplementation();

describe(`parity of the ${implementation.kind}`, { concurrency: AT_ONCE }, () => {
  const context = { implementation };

  before(async () => {
    context.server = await startMongod();
  });
  after(async () => {
    await context.server?.stop();
    implementation.remove();
  });

  for (const [group, scenarios] of Object.entries(groups)) {
    const expectations = readExpectations(group).scenarios;
    for (const scenario of scenarios) {
      it(`${group}: ${scenario.name}`, { timeout: TIMEOUT_MS }, async () => {
        const actual = await observe(scenario, context);
        check(scenario, actual, expected(scenario, expectations[scenario.name], actual));
      });
    }
  }
});

function expected(scenario, recorded, actual) {
  if (!recorded) throw new Error('nothing is recorded for this scenario: run parity:record');
  if (implementation.kind === 'reference') return recorded;
  const result = structuredClone(recorded);
  for (const name of scenario.differences ?? []) differences[name].apply(result, actual);
  return result;
}

function check(scenario, actual, wanted) {
  if (format(actual) === format(wanted)) return;
  const names = implementation.kind === 'addon' ? (scenario.differences ?? []) : [];
  const meant = names.map((name) => `\n(meant to differ: ${differences[name].reason})`).join('');
  const lines = difference(wanted, actual);
  throw new Error(`the ${implementation.kind} differs (- expected, + actual):${meant}\n${lines}`);
}
