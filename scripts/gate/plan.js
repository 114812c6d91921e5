// Plays the steps of a gate one after the other and says how far it is: which step of how many, how long
// it has taken, and how long the rest took the last time, or takes on two quiet cores.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, say } = require('../lib/steps');

const TIMES = path.join(ROOT, '.cache', 'gate-times.json');

function lastTimes() {
  try {
    return JSON.parse(fs.readFileSync(TIMES, 'utf8'));
  } catch {
    return {};
  }
}

function keepTime(name, seconds) {
  fs.mkdirSync(path.dirname(TIMES), { recursive: true });
  fs.writeFileSync(TIMES, `${JSON.stringify({ ...lastTimes(), [name]: seconds }, null, 2)}\n`);
}

/** 83 is `1:23`. */
function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

/** `steps`: `[{ name, seconds, work }]`, where `seconds` is about how long it takes the first time. */
async function play(steps) {
  const times = lastTimes();
  const expected = steps.map(({ name, seconds }) => times[name] ?? seconds);
  const begun = performance.now();
  const since = (moment) => (performance.now() - moment) / 1000;
  for (const [i, { name, work }] of steps.entries()) {
    const step = `step ${i + 1} of ${steps.length}, ${name}`;
    const left = `about ${clock(sum(expected.slice(i)))} min left`;
    say(`${step} … (${clock(since(begun))} min passed, ${left})`);
    const started = performance.now();
    try {
      await work();
    } catch (error) {
      throw new Error(`${step}: ${error.message}`, { cause: error });
    }
    keepTime(name, Math.round(since(started)));
    say(`${step}: ${since(started).toFixed(1)} s`);
  }
  say(`all ${steps.length} steps passed in ${clock(since(begun))} min`);
}

function sum(numbers) {
  return numbers.reduce((total, number) => total + number, 0);
}

module.exports = { play };
