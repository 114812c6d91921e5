// The reply to every kind of write is lost after the server has carried it out: totals stay exact, and
// nothing is stored twice. Repetitions that are refused, or match once more, are counted.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { fates } = require('../../support/proxy');
const { isOf, play, assertCounts, saidToRepetitions } = require('./one-server');
const { LOOKED_FOR, LOSSES, PROVOCATIONS } = require('./one-server');
const { KINDS, kindOf } = require('./writes');

const mongo = useMongod({ own: true });
/** Here the driver itself repeats some writes once, and the server recognises them. */
const replicated = useMongod({ replSet: 1 });

/** Nothing depends on it, so that its reply is not needed. */
const LAST = 'end claim';

function loseReplies(proxy, kind) {
  return proxy.rule({ when: isOf(kind), fate: fates.loseReply, times: LOSSES }).taken;
}

/** The server had carried out the command when the reply was lost. */
async function assertLost(harmed) {
  assert.strictEqual(harmed.length, LOSSES);
  for (const { reply } of harmed) assert.strictEqual((await reply).body.ok, 1);
}

describe('replies lost after the server has done its work', { concurrency: 3 }, () => {
  for (const kind of KINDS) {
    it(kind, async (t) => {
      const played = await play(t, { on: mongo, kind, harm: loseReplies });
      await assertLost(played.harmed);
      const isRepeated = kind !== LAST && !LOOKED_FOR.includes(kind);
      // What is looked for before it is written is not refused.
      const expected = saidToRepetitions(kind, isRepeated ? played.sent : 0);
      assertCounts(played, kind, isRepeated ? expected : { ...expected, casConflicts: 0 });
      const confirmed = { 'add to day': LOSSES, 'confirm day': PROVOCATIONS + LOSSES }[kind] ?? 0;
      assert.strictEqual(played.tally.kinds['confirm day'].commands, confirmed);
    });
  }
});

describe('the same where the driver repeats writes by itself', { concurrency: 3 }, () => {
  for (const kind of KINDS) {
    it(kind, async (t) => {
      const { harmed, tally } = await play(t, { on: replicated, kind, harm: loseReplies });
      await assertLost(harmed);
      const { replays, casConflicts } = tally.kinds[kind];
      // The driver does not repeat raw inserts.
      const isLookedFor = kind.startsWith('insert') && LOOKED_FOR.includes(kind);
      if (!isLookedFor) assert.ok(replays > 0, 'it was sent again');
      assert.strictEqual(casConflicts, 0);
    });
  }
});

/** It is removed before anything is added to it, so that no total is lost. */
function takeDocumentAway(proxy, kind, db) {
  const fate = async (exchange) => {
    await db.collection('gsodailies').deleteMany({});
    await exchange.forward();
  };
  return proxy.rule({ when: (request) => kindOf(request) === kind, fate, times: 1 }).taken;
}

describe('a daily document that is removed', () => {
  it('is made again, where nothing was added to it before', async (t) => {
    const kind = 'add to day';
    const played = await play(t, { on: mongo, kind, harm: takeDocumentAway, oldDays: [] });
    assertCounts(played, kind, { replays: 1, duplicates: 0, casConflicts: 1 });
  });
});
