// What the host's own `exit` listeners track, whenever they were registered, is written as what was tracked
// before the end.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { NOBODY, create, runProgram, useMongod } = require('../../support/setup');
const { freshFolder } = require('../spool/setup');
const { preparedDatabase } = require('../threads/prepared');

const mongo = useMongod();

const COUNT = 30;
const PARTS = ['at once', 'first listener', 'second listener', 'last listener'];
/** What all listeners together have. */
const DRAIN_MS = 1_500;
const BUSY_MS = 1_000;
/** Of processes that end while MongoDB is away. */
const ROUNDS = 8;

/** Runs in a process of its own: tracks, registers listeners that track, and ends. */
function playWithListeners(given) {
  const AnalyticsSystem = require('.');
  const { writeSync } = require('node:fs');
  let analytics;
  const [first, ...others] = given.parts;
  const track = (part) => {
    for (let i = 0; i < given.count; i++) analytics.track('dungeon.complete', part);
  };
  const [before, ...after] = others;
  process.on('exit', () => track(before));
  analytics = new AnalyticsSystem(given.options);
  if (given.isStarted) analytics.start();
  for (const part of after) process.once('exit', () => track(part));
  // biome-ignore lint/security/noGlobalEval: it is a source of the test
  if (given.lastDoes) process.on('exit', () => eval(given.lastDoes));
  process.prependListener('exit', () => {
    writeSync(1, `@@result ${Date.now()}\n`);
  });
  track(first);
  // biome-ignore lint/security/noGlobalEval: it is a source of the test
  eval(given.end);
}

/** Ends once a write has failed; tells how long the first of all listeners that write took. */
const END_IN_OUTAGE = `
  setInterval(() => {
    if (analytics.getHealth().retried === 0) return;
    process.prependListener('exit', () => { begun = performance.now(); });
    process.once('exit', () => {
      writeSync(1, '@@result ' + Math.round(performance.now() - begun) + '\\n');
      track(last);
    });
    process.exit();
  }, 5);
  const last = 'after all';
  let begun;`;

const ENDS = {
  'process.exit()': { end: 'process.exit()' },
  'process.exit() in a later turn': { end: 'setTimeout(() => process.exit(), 20)' },
  'a natural end': { end: '' },
  'an uncaught exception': { end: 'throw new Error("on purpose")', code: 1 },
  'a rejected promise': { end: 'void Promise.reject(new Error("on purpose"))', code: 1 },
  'an exit in a promise job': { end: 'Promise.resolve().then(() => process.exit())' },
  'an exit in a getter of data': {
    end: 'analytics.track("odd", "u", { get value() { process.exit(); } })',
  },
  'a listener that exits again': { end: 'process.exit()', lastDoes: 'process.exit(3)', code: 3 },
  'a listener that throws': { end: 'process.exit()', lastDoes: 'throw new Error("x")', code: 1 },
};

async function play(ending, options) {
  const given = { parts: PARTS, count: COUNT, options, isStarted: ending.end !== '', ...ending };
  return runProgram(playWithListeners, { given, code: ending.code ?? 0, timeoutMs: 30_000 });
}

const lostLines = (stderr) => stderr.split('\n').filter((line) => /not written/.test(line));

describe('exit listeners that track', { concurrency: 2 }, () => {
  for (const [how, ending] of Object.entries(ENDS)) {
    it(`lose nothing: ${how}`, async () => {
      const database = await preparedDatabase(mongo);
      const { stderr } = await play(ending, { uri: database.uri });
      const counts = PARTS.map((userId) => database.count('gsoevents', { userId }));
      // One that ends the process for good ends also what would have come after it.
      const expected = ending.lastDoes === 'process.exit(3)' ? [COUNT, COUNT, 0, 0] : null;
      const stored = await Promise.all(counts);
      assert.deepStrictEqual(stored, expected ?? PARTS.map(() => COUNT), stderr);
      const [day] = await database.days();
      assert.strictEqual(
        day.dungeonsRun,
        stored.reduce((sum, count) => sum + count),
      );
      assert.deepStrictEqual(lostLines(stderr), []);
    });
  }

  it('share their time while MongoDB is away, and one line counts all', async () => {
    const { stderr, result } = await play(ENDS['process.exit()'], {
      uri: `${NOBODY}/gso_test_nobody`,
    });
    const tookMs = Date.now() - result;
    assert.ok(tookMs < DRAIN_MS + BUSY_MS, `${tookMs} ms`);
    const lines = lostLines(stderr);
    assert.match(
      lines.at(-1),
      new RegExp(`not written: ${PARTS.length * COUNT}\\b.*they are lost`),
    );
  });

  it('find them in the spool while MongoDB is away, without a wait for it', async () => {
    const parts = [...PARTS, 'after all'];
    const playRound = async () => {
      const database = await preparedDatabase(mongo);
      const spoolDir = freshFolder();
      const options = { uri: `${NOBODY}/${database.name}`, spoolDir };
      const { stderr, result } = await play({ end: END_IN_OUTAGE }, options);
      assert.ok(result < DRAIN_MS - 500, `${result} ms`);
      const left = parts.length * COUNT;
      const line = new RegExp(`not written: ${left}\\b.*all are in the spool`);
      assert.match(lostLines(stderr).at(-1), line);
      const { analytics } = create({ uri: database.uri, spoolDir });
      analytics.start();
      await analytics.flush();
      const counts = parts.map((userId) => database.count('gsoevents', { userId }));
      assert.deepStrictEqual(await Promise.all(counts), Array(parts.length).fill(COUNT));
      await analytics.stop();
    };
    await Promise.all(Array.from({ length: ROUNDS }, playRound));
  });
});
