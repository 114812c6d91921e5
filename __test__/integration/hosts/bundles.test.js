// Hosts that are one file made by a bundler, with the addon outside of it, as native addons are.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { buildSync } = require('esbuild');
const { useMongod } = require('../../support/setup');
const { startHost } = require('../../support/host');
const { makeHost, write } = require('./folder');
const { PLAY, assertPlays } = require('./play');

const mongo = useMongod();

const MODULE = `
  import mongoose from 'mongoose';
  import AnalyticsSystem from 'gso-analytics';
  ${PLAY}
  play(mongoose, AnalyticsSystem, OPTIONS);`;

/** Its mongoose cannot be found, so that nothing can be written. */
const WAITS = `
  import mongoose from 'mongoose';
  import AnalyticsSystem from 'gso-analytics';
  const analytics = new AnalyticsSystem({ operationTimeoutMs: 3000, shutdownTimeoutMs: 0 });
  await mongoose.connect(process.env.HOST_URI);
  analytics.track('event', 'u');
  await analytics.flush().catch((error) => console.log(error.code));
  await analytics.stop();
  await mongoose.disconnect();`;

const OUTSIDE = { external: ['gso-analytics', 'mongoose'] };
const INSIDE = { external: ['gso-analytics'] };

/** Bundles a program of the folder `from` into the folder `to`. */
function bundle(from, to, name, { source, ...settings }) {
  write(from, { [`src/${name}`]: source });
  buildSync({
    entryPoints: [path.join(from, 'src', name)],
    outfile: path.join(to, name),
    bundle: true,
    platform: 'node',
    logLevel: 'error',
    ...settings,
  });
}

for (const [major, source] of [
  [9, 'mongoose'],
  [8, 'mongoose8'],
]) {
  describe(`a bundle, mongoose ${major}`, { concurrency: 2 }, () => {
    const cwd = makeHost({ mongoose: source });
    /** Where mongoose is only inside of bundles. */
    const alone = makeHost();
    const zero = MODULE.replace('OPTIONS', '');
    const given = MODULE.replace('OPTIONS', '{ mongoose }');

    for (const format of ['cjs', 'esm']) {
      it(`without mongoose in it adopts (${format})`, async () => {
        const name = format === 'cjs' ? 'outside.cjs' : 'outside.mjs';
        bundle(cwd, cwd, name, { source: zero, format, ...OUTSIDE });
        await assertPlays(name, { cwd, major, database: mongo.database() });
      });
    }

    for (const minify of [false, true]) {
      it(`with mongoose in it adopts options.mongoose${minify ? ', minified' : ''}`, async () => {
        const name = minify ? 'minified.cjs' : 'inside.cjs';
        bundle(cwd, alone, name, { source: given, format: 'cjs', minify, ...INSIDE });
        await assertPlays(name, { cwd: alone, major, database: mongo.database() });
      });
    }

    it('with mongoose in it names options.mongoose in one line without that', async () => {
      const database = mongo.database();
      // The driver's own require() of builtins has no meaning in an ES module.
      const banner = {
        js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
      };
      bundle(cwd, alone, 'waits.mjs', { source: WAITS, format: 'esm', banner, ...INSIDE });
      const env = { HOST_URI: database.uri };
      const end = await startHost('waits.mjs', { cwd: alone, env }).finished;
      assert.deepStrictEqual([end.code, end.stdout.trim()], [0, 'ANALYTICS_TIMEOUT'], end.stderr);
      const lines = end.stderr.trim().split('\n');
      const [advice, ...others] = lines.filter((line) => !/records not written/.test(line));
      assert.match(advice, /^\[ANALYTICS\] No MongoDB connection\..*options\.mongoose/);
      assert.deepStrictEqual(others, []);
      assert.strictEqual(await database.count('gsoevents'), 0);
    });
  });
}
