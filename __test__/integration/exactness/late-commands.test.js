// Every kind of write is carried out late: just before its repetition, after everything is written, and after
// the wait for its answer was given up. Totals stay exact, nothing is stored twice, and the late command
// meets a duplicate key or a compare-and-set that matches nothing.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { fates } = require('../../support/proxy');
const { waitFor } = require('../../support/wait');
const { LOSSES, assertCounts, isOf, play, saidToRepetitions } = require('./one-server');
const { KINDS } = require('./writes');

const mongo = useMongod({ own: true });

/** Longer than the addon waits for an answer. */
const LONG_MS = 60_000;
const QUIET_MS = 500;

/** It is not repeated, since nothing depends on it. */
const LAST = 'end claim';
/** Kinds that may take minutes: their answer is waited for as long as the connection lasts. */
const UNLIMITED = [
  ...['insert bases', 'pass old writes'],
  ...['mark old users', 'mark base', 'end base', LAST],
];
/** Kinds whose guard accepts a repetition, but not a command that comes later. */
const GUARDED_AGAINST_THE_PAST = ['confirm day', 'mark base'];

/** The command reaches the server just before its repetition. */
function letOvertake(proxy, kind) {
  const overtaken = [];
  let late;
  const fate = async (exchange) => {
    const first = late;
    late = undefined;
    if (first) {
      await first.forward();
    } else if (overtaken.length < LOSSES) {
      late = exchange;
      overtaken.push(exchange);
      return exchange.leaveDriver();
    }
    return exchange.forward();
  };
  proxy.rule({ when: isOf(kind), fate });
  return overtaken;
}

/** The command does not reach the server until it is released. */
function keepBack(proxy, kind) {
  return proxy.rule({ when: isOf(kind), fate: fates.late, times: LOSSES }).taken;
}

/** The same, while the driver goes on waiting for the answer. */
function keepWaiting(proxy, kind) {
  return proxy.rule({ when: isOf(kind), fate: fates.hold, times: 1 }).taken;
}

async function sendAll(harmed) {
  for (const exchange of harmed)
    assert.ok(await exchange.forward(), 'the late command is answered');
}

/** Attempts that had waited for these answers go on beside later ones. */
async function sendAllAndWait(harmed, tally) {
  await sendAll(harmed);
  let [before, quietSince] = [-1, 0];
  const isQuiet = () => {
    const now = tally.total('commands');
    if (now !== before) [before, quietSince] = [now, performance.now()];
    return performance.now() - quietSince > QUIET_MS;
  };
  await waitFor(isQuiet, { what: 'the end of what had waited' });
}

describe('commands that come just before their repetition', { concurrency: 3 }, () => {
  for (const kind of KINDS.filter((one) => one !== LAST)) {
    it(kind, async (t) => {
      const played = await play(t, { on: mongo, kind, harm: letOvertake });
      assert.strictEqual(played.harmed.length, LOSSES);
      assertCounts(played, kind, saidToRepetitions(kind, played.sent));
    });
  }
});

describe('commands that come when everything is written', { concurrency: 3 }, () => {
  for (const kind of KINDS) {
    it(kind, async (t) => {
      const played = await play(t, { on: mongo, kind, harm: keepBack, after: sendAll });
      assert.strictEqual(played.harmed.length, LOSSES);
      const said = saidToRepetitions(kind, kind === LAST ? 0 : played.sent);
      if (GUARDED_AGAINST_THE_PAST.includes(kind)) said.casConflicts = played.sent;
      assertCounts(played, kind, said);
    });
  }
});

describe('commands whose answer takes longer than is waited for', { concurrency: true }, () => {
  for (const kind of KINDS.filter((one) => !UNLIMITED.includes(one))) {
    it(kind, { timeout: LONG_MS }, async (t) => {
      const played = await play(t, { on: mongo, kind, harm: keepWaiting, after: sendAllAndWait });
      assert.strictEqual(played.harmed.length, 1);
      const { duplicates, casConflicts } = played.tally.kinds[kind];
      const { duplicates: least, casConflicts: leastConflicts } = saidToRepetitions(
        kind,
        played.sent,
      );
      assert.ok(duplicates >= least, `${duplicates} duplicates`);
      assert.ok(casConflicts >= leastConflicts, `${casConflicts} CAS conflicts`);
    });
  }
});
