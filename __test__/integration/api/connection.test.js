// Which database is used: by options, environment and the host's mongoose, in that order; and the message
// when there is none.
'use strict';

const assert = require('node:assert');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { NOBODY, create, runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** The steps that the programs below share; it runs in their processes. */
const HOST = `
  const lines = [];
  const keep = (line) => lines.push(line);
  const logger = { info: keep, warn: keep, error: keep };
  const mongoose = given.mongoose && require('mongoose');
  if (given.ownEvents) {
    mongoose.model('GSOEvent', new mongoose.Schema({}, { collection: given.ownEvents }));
  }
  const AnalyticsSystem = require(given.addon || '.');
  const finish = async (analytics) => {
    analytics.start();
    analytics.track('event', 'u');
    await analytics.flush();
    await analytics.stop();
    if (mongoose) await mongoose.disconnect();
    report({ lines, health: analytics.getHealth() });
  };`;

/** Where no mongoose can be loaded from. */
const ELSEWHERE = { cwd: os.tmpdir(), given: { addon: path.resolve(__dirname, '../../..') } };

/** Runs the body of an async function behind those steps. */
function runHostWith(body, { given = {}, ...options } = {}) {
  const program = `async (given, report) => {${HOST}\n${body}}`;
  return runProgram(program, { given, ...options });
}

/** Fails unless the one event of a program is in `wanted` and in none of the others. */
async function assertStoredIn(wanted, ...others) {
  assert.strictEqual(await wanted.count('gsoevents'), 1);
  for (const other of others) assert.strictEqual(await other.count('gsoevents'), 0);
}

describe('the database', { concurrency: 4 }, () => {
  it('is that of options.uri, before environment and mongoose', async () => {
    const [option, own, fallback, connected] = [1, 2, 3, 4].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.connected);
       await finish(new AnalyticsSystem({ uri: given.option, logger }));`,
      {
        given: { mongoose: true, connected: connected.uri, option: option.uri },
        env: { ANALYTICS_MONGODB_URI: own.uri, MONGODB_URI: fallback.uri },
      },
    );
    await assertStoredIn(option, own, fallback, connected);
  });

  it('is that of ANALYTICS_MONGODB_URI, before a connected mongoose', async () => {
    const [own, fallback, connected] = [1, 2, 3].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.connected);
       await finish(new AnalyticsSystem({ logger }));`,
      {
        given: { mongoose: true, connected: connected.uri },
        env: { ANALYTICS_MONGODB_URI: own.uri, MONGODB_URI: fallback.uri },
      },
    );
    await assertStoredIn(own, fallback, connected);
  });

  it('is that of a connected mongoose, before MONGODB_URI', async () => {
    const [fallback, connected] = [1, 2].map(() => mongo.database());
    const { result } = await runHostWith(
      `await mongoose.connect(given.connected);
       await finish(new AnalyticsSystem({ logger }));`,
      {
        given: { mongoose: true, connected: connected.uri },
        env: { MONGODB_URI: fallback.uri, MONGO_URI: fallback.uri },
      },
    );
    await assertStoredIn(connected, fallback);
    assert.deepStrictEqual(result.lines, ['[ANALYTICS] System started']);
  });

  it('is that of a mongoose which connects 3 s after the first track()', async () => {
    const [fallback, connected] = [1, 2].map(() => mongo.database());
    const { result } = await runHostWith(
      `const analytics = new AnalyticsSystem({ logger });
       analytics.start();
       analytics.track('event', 'u');
       await new Promise((resolve) => setTimeout(resolve, 3000));
       await mongoose.connect(given.serverUri, { dbName: given.name });
       await analytics.flush();
       await analytics.stop();
       await mongoose.disconnect();
       report(lines);`,
      {
        given: { mongoose: true, serverUri: connected.serverUri, name: connected.name },
        env: { MONGODB_URI: fallback.uri },
      },
    );
    await assertStoredIn(connected, fallback);
    assert.deepStrictEqual(result, ['[ANALYTICS] System started']);
  });

  it('is that of options.mongoose, an instance of its own', async () => {
    const [given, connected] = [1, 2].map(() => mongo.database());
    await runHostWith(
      `const other = new mongoose.Mongoose();
       await mongoose.connect(given.connected);
       await other.connect(given.given);
       await finish(new AnalyticsSystem({ mongoose: other, logger }));
       await other.disconnect();`,
      { given: { mongoose: true, connected: connected.uri, given: given.uri } },
    );
    await assertStoredIn(given, connected);
  });

  it('is that of options.mongoose, one connection of createConnection()', async () => {
    const [given, connected] = [1, 2].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.connected);
       const connection = mongoose.createConnection(given.given);
       await finish(new AnalyticsSystem({ mongoose: connection, logger }));
       await connection.close();`,
      { given: { mongoose: true, connected: connected.uri, given: given.uri } },
    );
    await assertStoredIn(given, connected);
  });

  it('is the database that useDb() chose on a connection given as options.mongoose', async () => {
    const [chosen, connected] = [1, 2].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.connected);
       const connection = mongoose.connection.useDb(given.chosen);
       await finish(new AnalyticsSystem({ mongoose: connection, logger }));`,
      { given: { mongoose: true, connected: connected.uri, chosen: chosen.name } },
    );
    await assertStoredIn(chosen, connected);
  });

  for (const name of ['MONGODB_URI', 'MONGO_URI']) {
    it(`is that of ${name} where mongoose is not loaded, which one line says`, async () => {
      const database = mongo.database();
      const { result } = await runHostWith('await finish(new AnalyticsSystem({ logger }));', {
        ...ELSEWHERE,
        env: { [name]: database.uri },
      });
      await assertStoredIn(database);
      assert.strictEqual(result.lines.length, 2, result.lines.join('\n'));
      assert.match(result.lines[1], new RegExp(`mongoose is not loaded.*${name}`));
    });
  }

  it('is that of a mongoose that is loaded only after a while, before MONGODB_URI', async () => {
    const [connected, fallback] = [1, 2].map(() => mongo.database());
    await runHostWith(
      `const analytics = new AnalyticsSystem({ logger });
       analytics.start();
       analytics.track('event', 'u');
       await new Promise((resolve) => setTimeout(resolve, 1_500));
       const late = require('mongoose');
       await late.connect(given.connected);
       await analytics.stop();
       await late.disconnect();`,
      { given: { connected: connected.uri }, env: { MONGODB_URI: fallback.uri } },
    );
    await assertStoredIn(connected, fallback);
  });

  it('is another after stop(), connecting elsewhere and start()', async () => {
    const [first, second] = [1, 2].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.first);
       const analytics = new AnalyticsSystem({ logger });
       for (const uri of [given.first, given.second]) {
         analytics.start();
         analytics.track('dungeon.complete', 'u');
         await analytics.onLogin('u');
         await analytics.stop();
         await mongoose.disconnect();
         if (uri === given.first) await mongoose.connect(given.second);
       }`,
      { given: { mongoose: true, first: first.uri, second: second.uri } },
    );
    for (const database of [first, second]) {
      const [{ dau, dungeonsRun, sessionCount }] = await database.days();
      assert.deepStrictEqual([dau, dungeonsRun, sessionCount], [1, 1, 1]);
      assert.strictEqual(await database.count('gsoevents'), 1);
    }
  });

  it('is where the models of the host keep their documents', async () => {
    const database = mongo.database();
    await runHostWith(
      `await mongoose.connect(given.uri);
       await finish(new AnalyticsSystem({ logger }));`,
      { given: { mongoose: true, ownEvents: 'game_events', uri: database.uri } },
    );
    assert.deepStrictEqual(
      [await database.count('game_events'), await database.count('gsoevents')],
      [1, 0],
    );
  });

  it('keeps its indexes when the host lets mongoose sync them', async () => {
    const database = mongo.database();
    const { result } = await runHostWith(
      `await mongoose.connect(given.uri);
       const analytics = new AnalyticsSystem({ logger });
       await analytics.onLogin('u');
       analytics.track('dungeon.complete', 'u');
       await analytics.stop();
       report(await mongoose.connection.syncIndexes());
       await mongoose.disconnect();`,
      { given: { mongoose: true, uri: database.uri } },
    );
    assert.deepStrictEqual(result, { GSOSession: [], GSODaily: [], GSOEvent: [] });
  });

  it('is that of MONGODB_URI rather than MONGO_URI', async () => {
    const [first, second] = [1, 2].map(() => mongo.database());
    await runHostWith('await finish(new AnalyticsSystem({ logger }));', {
      ...ELSEWHERE,
      env: { MONGODB_URI: first.uri, MONGO_URI: second.uri },
    });
    await assertStoredIn(first, second);
  });

  it('is named by ANALYTICS_MONGODB_DATABASE over dbName and over the path of the URI', async () => {
    const [named, byPath, byName] = [1, 2, 3].map(() => mongo.database());
    await runHostWith(
      `await mongoose.connect(given.uri, { dbName: given.dbName });
       await finish(new AnalyticsSystem({ logger }));`,
      {
        given: { mongoose: true, uri: byPath.uri, dbName: byName.name },
        env: { ANALYTICS_MONGODB_DATABASE: named.name },
      },
    );
    await assertStoredIn(named, byPath, byName);
  });

  it('is named by options.database over ANALYTICS_MONGODB_DATABASE and the URI', async () => {
    const [named, byEnvironment, byPath] = [1, 2, 3].map(() => mongo.database());
    await runHostWith(
      'await finish(new AnalyticsSystem({ uri: given.uri, database: given.named, logger }));',
      {
        given: { uri: byPath.uri, named: named.name },
        env: { ANALYTICS_MONGODB_DATABASE: byEnvironment.name },
      },
    );
    await assertStoredIn(named, byEnvironment, byPath);
  });
});

describe('options.collections', () => {
  it('name the collections, also those of the models; the others keep their names', async () => {
    const database = mongo.database();
    const collections = {
      sessions: 'my_sessions',
      daily: 'my.days',
      uniques: 'my_users',
      reports: 'my_reports',
    };
    const { analytics } = create({ uri: database.uri, collections });
    await analytics.onLogin('u', 'name');
    analytics.track('dungeon.complete', 'u');
    const { dau, mau, today } = await analytics.getMetrics();
    assert.deepStrictEqual([dau, mau, today.dungeonsRun], [1, 1, 1]);
    const names = (await database.db.listCollections().toArray()).map(({ name }) => name);
    assert.deepStrictEqual(names.filter((name) => name !== 'my_reports').sort(), [
      'gsoevents',
      'my.days',
      'my_sessions',
      'my_users',
    ]);
    await waitFor(() => database.count('my_reports'), { what: 'a sample' });
  });
});

describe('without any connection', { concurrency: true }, () => {
  it('one message names the ways to configure one, records wait, and the process can end', async () => {
    const { result, elapsedMs, stderr } = await runHostWith(
      `const analytics = new AnalyticsSystem({ logger, ackTimeoutMs: 500, operationTimeoutMs: 2500, shutdownTimeoutMs: 100 });
       analytics.start();
       analytics.track('event', 'u');
       await analytics.onLogin('u', 'name');
       const error = await analytics.flush().catch((error) => error);
       const health = analytics.getHealth();
       await analytics.stop();
       report({ lines: lines.filter((line) => /No MongoDB connection/.test(line)), code: error.code, health });`,
    );
    assert.strictEqual(result.lines.length, 1);
    for (const way of ['mongoose', 'options.uri', 'ANALYTICS_MONGODB_URI', 'MONGODB_URI']) {
      assert.ok(result.lines[0].includes(way), way);
    }
    assert.strictEqual(result.code, 'ANALYTICS_TIMEOUT');
    assert.deepStrictEqual([result.health.accepted, result.health.queued], [2, 2]);
    assert.ok(elapsedMs < 15_000, `${elapsedMs} ms`);
    assert.doesNotMatch(stderr, /Error|Warning/);
  });

  it('a process that only tracks ends by itself within the time limit of the flush and counts what it lost', async () => {
    const end = await runProgram(() => {
      const AnalyticsSystem = require('.');
      const analytics = new AnalyticsSystem();
      for (let i = 0; i < 7; i++) analytics.track('event', 'u');
    });
    assert.ok(end.elapsedMs < 6_000, `${end.elapsedMs} ms`);
    assert.match(end.stderr, /not written: 7\b/);
  });

  it('a process that tracks nothing says nothing and ends at once', async () => {
    const end = await runProgram(() => {
      const AnalyticsSystem = require('.');
      new AnalyticsSystem();
    });
    assert.deepStrictEqual([end.stdout, end.stderr], ['', '']);
    assert.ok(end.elapsedMs < 6_000, `${end.elapsedMs} ms`);
  });

  it('a loaded mongoose that never connects gets 10 s, nothing is said before', async () => {
    const { result } = await runHostWith(
      `const analytics = new AnalyticsSystem({ logger, operationTimeoutMs: 2000, shutdownTimeoutMs: 0 });
       analytics.track('event', 'u');
       await analytics.flush().catch(() => {});
       report([...lines]);
       await analytics.stop();`,
      { given: { mongoose: true } },
    );
    assert.deepStrictEqual(
      result.filter((line) => line.includes('No MongoDB connection')),
      [],
    );
  });
});

describe('a connection string that is not valid', () => {
  for (const uri of [
    'not a uri',
    'http://127.0.0.1/',
    'mongodb://',
    'mongodb://h:port',
    'mongodb://127.0.0.1/?w=x&w',
  ]) {
    it(`is a TypeError at construction that names uri: ${uri}`, () => {
      const code = 'ANALYTICS_INVALID_URI';
      assert.throws(() => create({ uri }), { name: 'TypeError', code, message: /^uri: / });
    });
  }

  it('in a variable is one error line that names it, and records wait', async () => {
    process.env.ANALYTICS_MONGODB_URI = 'not a uri';
    try {
      const { analytics, lines } = create({ operationTimeoutMs: 700, shutdownTimeoutMs: 0 });
      analytics.start();
      analytics.track('event', 'u');
      await assert.rejects(analytics.flush(), { code: 'ANALYTICS_TIMEOUT' });
      const problems = lines.filter((line) => !line.startsWith('info'));
      assert.strictEqual(problems.length, 1, lines.join('\n'));
      assert.match(problems[0], /^error .*ANALYTICS_MONGODB_URI: .*records wait/);
      const { queued, lastError } = analytics.getHealth();
      assert.strictEqual(queued, 1);
      assert.match(lastError.message, /^ANALYTICS_MONGODB_URI: /);
      assert.doesNotThrow(() => create({ uri: NOBODY }));
    } finally {
      delete process.env.ANALYTICS_MONGODB_URI;
    }
  });

  it('in MONGODB_URI is one error line as soon as it is to be used', async () => {
    const { result } = await runHostWith(
      `const analytics = new AnalyticsSystem({ logger, operationTimeoutMs: 3000, shutdownTimeoutMs: 0 });
       analytics.track('event', 'u');
       const error = await analytics.flush().catch((error) => error);
       report({ lines, code: error.code, queued: analytics.getHealth().queued });
       await analytics.stop();`,
      { ...ELSEWHERE, env: { MONGODB_URI: ' mongodb://127.0.0.1/?proxyHost=socks ' } },
    );
    assert.deepStrictEqual([result.code, result.queued], ['ANALYTICS_TIMEOUT', 1]);
    const problems = result.lines.filter((line) => /MONGODB_URI: .*proxyHost/.test(line));
    assert.strictEqual(problems.length, 1, result.lines.join('\n'));
  });
});
