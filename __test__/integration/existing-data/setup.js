// What the tests of existing data share: both sides play the same plan in processes of their own,
// each at the time the plan says, and databases are compared byte by byte.
'use strict';

const assert = require('node:assert');
const { runProgram, startProgram, useMongod } = require('../../support/setup');

const COLLECTIONS = ['gsosessions', 'gsodailies', 'gsoevents'];
const TIMEOUT_MS = 60_000;

/**
 * One process of a game server. `given`: `{ uri, file, plan, now, options }`; `file` is the class when
 * it is the mongoose-based one. Reports `{ metrics, days, lines, health }` as they are at `now`.
 */
async function playProcess(given, report) {
  const { plan = [], now, options } = given;
  const clock = require('./__test__/support/clock').installClock(plan[0]?.at ?? now);
  const [lines, pending] = [[], []];
  const keep = (line) => lines.push(line);
  let system;
  let mongoose;
  if (given.file) {
    mongoose = require('mongoose');
    await mongoose.connect(given.uri);
    const Class = require(given.file);
    await Promise.all(Object.values(mongoose.models).map((model) => model.init()));
    const events = mongoose.models.GSOEvent;
    const create = events.create;
    events.create = (...args) => {
      const stored = create.apply(events, args);
      pending.push(stored);
      return stored;
    };
    system = new Class();
  } else {
    const Class = require('.');
    const logger = { info: keep, warn: keep, error: keep };
    system = new Class({ uri: given.uri, logger, ...options });
  }
  let day;
  for (const { at, op, user, event, data } of plan) {
    // As its interval does every minute.
    if (day !== at.slice(0, 10)) await system._flush?.();
    day = at.slice(0, 10);
    clock.set(at);
    if (op === 'login') await system.onLogin(user, `name of ${user}`);
    else if (op === 'logout') await system.onLogout(user);
    else system.track(event, user, data);
  }
  await Promise.all(pending);
  await system._flush?.();
  await system.flush?.();
  clock.set(now);
  const [metrics, days] = [await system.getMetrics(), await system.getLast30Days()];
  report({ metrics, days, lines, health: system.getHealth?.() });
  await system.stop();
  await mongoose?.disconnect();
}

/** Plays to the end; `{ metrics, days, lines, health }`. */
async function play(database, given) {
  const whole = { uri: database.uri, ...given };
  const { result } = await runProgram(playProcess, { given: whole, timeoutMs: TIMEOUT_MS });
  return result;
}

/** Every document of the three collections as it is stored: `Map('collection id' → hex)`. */
async function bytesOf(db, collections = COLLECTIONS) {
  const bytes = new Map();
  for (const name of collections) {
    const found = db.collection(name).find({}, { raw: true }).sort({ _id: 1 });
    const ids = db.collection(name).find().project({ _id: 1 }).sort({ _id: 1 });
    const [documents, keys] = [await found.toArray(), await ids.toArray()];
    documents.forEach((document, i) => {
      bytes.set(`${name} ${keys[i]._id}`, Buffer.from(document).toString('hex'));
    });
  }
  return bytes;
}

/** Nothing that was there is gone or different, but for the documents named. */
function assertUntouched(before, after, except = []) {
  assert.ok(before.size > 0, 'there was nothing to touch');
  for (const [key, bytes] of before) {
    if (!except.includes(key)) assert.strictEqual(after.get(key), bytes, key);
  }
}

const json = (value) => JSON.parse(JSON.stringify(value));

/** Days without ids and book-keeping, newest first, in the form of `getLast30Days()`. */
const withoutIds = (days) => json(days).map(({ _id, _a, ...day }) => day);

const newestFirst = (days) => [...days].sort((a, b) => (a.day < b.day ? 1 : -1));

module.exports = {
  ...{ assertUntouched, bytesOf, json, newestFirst, play },
  ...{ startProgram, useMongod, withoutIds },
};
