// What the generator makes, without playing it: it is the same for the same seed, long enough, and
// holds everything that the differential has to cover.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { BSON: bson } = require('../../support/driver');
const { Coverage, typeOfId } = require('./coverage');
const { exceptions } = require('./exceptions');
const { LEAST_CALLS, countCalls, generateScenario } = require('./generate');
const { isoOf } = require('./model');
const { COUNTED, ID_TYPES, LOST_ROWS, NO_IDS, ROWS } = require('./payloads');
const { provocations } = require('./provocations');
const { KINDS, makeValue } = require('./values');

const SCENARIOS = 320;
const scenarios = Array.from({ length: SCENARIOS }, (_, index) => generateScenario(1, index));
const calls = scenarios.flatMap((scenario) => scenario.calls);

function missing(wanted, found) {
  const present = new Set(found);
  return wanted.filter((one) => !present.has(one));
}

function daysOf(scenario) {
  return scenario.calls.map(({ at }) => isoOf(at).slice(0, 10));
}

describe('the generator', () => {
  it('gives the same scenario for the same seed, and another for another', () => {
    assert.deepStrictEqual(generateScenario(1, 7), scenarios[7]);
    assert.notDeepStrictEqual(generateScenario(2, 7).calls, scenarios[7].calls);
    assert.notDeepStrictEqual(scenarios[8].calls, scenarios[7].calls);
  });

  it('makes enough calls, each at a moment of its own', () => {
    for (const { index, calls: own } of scenarios) {
      assert.ok(countCalls(own) >= LEAST_CALLS, `scenario ${index}`);
      own.slice(1).forEach((call, nth) => {
        assert.ok(call.at > own[nth].at, `scenario ${index}`);
      });
    }
  });

  it('makes scenarios that JSON can carry', () => {
    for (const scenario of scenarios) {
      assert.deepStrictEqual(JSON.parse(JSON.stringify(scenario)), scenario);
    }
  });

  it('makes every call, every kind of event, id and payload', () => {
    const ops = ['create', 'start', 'stop', 'login', 'logout', 'track', 'metrics', 'days', 'join'];
    const tracked = calls.filter(({ op }) => op === 'track');
    const ids = [...Object.keys(ID_TYPES), ...Object.keys(NO_IDS)];
    const rows = [...Object.keys(ROWS), ...Object.keys(LOST_ROWS)];
    const found = (op) => calls.filter((call) => call.op === op).map(({ id }) => typeOfId(id));
    assert.deepStrictEqual(
      missing(
        ops,
        calls.map(({ op }) => op),
      ),
      [],
    );
    assert.deepStrictEqual(
      missing(
        Object.keys(COUNTED),
        tracked.map(({ event }) => event),
      ),
      [],
    );
    assert.deepStrictEqual(
      missing(
        rows,
        tracked.map(({ row }) => row),
      ),
      [],
    );
    for (const op of ['track', 'login', 'logout'])
      assert.deepStrictEqual(missing(ids, found(op)), []);
    assert.deepStrictEqual(
      missing(
        [true, false],
        calls.map(({ wait }) => wait),
      ),
      [],
    );
  });

  it('changes days and months, uses two instances, and posts or not', () => {
    const months = (days) => new Set(days.map((day) => day.slice(0, 7)));
    assert.ok(scenarios.some((scenario) => new Set(daysOf(scenario)).size > 1));
    assert.ok(scenarios.some((scenario) => months(daysOf(scenario)).size > 1));
    assert.ok(calls.some(({ on }) => on === 1));
    assert.deepStrictEqual(
      missing(
        [true, false],
        scenarios.map(({ webhook }) => webhook),
      ),
      [],
    );
  });

  it('provokes every intended difference, and nothing in every other scenario', () => {
    const provoked = scenarios.map(({ provokes }) => provokes);
    assert.deepStrictEqual(missing(Object.keys(provocations), provoked), []);
    for (const scenario of scenarios.filter(({ provokes }) => provokes === null)) {
      assert.ok(scenario.calls.every((call) => !call.provokes && !call.refused));
    }
  });
});

describe('values', () => {
  it('can all be made', () => {
    const made = new Set();
    const visit = (spec) => {
      if (spec === null || typeof spec !== 'object') return;
      if (typeof spec.$ === 'string') made.add(spec.$);
      Object.values(spec).forEach(visit);
    };
    for (const call of calls) {
      visit(call);
      for (const spec of [call.event, call.id, call.data, call.name]) makeValue(spec, bson);
    }
    assert.deepStrictEqual(missing(KINDS, made), []);
  });
});

describe('the coverage', () => {
  it('misses everything until it is played, unused exceptions too', () => {
    const lines = new Coverage().missing();
    const wanted = ['events stored: raid.complete', 'BSON types in data: decimal128'];
    wanted.push('scenarios: month change', 'ids of logins: Symbol');
    wanted.push(...exceptions.map(({ name }) => `exceptions: ${name}`));
    assert.deepStrictEqual(missing(wanted, lines), []);
  });

  it('tells the type of every id', () => {
    for (const [type, make] of Object.entries(ID_TYPES))
      assert.strictEqual(typeOfId(make(3)), type);
    for (const [type, id] of Object.entries(NO_IDS)) assert.strictEqual(typeOfId(id), type);
  });
});
