// Plays scenarios on both sides and compares. Each lane has one process for each side, which is
// renewed now and then; a scenario is played by both at the same time.
'use strict';

const { difference } = require('../format');
const { MongoClient } = require('../../support/driver');
const { compare } = require('./compare');
const { judge } = require('./exceptions');
const { Host } = require('./host');
const { Model, isoOf, nameOf } = require('./model');
const { observe } = require('./observe');
const { additions, translations } = require('./posts');

const LANES = 2;
const SCENARIOS_PER_PROCESS = 40;
/** Each may have cost its whole time limit. */
const MOST_ERRORS = 3;

/**
 * Plays every scenario; `onResult({ scenario, reference, used, unmeant, error })` as each is done.
 * `faultFor(scenario)` answers the fault that the addon's process has to make, if any.
 */
async function playAll(scenarios, { implementations, server, onResult, faultFor = () => {} }) {
  const client = new MongoClient(server.uri);
  const queue = scenarios.values();
  let errors = 0;
  const lane = async () => {
    const pair = new Pair(implementations);
    try {
      for (const scenario of queue) {
        const context = { client, server, fault: faultFor(scenario) };
        const result = await playOne(scenario, pair, context);
        onResult({ scenario, ...result });
        if (result.error) errors += 1;
        if (errors >= MOST_ERRORS)
          throw new Error(`given up after ${errors} scenarios that failed`);
      }
    } finally {
      await pair.close();
    }
  };
  try {
    const lanes = Array.from({ length: LANES }, lane);
    await Promise.allSettled(lanes);
    await Promise.all(lanes);
  } finally {
    await client.close();
  }
}

/** The two processes of a lane. */
class Pair {
  constructor(implementations) {
    this.implementations = implementations;
    this.played = 0;
  }

  async hosts() {
    if (this.current && this.played % SCENARIOS_PER_PROCESS !== 0) {
      this.played += 1;
      return this.current;
    }
    await this.close();
    this.played += 1;
    this.current = this.implementations.map((implementation) => new Host(implementation));
    return this.current;
  }

  async close() {
    await Promise.all((this.current ?? []).map((host) => host.kill()));
    this.current = undefined;
  }
}

async function playOne(scenario, pair, { client, server, fault }) {
  try {
    const [referenceHost, addonHost] = await pair.hosts();
    const both = [
      observe(scenario, {
        ...{ host: referenceHost, client, server },
        posts: translations(scenario),
      }),
      observe(scenario, { host: addonHost, client, server, fault, posts: additions(scenario) }),
    ];
    await Promise.allSettled(both);
    const [reference, addon] = await Promise.all(both);
    const differences = compare(reference.seen, addon.seen);
    return { reference, ...judge(differences, new Model(scenario)) };
  } catch (error) {
    await pair.close();
    return { error, used: [], unmeant: [] };
  }
}

/** What went wrong, for people: the areas, each difference, and the calls. */
function describeFailure({ scenario, unmeant, error }) {
  const { index, seed, provokes, webhook } = scenario;
  const kind = provokes ? `provokes "${provokes}"` : 'provokes nothing';
  const head = `scenario ${index} (seed ${seed}, ${kind}, webhook ${webhook ? 'on' : 'off'})`;
  const areas = [...new Set(unmeant.map(({ area }) => area))].sort().join(', ');
  const why = error ? `failed: ${error.stack}` : `differs in: ${areas}`;
  return [
    `${head} ${why}`,
    ...unmeant.map(describeDifference),
    'its calls:',
    ...scenario.calls.map(describeCall),
  ].join('\n');
}

function describeDifference({ path, reference, addon }) {
  const shown = (value) => (value === undefined ? '<missing>' : value);
  const lines = difference(shown(reference), shown(addon)).replace(/^/gm, '    ');
  return `  ${path.join(' / ')} (- reference, + addon)\n${lines}`;
}

function describeCall(call, index) {
  const { op: _op, at, ...rest } = call;
  const text = JSON.stringify(rest);
  return `  ${nameOf(call, index)} ${isoOf(at)} ${text.length > 400 ? `${text.slice(0, 400)}…` : text}`;
}

module.exports = { playAll, describeFailure };
