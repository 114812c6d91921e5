// Mongoose under another name or in another place than `node_modules/mongoose`, and more than one of
// it in a process.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');
const { makeHost, write } = require('./folder');
const { MODELS, PLAY, assertPlays } = require('./play');

const mongo = useMongod();

const PROGRAM = `'use strict';
  const mongoose = require('ALIAS');
  ${PLAY}
  play(mongoose, require('gso-analytics'));`;

const MODULE = `
  import mongoose from 'ALIAS';
  import AnalyticsSystem from 'gso-analytics';
  ${PLAY}
  await play(mongoose, AnalyticsSystem);`;

/** A host whose mongoose is found as `name`. */
function writePrograms(folder, name) {
  write(folder, {
    'commonjs.cjs': PROGRAM.replace('ALIAS', name),
    'module.mjs': MODULE.replace('ALIAS', name),
  });
}

describe('a mongoose that is installed under an alias', { concurrency: 2 }, () => {
  for (const [major, source] of [
    [9, 'mongoose'],
    [8, 'mongoose8'],
  ]) {
    const cwd = makeHost({ [`database-layer-${major}`]: source });
    writePrograms(cwd, `database-layer-${major}`);

    for (const script of ['commonjs.cjs', 'module.mjs']) {
      it(`is adopted: mongoose ${major}, ${script}`, async () => {
        await assertPlays(script, { cwd, major, database: mongo.database() });
      });
    }
  }
});

describe('a mongoose that is a symbolic link to a folder of another name', () => {
  const cwd = makeHost({ mongoose: 'mongoose8' });
  const installed = path.join(cwd, 'node_modules', 'mongoose');
  fs.mkdirSync(path.join(cwd, 'vendor'));
  fs.renameSync(installed, path.join(cwd, 'vendor', 'orm'));
  fs.symlinkSync(path.join('..', 'vendor', 'orm'), installed, 'junction');
  writePrograms(cwd, 'mongoose');

  for (const nodeArgs of [[], ['--preserve-symlinks']]) {
    it(`is adopted ${nodeArgs}`, async () => {
      await assertPlays('commonjs.cjs', { cwd, nodeArgs, major: 8, database: mongo.database() });
    });
  }
});

describe('two copies of mongoose', { concurrency: 2 }, () => {
  const cwd = makeHost({ mongoose: 'mongoose', mongoose8: 'mongoose8' });

  /** Runs in the host: both are loaded, those named in `given.connected` are connected. */
  async function useBoth(given, report) {
    const copies = { mongoose: require('mongoose'), mongoose8: require('mongoose8') };
    const AnalyticsSystem = require('gso-analytics');
    const models = Object.values(copies).map((copy) => copy.modelNames());
    for (const [name, uri] of given.connected) await copies[name].connect(uri);
    const analytics = new AnalyticsSystem();
    analytics.start();
    await analytics.onLogin('u');
    analytics.track('event', 'u', { id: new copies[given.connected[0][0]].Types.ObjectId() });
    const { today } = await analytics.getMetrics();
    const owners = Object.keys(copies).filter(
      (name) => today._id instanceof copies[name].Types.ObjectId,
    );
    await analytics.stop();
    for (const copy of Object.values(copies)) await copy.disconnect();
    report({ owners, models });
  }

  for (const name of ['mongoose', 'mongoose8']) {
    it(`of which only ${name} is connected: that one is adopted, silently`, async () => {
      const database = mongo.database();
      const given = { connected: [[name, database.uri]] };
      const { result, stderr } = await runProgram(useBoth, { cwd, given });
      assert.strictEqual(stderr, '');
      assert.deepStrictEqual(result, { owners: [name], models: [MODELS, MODELS] });
      assert.strictEqual((await database.events())[0].data.id._bsontype, 'ObjectId');
    });
  }

  it('both connected: the first is adopted, and a warning names options.mongoose', async () => {
    const [first, second] = [mongo.database(), mongo.database()];
    const connected = [
      ['mongoose', first.uri],
      ['mongoose8', second.uri],
    ];
    const { result, stderr } = await runProgram(useBoth, { cwd, given: { connected } });
    assert.match(stderr, /^\[ANALYTICS\] several copies of mongoose .* options\.mongoose\n$/);
    assert.deepStrictEqual(result.owners, ['mongoose']);
    assert.deepStrictEqual(
      [await first.count('gsoevents'), await second.count('gsoevents')],
      [1, 0],
    );
  });
});

describe('models of the three names', { concurrency: 2 }, () => {
  /** Runs in a host that has its own model of events before it loads the addon. */
  async function defineOwn(_given, report) {
    const mongoose = require('mongoose');
    const schema = new mongoose.Schema({ own: String }, { collection: 'own_events' });
    const model = mongoose.model('GSOEvent', schema);
    require('gso-analytics');
    report({
      isKept: mongoose.model('GSOEvent') === model,
      names: mongoose.modelNames(),
      daily: mongoose.model('GSODaily').collection.collectionName,
    });
  }

  for (const source of ['mongoose', 'mongoose8']) {
    it(`are registered where missing, and a host's own is kept: ${source}`, async () => {
      const cwd = makeHost({ mongoose: source });
      const { result, stderr } = await runProgram(defineOwn, { cwd });
      assert.strictEqual(stderr, '');
      assert.deepStrictEqual(
        [result.isKept, result.daily, [...result.names].sort()],
        [true, 'gsodailies', [...MODELS].sort()],
      );
    });
  }
});
