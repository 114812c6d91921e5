// A folder that cannot be used is an error of the constructor that says so, or, if that is wanted, one
// loud line and an instance without a spool.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { AnalyticsSystem, NOBODY, create, runProgram, useMongod } = require('../../support/setup');
const { freshFolder } = require('./setup');

const mongo = useMongod();

/** Paths that are no folder to write to, whoever asks. */
const UNUSABLE = {
  'a file': (folder) => {
    const file = path.join(folder, 'file');
    fs.writeFileSync(file, 'not a folder');
    return file;
  },
  'a path below a file': (folder) => path.join(UNUSABLE['a file'](folder), 'spool'),
  'a link that leads nowhere': (folder) => {
    const link = path.join(folder, 'link');
    fs.symlinkSync(path.join(folder, 'nowhere', 'else'), link);
    return link;
  },
  ...(process.platform === 'linux' && { 'a folder of the kernel': () => '/proc/spool' }),
  'a name that is too long': (folder) => path.join(folder, 'x'.repeat(300)),
};

describe('a spoolDir that cannot be used', () => {
  for (const [what, make] of Object.entries(UNUSABLE)) {
    it(`is an error that names it: ${what}`, () => {
      const spoolDir = make(freshFolder());
      assert.throws(
        () => new AnalyticsSystem({ uri: NOBODY, logger: false, spoolDir }),
        (error) => {
          assert.ok(error instanceof Error && !(error instanceof TypeError));
          assert.strictEqual(error.code, 'ANALYTICS_SPOOL_UNAVAILABLE');
          assert.ok(error.message.startsWith(`spoolDir: ${spoolDir} cannot be used: `));
          assert.match(error.message, /spoolFallback: 'memory'/);
          return true;
        },
      );
    });

    it(`is said once and done without under spoolFallback: ${what}`, async () => {
      const spoolDir = make(freshFolder());
      const database = mongo.database();
      const { analytics, lines } = create({
        ...{ uri: database.uri, spoolDir, spoolFallback: 'memory' },
      });
      const { state, ...rest } = analytics.getHealth().spool;
      assert.strictEqual(state, 'off');
      assert.deepStrictEqual(new Set(Object.values(rest)), new Set([0]));
      await waitFor(() => lines.length > 0, { what: 'a warning' });
      analytics.track('dungeon.complete', 'u');
      await analytics.onLogin('u', 'name');
      await analytics.stop();
      assert.strictEqual(await database.count('gsoevents'), 1);
      assert.strictEqual(lines.length, 1, lines.join('\n'));
      assert.ok(lines[0].startsWith(`warn [ANALYTICS] spoolDir: ${spoolDir} cannot be used: `));
      assert.match(lines[0], /in memory only/);
    });
  }

  it('is an error for a user who may not write there', async (t) => {
    if (process.getuid?.() !== 0) return t.skip('takes a user who may become another');
    const folder = freshFolder();
    fs.chmodSync(folder, 0o755);
    const spoolDir = path.join(folder, 'spool');
    const { result } = await runProgram(
      (given, report) => {
        const AnalyticsSystem = require('.');
        process.setegid(65_534);
        process.seteuid(65_534);
        try {
          new AnalyticsSystem({ uri: given.uri, logger: false, spoolDir: given.spoolDir });
          report({});
        } catch ({ code, message }) {
          report({ code, message });
        }
      },
      { given: { uri: NOBODY, spoolDir } },
    );
    assert.strictEqual(result.code, 'ANALYTICS_SPOOL_UNAVAILABLE');
    assert.match(result.message, /Permission denied/);
  });

  it('is found in the environment too', async () => {
    const { result } = await runProgram(
      (given, report) => {
        const AnalyticsSystem = require('.');
        const made = () => new AnalyticsSystem({ uri: given.uri, logger: false });
        const codes = [];
        try {
          made();
        } catch ({ code }) {
          codes.push(code);
        }
        process.env.ANALYTICS_SPOOL_FALLBACK = 'memory';
        const { spool } = made().getHealth();
        process.env.ANALYTICS_SPOOL_DIR = given.folder;
        process.env.ANALYTICS_MAX_SPOOL_BYTES = ' 1048576 ';
        report({ codes, states: [spool.state, made().getHealth().spool.state] });
      },
      {
        given: { uri: NOBODY, folder: freshFolder() },
        env: { ANALYTICS_SPOOL_DIR: UNUSABLE['a file'](freshFolder()) },
      },
    );
    assert.deepStrictEqual(result, {
      codes: ['ANALYTICS_SPOOL_UNAVAILABLE'],
      states: ['off', 'ok'],
    });
  });
});

describe('a spoolDir that is not there', () => {
  it('is made, with all folders above it', async () => {
    const database = mongo.database();
    const spoolDir = path.join(freshFolder(), 'one', 'two', 'three');
    const { analytics, lines } = create({ uri: database.uri, spoolDir });
    assert.deepStrictEqual(analytics.getHealth().spool.state, 'ok');
    analytics.track('event', 'u');
    await analytics.stop();
    assert.strictEqual(await database.count('gsoevents'), 1);
    assert.ok(fs.statSync(spoolDir).isDirectory());
    assert.deepStrictEqual(lines, []);
  });
});
