// Hosts that close their connection while records are tracked, and servers that go away under them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, startProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { VERSIONS, assertTracked, linesOf, trackUntilTold } = require('./setup');

const mongo = useMongod();
const other = useMongod({ own: true });
const dying = useMongod({ own: true });

const PER_STEP = 10;

/**
 * Runs in the host's process: plays `given.steps`, each an act, the URI to connect to, or arguments of
 * a `connect()` that is not awaited, and reports the metrics at the end.
 */
async function playSteps(given, report) {
  const mongoose = require(given.mongoose);
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem();
  let user = 0;
  let connecting;
  const acts = {
    start: () => analytics.start(),
    track: () => {
      user += 1;
      for (let i = 0; i < given.perStep; i++) {
        analytics.track('dungeon.complete', `u${user}`, { user });
      }
      return analytics.onLogin(`u${user}`, 'name');
    },
    trackInHaste: () => {
      user += 1;
      for (let i = 0; i < given.perStep; i++) {
        analytics.track('dungeon.complete', `u${user}`, { user });
      }
      analytics.onLogin(`u${user}`, 'name');
    },
    flush: () => analytics.flush(),
    disconnect: () => mongoose.disconnect(),
    stop: () => analytics.stop(),
    stopInHaste: () => {
      analytics.stop();
    },
    connected: () => connecting,
    metrics: async () => {
      const metrics = await analytics.getMetrics();
      const days = await analytics.getLast30Days();
      const ids = [metrics.today._id, ...days.map(({ _id }) => _id)];
      const areHostIds = ids.every((id) => id instanceof mongoose.Types.ObjectId);
      report({ metrics, days: days.length, areHostIds });
    },
  };
  for (const step of given.steps) {
    if (Array.isArray(step)) connecting = mongoose.connect(...step);
    else await (step in acts ? acts[step]() : mongoose.connect(step));
  }
}

async function assertSteps(steps, { version = 'mongoose' } = {}) {
  const given = { mongoose: version, perStep: PER_STEP, steps };
  const end = await runProgram(playSteps, { given });
  assert.deepStrictEqual(linesOf(end), ['[ANALYTICS] System started']);
  return end.result;
}

/** Fails unless `database` holds the records of so many steps, one user each, exactly once. */
async function assertHolds(database, users) {
  const [events, sessions, [day]] = await Promise.all([
    database.events(),
    database.sessions(),
    database.days(),
  ]);
  assert.deepStrictEqual([...new Set(events.map(({ userId }) => userId))], users);
  assert.strictEqual(events.length, users.length * PER_STEP);
  assert.deepStrictEqual(
    sessions.map(({ userId }) => userId),
    users,
  );
  assert.deepStrictEqual([day.dungeonsRun, day.dau], [events.length, users.length]);
}

describe('a host that disconnects', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    it(`${version}: and connects again: nothing is lost or doubled`, async () => {
      const database = mongo.database();
      const { uri } = database;
      const steps = ['start', uri, 'track', 'disconnect', 'track', uri, 'track', 'metrics'];
      const result = await assertSteps([...steps, 'stop', 'disconnect'], { version });
      await assertHolds(database, ['u1', 'u2', 'u3']);
      assert.deepStrictEqual([result.metrics.dau, result.days, result.areHostIds], [3, 1, true]);
    });

    it(`${version}: and stays away: records are written, stop() is in time`, async () => {
      const database = mongo.database();
      const steps = ['start', database.uri, 'track', 'disconnect', 'track', 'metrics'];
      const result = await assertSteps([...steps, 'trackInHaste', 'stop'], { version });
      await assertHolds(database, ['u1', 'u2', 'u3']);
      assert.ok(result.areHostIds);
    });

    it(`${version}: and connects to another database: new records go there`, async () => {
      const [first, second] = [mongo.database(), mongo.database()];
      const moving = ['start', first.uri, 'track', 'disconnect', second.uri, 'track', 'metrics'];
      const result = await assertSteps([...moving, 'stop', 'disconnect'], { version });
      await assertHolds(first, ['u1']);
      await assertHolds(second, ['u2']);
      assert.deepStrictEqual([result.metrics.dau, result.days, result.areHostIds], [1, 1, true]);
    });
  }

  it('right after it tracked, and connects to another server: each has its own records', async () => {
    const [first, second] = [mongo.database(), other.database()];
    const moving = ['start', first.uri, 'flush', 'trackInHaste', 'disconnect', second.uri];
    await assertSteps([...moving, 'trackInHaste', 'flush', 'stop', 'disconnect']);
    await assertHolds(first, ['u1']);
    await assertHolds(second, ['u2']);
  });

  it('and connects there, and back: both have all of theirs', async () => {
    const [first, second] = [mongo.database(), mongo.database()];
    const there = ['start', first.uri, 'track', 'disconnect', second.uri, 'track', 'disconnect'];
    await assertSteps([...there, first.uri, 'track', 'stop', 'disconnect']);
    await assertHolds(first, ['u1', 'u3']);
    await assertHolds(second, ['u2']);
  });
});

describe('a host that had named its database by an option', () => {
  for (const version of VERSIONS) {
    it(`${version}: and names the next by the path: new records go there`, async () => {
      const [first, second] = [mongo.database(), mongo.database()];
      const begin = ['start', [first.serverUri, { dbName: first.name }], 'connected', 'track'];
      const move = ['disconnect', [second.uri], 'trackInHaste', 'connected', 'track', 'flush'];
      await assertSteps([...begin, ...move, 'stop', 'disconnect'], { version });
      assert.strictEqual(await first.count('gsoevents', { userId: 'u1' }), PER_STEP);
      assert.strictEqual(await second.count('gsoevents', { userId: 'u3' }), PER_STEP);
    });
  }
});

describe('a host that moves', { concurrency: 2 }, () => {
  it('after a stop() it did not wait for and a start() is followed', async () => {
    const [first, second] = [mongo.database(), mongo.database()];
    const begin = ['start', first.uri, 'track', 'stopInHaste', 'start', 'track', 'disconnect'];
    const end = await runProgram(playSteps, {
      given: {
        mongoose: 'mongoose',
        perStep: PER_STEP,
        steps: [...begin, second.uri, 'track', 'stop', 'disconnect'],
      },
    });
    assert.strictEqual(end.stderr, '');
    await assertHolds(first, ['u1', 'u2']);
    await assertHolds(second, ['u3']);
  });

  it('because its server has died, and then tracks nothing, takes along what was waiting', async () => {
    const [first, second] = [dying.database(), mongo.database()];
    const program = startProgram(moveAndRest, {
      given: { first: first.uri, second: second.uri, events: PER_STEP },
      ipc: true,
    });
    await waitFor(() => program.output.stdout.includes('connected'), { what: 'the connection' });
    await dying.server.kill('SIGKILL');
    program.child.send('dead');
    const { code, stderr } = await program.finished;
    await dying.server.restart();
    assert.strictEqual(code, 0, stderr);
    assert.strictEqual(await second.count('gsoevents'), PER_STEP);
    assert.strictEqual((await second.days())[0].dungeonsRun, PER_STEP);
  });
});

/** Runs in the host's process: tracks when its server is dead, connects elsewhere, and waits. */
async function moveAndRest(given) {
  const mongoose = require('mongoose');
  const { waitFor } = require('./__test__/support/wait');
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem();
  analytics.start();
  await mongoose.connect(given.first);
  await analytics.flush();
  const dead = new Promise((resolve) => process.once('message', resolve));
  console.log('connected');
  await dead;
  for (let i = 0; i < given.events; i++) analytics.track('dungeon.complete', 'u');
  await mongoose.disconnect();
  await mongoose.connect(given.second);
  const isWritten = () => analytics.getHealth().queued === 0;
  await waitFor(isWritten, { what: 'the records to be written', timeoutMs: 15_000 });
  process.exit(0);
}

describe('a server that is killed under a connected host', () => {
  it('and comes back on its port: everything is stored exactly once', async () => {
    const database = other.database();
    const program = startProgram(trackUntilTold, {
      given: { mongoose: 'mongoose', uri: database.uri },
      ipc: true,
      timeoutMs: 60_000,
    });
    const stored = (count) => async () => (await database.count('gsoevents')) >= count;
    await waitFor(stored(20), { what: 'the first events' });
    await other.server.kill('SIGKILL');
    const noticed = () => program.output.stderr.includes('cannot be written to');
    await waitFor(noticed, { timeoutMs: 20_000, what: 'a line about it' });
    await other.server.restart();
    const before = await database.count('gsoevents');
    await waitFor(stored(before + 20), { timeoutMs: 20_000, what: 'events after the restart' });
    program.child.send('enough');
    await assertTracked(await program.finished, database);
  });
});
