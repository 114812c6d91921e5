// The table of promises: 25 × `track()`, then the process ends in every way there is, without a spool and
// with one, while MongoDB answers and while it is away.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { runProgram, startProgram, useMongod } = require('../../support/setup');
const { assertStored, freshFolder, segmentsIn, untilOnDisk, writersOf } = require('../spool/setup');
const { preparedDatabase } = require('../threads/prepared');
const { ENDINGS, playInProcess, playInThread } = require('./programs');

const mongo = useMongod();

const COUNT = 25;
/** Longest time for which the end of a process or a thread waits for records to be written. */
const FLUSH_MS = 1_500;
/** What a busy machine takes to end a process, once it may. */
const ENDED_MS = 1_000;
/** Of the handler of the README. */
const SHUTDOWN_MS = 400;

/** Plays the ending; answers how the process ended and how long that took. */
async function play(ending, { options, count = COUNT, spoolDir }) {
  const { end, isThread, signal, nodeArgs = [], isStarted, isLater, isReadme } = ending;
  const host = startProgram(isThread ? playInThread : playInProcess, {
    given: { options, count, end: `(${end})`, isStarted, isLater, isReadme },
    ...{ nodeArgs, timeoutMs: 60_000 },
  });
  let asked;
  if (isLater) {
    await waitFor(() => host.output.stdout.includes('ready'), { timeoutMs: 30_000 });
    // What is promised is promised of turns that ended a while ago.
    if (spoolDir && count > 0) await untilOnDisk(spoolDir, count - 1);
    asked = Date.now();
    host.child.kill(signal ?? 'SIGUSR2');
  }
  const ended = await host.finished;
  assertEnded(ending, ended);
  const since = ended.result?.atMs ?? asked;
  return { ...ended, tookMs: Date.now() - since };
}

function assertEnded({ code = 0, gives, signal, diesOf = signal }, ended) {
  const expected = gives === 'nothing' ? [null, diesOf] : [code, null];
  assert.deepStrictEqual([ended.code, ended.signal], expected, ended.stderr);
}

/** Time that the ending may take. */
function limitOf({ gives }) {
  return { exit: FLUSH_MS, 'clean-up': FLUSH_MS, stop: SHUTDOWN_MS + FLUSH_MS, nothing: 0 }[gives];
}

async function countsOf(database) {
  const [day] = await database.days();
  return { stored: await database.count('gsoevents'), counted: day?.dungeonsRun ?? 0 };
}

/** The next process on this folder writes what is left, and nothing twice. */
async function assertNextWrites(database, { uri, spoolDir }) {
  await runProgram(
    async (given) => {
      const AnalyticsSystem = require('.');
      const analytics = new AnalyticsSystem({ ...given, logger: false });
      analytics.start();
      await analytics.flush();
      await analytics.stop();
    },
    { given: { uri, spoolDir } },
  );
  await assertStored(database, { events: COUNT });
  assert.deepStrictEqual(segmentsIn(spoolDir), []);
}

const lostLines = (stderr) => stderr.split('\n').filter((line) => /not written/.test(line));

describe('while MongoDB answers', { concurrency: 2 }, () => {
  for (const [how, ending] of Object.entries(ENDINGS)) {
    it(`${how}, without a spool: ${promiseOf(ending)}`, async () => {
      const database = await preparedDatabase(mongo);
      const { stderr, tookMs } = await play(ending, { options: { uri: database.uri } });
      const { stored, counted } = await countsOf(database);
      if (ending.gives === 'nothing') {
        assert.ok(counted <= stored && stored <= COUNT, `${stored} stored, ${counted} counted`);
      } else {
        assert.deepStrictEqual({ stored, counted }, { stored: COUNT, counted: COUNT });
      }
      assert.deepStrictEqual(lostLines(stderr), []);
      assert.ok(tookMs < limitOf(ending) + ENDED_MS, `${tookMs} ms`);
    });

    it(`${how}, with a spool: all are stored`, async () => {
      const database = await preparedDatabase(mongo);
      const options = { uri: database.uri, spoolDir: freshFolder() };
      const { spoolDir } = options;
      const { tookMs, stderr } = await play(ending, { options, spoolDir });
      const { stored, counted } = await countsOf(database);
      if (ending.gives === 'nothing') assert.ok(counted <= stored && stored <= COUNT);
      else assert.deepStrictEqual({ stored, counted }, { stored: COUNT, counted: COUNT });
      assert.deepStrictEqual(lostLines(stderr), []);
      assert.ok(tookMs < limitOf(ending) + ENDED_MS, `${tookMs} ms`);
      await assertNextWrites(database, options);
      // The process that made the indexes, and the one whose slot was recovered.
      assert.strictEqual((await writersOf(database)).length, 2);
    });
  }
});

function promiseOf({ gives }) {
  return gives === 'nothing' ? 'totals do not lead' : 'all are stored';
}

describe('while MongoDB is away', { concurrency: 2 }, () => {
  for (const [how, ending] of Object.entries(ENDINGS)) {
    const options = { shutdownTimeoutMs: SHUTDOWN_MS };

    it(`${how}, without a spool: nothing hangs, and what Node lets us say is said`, async () => {
      const { uri } = awayFrom(mongo.database());
      const { stderr, tookMs } = await play(ending, { options: { ...options, uri } });
      assert.ok(tookMs < limitOf(ending) + ENDED_MS, `${tookMs} ms`);
      const lines = lostLines(stderr);
      // At the end of the process, and before it what stop() did not write.
      assert.strictEqual(lines.length, { exit: 1, stop: 2 }[ending.gives] ?? lines.length, stderr);
      for (const line of lines) assert.match(line, /not written( yet)?: 25\b/);
      if (ending.gives === 'nothing') assert.deepStrictEqual(lines, []);
    });

    it(`${how}, with a spool: the next start writes all`, async () => {
      const database = await preparedDatabase(mongo);
      const spoolDir = freshFolder();
      const { uri } = awayFrom(database);
      const given = { options: { ...options, uri, spoolDir }, spoolDir };
      const { stderr, tookMs } = await play(ending, given);
      assert.ok(tookMs < limitOf(ending) + ENDED_MS, `${tookMs} ms`);
      for (const line of lostLines(stderr)) {
        assert.match(line, /not written( yet)?: 25\b.*are in the spool\b/);
      }
      assert.strictEqual(await database.count('gsoevents'), 0);
      await assertNextWrites(database, { uri: database.uri, spoolDir });
    });
  }
});

describe('with nothing pending and MongoDB away', { concurrency: 2 }, () => {
  for (const [how, ending] of Object.entries(ENDINGS)) {
    it(`${how} does not wait`, async () => {
      // stop() lets an attempt to connect come to its end, if there is time.
      const options = { uri: awayFrom(mongo.database()).uri, shutdownTimeoutMs: 100 };
      const { tookMs, stderr } = await play(ending, { options, count: 0 });
      assert.deepStrictEqual(lostLines(stderr), []);
      assert.ok(tookMs < FLUSH_MS, `${tookMs} ms`);
    });
  }
});

/** The same database where nothing listens. */
function awayFrom({ name }) {
  return { uri: `mongodb://127.0.0.1:1/${name}` };
}
