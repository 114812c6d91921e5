// How a loaded mongoose is found: under loaders of ES modules that a host registers, without
// touching modules that are none, and without costing time in big programs.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { runHost } = require('../../support/host');
const { makeFolder, makeHost, write } = require('./folder');
const { PLAY, assertPlays } = require('./play');

const mongo = useMongod();
const cwd = makeHost({ mongoose: 'mongoose8' });

const HOOKS = {
  // Like those of tracers, which look at what is loaded.
  passing: `export const load = (url, context, next) => next(url, context);`,
  // Like those of transpilers: code that comes with its source sees no \`require.cache\`.
  replacing: `
    import { readFile } from 'node:fs/promises';
    export async function load(url, context, next) {
      const loaded = await next(url, context);
      if (loaded.format !== 'commonjs') return loaded;
      return { ...loaded, source: await readFile(new URL(url)) };
    }`,
};

const PROGRAMS = {
  'mongoose-first.mjs': `
    import mongoose from 'mongoose';
    import AnalyticsSystem from 'gso-analytics';`,
  'addon-first.mjs': `
    import AnalyticsSystem from 'gso-analytics';
    import mongoose from 'mongoose';`,
  'required.mjs': `
    import { createRequire } from 'node:module';
    import AnalyticsSystem from 'gso-analytics';
    const mongoose = createRequire(import.meta.url)('mongoose');`,
};

describe('a loader of ES modules', { concurrency: 2 }, () => {
  for (const [name, source] of Object.entries(HOOKS)) {
    const register = `import { register } from 'node:module';
      register('./${name}.mjs', import.meta.url);`;
    write(cwd, { [`${name}.mjs`]: source, [`register-${name}.mjs`]: register });
  }
  for (const [script, source] of Object.entries(PROGRAMS)) {
    write(cwd, { [script]: `${source}\n${PLAY}\nawait play(mongoose, AnalyticsSystem);` });
    for (const hook of Object.keys(HOOKS)) {
      it(`${hook} what it loads does not hide mongoose from ${script}`, async () => {
        // `register` is deprecated from Node 26 on.
        const nodeArgs = ['--disable-warning=DEP0205', '--import', `./register-${hook}.mjs`];
        await assertPlays(script, { cwd, nodeArgs, major: 8, database: mongo.database() });
      });
    }
  }
});

describe('modules that are no mongoose', () => {
  const LOOKALIKES = [
    'models/mongoose/index.js',
    'mongoose/lib/index.js',
    'database/connection.js',
  ];

  it('are never read, whatever they are called', async () => {
    const touching = `
      const touch = (_target, name) => globalThis.touched?.push(String(name));
      module.exports = new Proxy({}, { get: touch, has: touch, ownKeys: touch });
      Object.defineProperty(module.exports, 'connection', { get: touch });`;
    write(cwd, Object.fromEntries(LOOKALIKES.map((file) => [file, touching])));
    const { result, stderr } = await runProgram(
      (given, report) => {
        for (const file of given) require(`./${file}`);
        globalThis.touched = [];
        for (const file of given) {
          const module = require.cache[require.resolve(`./${file}`)];
          const { exports } = module;
          Object.defineProperty(module, 'exports', {
            get: () => globalThis.touched.push(file) && exports,
          });
        }
        const AnalyticsSystem = require('gso-analytics');
        new AnalyticsSystem();
        report(globalThis.touched);
      },
      { cwd, given: LOOKALIKES },
    );
    assert.deepStrictEqual([result, stderr], [[], '']);
  });
});

describe('a program under a process manager, whose file is the main one', () => {
  const APP = `
    import AnalyticsSystem from 'gso-analytics';
    const analytics = new AnalyticsSystem();
    analytics.track('event', 'u');
    // Longer than a host without mongoose is given.
    setTimeout(async () => {
      const { default: mongoose } = await import('mongoose');
      await mongoose.connect(process.env.HOST_URI);
      await analytics.stop();
      await mongoose.disconnect();
    }, 1500);`;
  const MANAGER = `import(require('node:url').pathToFileURL(process.cwd() + '/app.mjs'));`;

  it('may load its mongoose late: MONGODB_URI is not used before', async () => {
    const [own, fallback] = [mongo.database(), mongo.database()];
    const manager = makeFolder();
    write(manager, { 'manager.cjs': MANAGER });
    write(cwd, { 'app.mjs': APP });
    const env = { HOST_URI: own.uri, MONGODB_URI: fallback.uri };
    const { stderr } = await runHost(path.join(manager, 'manager.cjs'), { cwd, env });
    assert.strictEqual(stderr, '');
    const stored = [await own.count('gsoevents'), await fallback.count('gsoevents')];
    assert.deepStrictEqual(stored, [1, 0]);
  });
});

describe('a program of ten thousand modules', () => {
  it('is searched in little time', async () => {
    const { result } = await runProgram(
      (given, report) => {
        const mongoose = require('mongoose');
        for (let i = 0; i < given; i++) {
          const id = `/srv/game/node_modules/package-${i % 500}/lib/some/folder/index-${i}.js`;
          require.cache[id] = { id, filename: id, loaded: true, exports: {} };
        }
        const { loadedCopies } = require('./node_modules/gso-analytics/lib/mongoose/discovery.js');
        const times = Array.from({ length: 50 }, () => {
          const begun = performance.now();
          const copies = loadedCopies();
          const taken = performance.now() - begun;
          return copies.length === 1 && copies[0] === mongoose ? taken : Infinity;
        });
        report(times.sort((a, b) => a - b)[25]);
      },
      { cwd, given: 10_000 },
    );
    // It takes about 1 ms; five times a second, and only until there is a connection.
    assert.ok(result < 30, `${result} ms`);
  });
});
