// Hosts whose own tests run under Jest, which gives each test file a module registry and globals of
// its own: a real run of Jest over a project that maps './AnalyticsSystem' to the addon.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { makeHost, write } = require('./folder');
const { CONFIGURATION, CONNECT, runJest } = require('./jest-run');

const mongo = useMongod();

/** Shared by the test files of the host. */
const HOST = `${CONNECT}
  exports.play = async (mongoose, analytics) => {
    const { ObjectId } = mongoose.Types;
    await analytics.onLogin('u', 'name');
    analytics.track('dungeon.complete', 'u', { id: new ObjectId(), at: new Date(0), list: [1] });
    const { today, dau } = await analytics.getMetrics();
    const [day] = await analytics.getLast30Days();
    expect([today.dungeonsRun, dau]).toEqual([1, 1]);
    expect([today._id, day._id]).toEqual([expect.any(ObjectId), expect.any(ObjectId)]);
    const daily = await mongoose.model('GSODaily').findById(today._id);
    expect(daily.dungeonsRun).toBe(1);
  };`;

const ADOPTS = `
  const { connect, play } = require('./host');
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('./AnalyticsSystem');
  const warned = ['warn', 'error'].map((name) => jest.spyOn(console, name));
  jest.spyOn(console, 'log').mockImplementation();
  afterAll(() => mongoose.disconnect());

  test('the connection of this registry is adopted', async () => {
    expect(mongoose.modelNames()).toEqual(['GSOSession', 'GSODaily', 'GSOEvent']);
    await connect(mongoose, 'ADOPTED');
    const analytics = new AnalyticsSystem();
    analytics.start();
    await play(mongoose, analytics);
    await analytics.stop();
    for (const spy of warned) expect(spy).not.toHaveBeenCalled();
  });`;

const RESETS = `
  const { connect, play } = require('./host');
  const warned = ['warn', 'error'].map((name) => jest.spyOn(console, name));
  const copies = [];
  afterAll(() => Promise.all(copies.map((mongoose) => mongoose.disconnect())));

  async function round(name) {
    const mongoose = require('mongoose');
    copies.push(mongoose);
    const AnalyticsSystem = require('./AnalyticsSystem');
    await connect(mongoose, name);
    const analytics = new AnalyticsSystem();
    await play(mongoose, analytics);
    await analytics.stop();
    for (const spy of warned) expect(spy).not.toHaveBeenCalled();
  }

  test('before jest.resetModules()', () => round('FIRST'));
  test('after it, with the first copy still connected', async () => {
    jest.resetModules();
    await round('SECOND');
  });
  test('in jest.isolateModulesAsync()', () => jest.isolateModulesAsync(() => round('ISOLATED')));
  test('all copies are different ones', () => expect(new Set(copies).size).toBe(3));`;

/** Never calls stop(); two such files run after each other in one process. */
const NEVER_STOPS = `
  const { connect, play } = require('./host');
  const mongoose = require('mongoose');
  const AnalyticsSystem = require('./AnalyticsSystem');
  const warned = ['warn', 'error'].map((name) => jest.spyOn(console, name));
  beforeAll(() => connect(mongoose, 'DATABASE'));
  afterAll(() => mongoose.disconnect());

  test('nothing is stopped', async () => {
    const analytics = new AnalyticsSystem();
    await play(mongoose, analytics);
    analytics.track('last', 'u');
    for (const spy of warned) expect(spy).not.toHaveBeenCalled();
  });`;

/** Like the class that is replaced, start() keeps the process alive: such hosts use --forceExit. */
const STARTS_AND_NEVER_STOPS = NEVER_STOPS.replace(
  'await play(mongoose, analytics);',
  `jest.spyOn(console, 'log').mockImplementation();
   analytics.start();
   await play(mongoose, analytics);`,
);

const MODULE = `
  import mongoose from 'mongoose';
  import AnalyticsSystem, { AnalyticsSystem as named } from './AnalyticsSystem';
  import host from './host';

  test('ES modules', async () => {
    expect(named).toBe(AnalyticsSystem);
    await mongoose.connect(process.env.MODULE);
    const analytics = new AnalyticsSystem();
    await host.play(mongoose, analytics);
    await analytics.stop();
    await mongoose.disconnect();
  });`;

function makeProject(mongoose) {
  const cwd = makeHost({ mongoose });
  const never = (name) => NEVER_STOPS.replace('DATABASE', name);
  write(cwd, {
    'jest.config.json': CONFIGURATION,
    'host.js': HOST,
    'all/adopts.test.js': ADOPTS,
    'all/resets.test.js': RESETS,
    'all/never-stops-1.test.js': never('NEVER_1'),
    'all/never-stops-2.test.js': never('NEVER_2'),
    'started/never-stops.test.js': STARTS_AND_NEVER_STOPS.replace('DATABASE', 'STARTED'),
    'module/module.test.mjs': MODULE,
  });
  return cwd;
}

function freshDatabases(...names) {
  return Object.fromEntries(names.map((name) => [name, mongo.database()]));
}

async function assertStored(databases) {
  for (const [name, database] of Object.entries(databases)) {
    const counted = async () => (await database.days())[0]?.dungeonsRun === 1;
    await waitFor(counted, { what: `the total in ${name}` });
    const [event] = await database.events({ event: 'dungeon.complete' });
    assert.strictEqual(event?.data.id._bsontype, 'ObjectId', name);
    assert.ok(event.data.at instanceof Date, name);
  }
}

for (const [major, source] of [
  [9, 'mongoose'],
  [8, 'mongoose8'],
]) {
  describe(`Jest, mongoose ${major}`, () => {
    const cwd = makeProject(source);

    it('adopts, in each registry anew, and lets Jest end without stop()', async () => {
      const unstopped = freshDatabases('NEVER_1', 'NEVER_2');
      const databases = freshDatabases('ADOPTED', 'FIRST', 'SECOND', 'ISOLATED');
      const ran = await runJest(cwd, 'all', { ...databases, ...unstopped });
      assert.deepStrictEqual(ran, { tests: 7, files: 4 });
      await assertStored({ ...databases, ...unstopped });
      for (const database of Object.values(unstopped)) {
        assert.strictEqual(await database.count('gsoevents', { event: 'last' }), 1);
      }
    });

    it('is ended by --forceExit when start() was called and stop() was not', async () => {
      const databases = freshDatabases('STARTED');
      const ran = await runJest(cwd, 'started', databases, { args: ['--forceExit'] });
      assert.strictEqual(ran.tests, 1);
      await assertStored(databases);
    });

    it('adopts in ES modules', async () => {
      const databases = freshDatabases('MODULE');
      const nodeArgs = ['--experimental-vm-modules'];
      const ran = await runJest(cwd, 'module', databases, { nodeArgs });
      assert.strictEqual(ran.tests, 1);
      await assertStored(databases);
    });
  });
}
