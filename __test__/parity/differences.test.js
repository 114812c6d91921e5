// The list of meant differences stays honest: none without a scenario, none that changes nothing,
// and nothing recorded that is not played any more.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { differences } = require('./differences');
const { readExpectations } = require('./expectations');
const { difference, format } = require('./format');
const { groups } = require('./scenarios');

const scenarios = Object.values(groups).flat();

/** These compare with what the addon gave, within a bound; on the record alone they do nothing. */
const BOUNDED = [...['order of addition', 'a line about indexes'], 'lines about totals that wait'];

function recordOf(scenario) {
  return readExpectations(scenario.group).scenarios[scenario.name];
}

describe('the meant differences', () => {
  it('are all exercised by a scenario', () => {
    const used = new Set(scenarios.flatMap((scenario) => scenario.differences ?? []));
    assert.deepStrictEqual([...used].sort(), Object.keys(differences).sort());
  });

  it('all have a reason', () => {
    for (const [name, { reason }] of Object.entries(differences)) assert.ok(reason, name);
  });

  it('each change what was recorded', () => {
    for (const scenario of scenarios) {
      const names = (scenario.differences ?? []).filter((name) => !BOUNDED.includes(name));
      for (const name of names) {
        const changed = recordOf(scenario);
        differences[name].apply(changed);
        assert.notStrictEqual(format(changed), format(recordOf(scenario)), name);
      }
    }
  });
});

describe('the recorded expectations', () => {
  it('hold every scenario once, and nothing else', () => {
    for (const [group, played] of Object.entries(groups)) {
      const { recordedWith, scenarios: recorded } = readExpectations(group);
      assert.deepStrictEqual(
        Object.keys(recorded),
        played.map(({ name }) => name),
      );
      assert.deepStrictEqual(Object.keys(recordedWith), ['mongoose', 'mongod']);
    }
  });
});

describe('the shown difference', () => {
  it('is the changed lines and a little around them', () => {
    const long = Array.from({ length: 40 }, (_, index) => `line ${index}`);
    const changed = long.with(20, 'another');
    const shown = difference(long, changed).split('\n');
    assert.deepStrictEqual(
      shown.filter((line) => /^[-+]/.test(line)),
      ['-   "line 20",', '+   "another",'],
    );
    assert.strictEqual(shown.length, 10);
  });
});
