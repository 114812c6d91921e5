// Bad options and environment variables are one TypeError that names the field; unknown ones warn.
'use strict';

const assert = require('node:assert');
const { afterEach, describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const {
  AnalyticsSystem,
  NOBODY,
  create,
  keepingLogger,
  runProgram,
  useMongod,
} = require('../../support/setup');

const mongo = useMongod();

const NOT_A_STRING = [5, '', true, {}, [], () => {}, Symbol('s'), 10n];
const NOT_A_COUNT = ['500', -1, 0.5, NaN, Infinity, 1e20, true, {}, [], 10n, () => {}];

/** Option and the values that it refuses. */
const BAD = {
  uri: NOT_A_STRING,
  database: [...NOT_A_STRING, 'a b', 'a.b', 'a/b', 'a"b', 'a$b', 'a\0b', 'x'.repeat(64)],
  webhookUrl: [...NOT_A_STRING, 'ftp://127.0.0.1/', '127.0.0.1', '/hook', 'http://'],
  destinations: [5, 'raw', true, {}, [5], [{}], [{ format: 'json' }], [{ format: 'segment' }]],
  flushIntervalMs: [...NOT_A_COUNT, 0, 9, 3_600_001],
  maxQueueBytes: [...NOT_A_COUNT, 0, 1, 65_535, 2 ** 37],
  spoolDir: [...NOT_A_STRING, 'a\0b'],
  maxSpoolBytes: [...NOT_A_COUNT, 0, 2 ** 20 - 1, 2 ** 40 + 1],
  spoolFallback: [...NOT_A_STRING, 'disk', 'Memory', 'error '],
  maxEventBytes: [...NOT_A_COUNT, 0, 1_023, 15 * 2 ** 20 + 1],
  operationTimeoutMs: [...NOT_A_COUNT, 0, 99, 600_001],
  ackTimeoutMs: [...NOT_A_COUNT, 0, 600_001],
  shutdownTimeoutMs: [...NOT_A_COUNT, 600_001],
  collections: [5, 'events', true, [], () => {}],
  'collections.events': [5, '', true, {}, 'a$b', 'a\0b', 'system.x', '.a', 'a.', 'x'.repeat(256)],
  'collections.event': ['gsoevents'],
  strict: [1, 'true', {}, () => {}],
  logger: [true, 5, 'console', {}, { info() {}, warn() {} }, () => {}],
  mongoose: [5, 'mongoose', {}, { connection: {} }, { model() {} }, () => {}],
};

function optionsWith(name, value) {
  const [outer, inner] = name.split('.');
  return inner ? { [outer]: { [inner]: value } } : { [outer]: value };
}

function shown(value) {
  const text = String(typeof value === 'object' ? JSON.stringify(value) : value);
  return `${typeof value} ${text.length > 40 ? `of ${text.length} characters` : JSON.stringify(text)}`;
}

describe('a bad option throws a TypeError that names it', () => {
  for (const [name, values] of Object.entries(BAD)) {
    for (const value of values) {
      it(`${name}: ${shown(value)}`, () => {
        const wrong = () => new AnalyticsSystem({ logger: false, ...optionsWith(name, value) });
        const message = new RegExp(`^${name.replace('.', '\\.')}\\b`);
        assert.throws(wrong, { name: 'TypeError', message });
      });
    }
  }

  for (const options of [5, 'mongodb://127.0.0.1', true, [], () => {}]) {
    it(`options themselves: ${shown(options)}`, () => {
      assert.throws(() => new AnalyticsSystem(options), {
        name: 'TypeError',
        message: /^options\b/,
      });
    });
  }

  it('when two collections have one name', () => {
    const collections = { events: 'same', sessions: 'same' };
    assert.throws(() => create({ collections }), { name: 'TypeError', message: /^collections\b/ });
  });
});

describe('good options', () => {
  it('may stand at the ends of their ranges, be null or be undefined', () => {
    for (const options of [
      ...[undefined, {}, { uri: undefined, webhookUrl: null, collections: null }],
      { flushIntervalMs: 10, maxQueueBytes: 65_536, maxEventBytes: 1_024 },
      { flushIntervalMs: 3_600_000, maxQueueBytes: 2 ** 36, maxEventBytes: 15 * 2 ** 20 },
      { maxSpoolBytes: 2 ** 20, spoolFallback: 'error', spoolDir: null },
      { maxSpoolBytes: 2 ** 40, spoolFallback: 'memory', spoolDir: undefined },
      { operationTimeoutMs: 100, ackTimeoutMs: 1, shutdownTimeoutMs: 0 },
      { operationTimeoutMs: 600_000, ackTimeoutMs: 600_000, shutdownTimeoutMs: 600_000 },
      { collections: {}, strict: false, logger: console },
    ]) {
      assert.doesNotThrow(() => new AnalyticsSystem(options));
    }
  });

  it('are not changed, and later changes of them mean nothing', async () => {
    const database = mongo.database();
    const options = Object.freeze({
      uri: database.uri,
      collections: Object.freeze({ events: 'mine' }),
      logger: false,
    });
    const analytics = new AnalyticsSystem(options);
    analytics.track('event', 'u');
    await analytics.stop();
    assert.strictEqual(await database.count('mine'), 1);
  });

  it('maxEventBytes bounds the data of an event, to the byte', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, maxEventBytes: 1_024 });
    // A document of one string: 4 + 1 + 't\0' + 4 + text + '\0' + '\0'.
    analytics.track('event', 'u', { t: 'x'.repeat(1_024 - 13) });
    analytics.track('event', 'u', { t: 'x'.repeat(1_024 - 12) });
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 1);
    assert.deepStrictEqual(analytics.getHealth().rejected, { event_too_large: 1 });
  });

  it('maxEventBytes of 15 MiB stores 14 MiB', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, maxEventBytes: 15 * 2 ** 20 });
    analytics.track('event', 'u', { bytes: Buffer.alloc(14 * 2 ** 20) });
    await analytics.flush();
    assert.strictEqual((await database.events())[0].data.bytes.length(), 14 * 2 ** 20);
  });
});

describe('an unknown option', () => {
  it('is warned about by name, and the instance works', async () => {
    const { lines } = create({ uri: NOBODY, flushInterval: 5, onError() {} });
    await waitFor(() => lines.length >= 2, { what: 'two warnings' });
    assert.deepStrictEqual(
      lines.map((line) => /^warn .*unknown option (\w+):/.exec(line)?.[1]).sort(),
      [...['flushInterval', 'onError']],
    );
  });
});

describe('the logger', () => {
  const tracksTooMuch = (analytics) => {
    analytics.start();
    analytics.track('bad', 'u', { '\0': 1 });
    return analytics.stop();
  };

  it('gets a line per event of its level', async () => {
    const { logger, lines } = keepingLogger();
    await tracksTooMuch(new AnalyticsSystem({ uri: mongo.database().uri, logger }));
    assert.strictEqual(lines[0], 'info [ANALYTICS] System started');
    assert.match(lines[1], /^warn \[ANALYTICS\] .*NUL/);
    assert.strictEqual(lines.length, 2);
  });

  it('is called as a method of its object', async () => {
    class Logger {
      lines = [];
      info(line) {
        this.lines.push(line);
      }
      warn(line) {
        this.lines.push(line);
      }
      error(line) {
        this.lines.push(line);
      }
    }
    const logger = new Logger();
    await tracksTooMuch(new AnalyticsSystem({ uri: mongo.database().uri, logger }));
    assert.strictEqual(logger.lines.length, 2);
  });

  it('that throws, or calls in again, harms nothing', async () => {
    const database = mongo.database();
    const fail = () => {
      analytics.track('from the logger', 'u');
      throw new Error('thrown by the test');
    };
    const analytics = new AnalyticsSystem({
      uri: database.uri,
      logger: { info: fail, warn: fail, error: fail },
    });
    analytics.start();
    analytics.track('bad', 'u', { '\0': 1 });
    await analytics.flush();
    await analytics.stop();
    assert.ok((await database.count('gsoevents')) >= 1);
  });

  it('is console by default, on stdout and stderr, and silent when false', async () => {
    const program = async (given) => {
      const AnalyticsSystem = require('.');
      const analytics = new AnalyticsSystem({ uri: given.uri, ...given.options });
      analytics.start();
      analytics.track('bad', 'u', { '\0': 1 });
      await analytics.stop();
    };
    const { uri } = mongo.database();
    const loud = await runProgram(program, { given: { uri } });
    assert.strictEqual(loud.stdout, '[ANALYTICS] System started\n');
    assert.match(loud.stderr, /^\[ANALYTICS\] .*NUL.*\n$/);
    const silent = await runProgram(program, { given: { uri, options: { logger: false } } });
    assert.deepStrictEqual([silent.stdout, silent.stderr], ['', '']);
  });
});

describe('environment variables', () => {
  const BAD_VARIABLES = {
    ANALYTICS_WEBHOOK_URL: ['not a url', 'ftp://127.0.0.1/'],
    ANALYTICS_WEBHOOK_FORMAT: ['json', 'Raw'],
    ANALYTICS_FLUSH_INTERVAL_MS: ['soon', '-1', '0', '0.5', '1e3'],
    ANALYTICS_MAX_QUEUE_BYTES: ['1G', '1'],
    ANALYTICS_MAX_SPOOL_BYTES: ['1G', '1'],
    ANALYTICS_SPOOL_FALLBACK: ['disk', ' memory'],
    ANALYTICS_SHUTDOWN_TIMEOUT_MS: ['never', '600001'],
    ANALYTICS_MONGODB_DATABASE: ['a b', 'a.b'],
    ANALYTICS_PRESENCE: ['maybe', 'true', ' off'],
    ANALYTICS_INSTANCE_NAME: ['x'.repeat(65), 'a\tb'],
  };

  afterEach(() => {
    for (const name of Object.keys(BAD_VARIABLES)) delete process.env[name];
  });

  for (const [name, values] of Object.entries(BAD_VARIABLES)) {
    for (const value of values) {
      it(`${name}="${value}" throws a TypeError that names it`, () => {
        process.env[name] = value;
        const message = new RegExp(`^${name}: `);
        assert.throws(() => new AnalyticsSystem({ logger: false }), { name: 'TypeError', message });
      });
    }
  }

  it('are read when the instance is made; empty ones count as not set; options win', async () => {
    const database = mongo.database();
    process.env.ANALYTICS_WEBHOOK_URL = '';
    process.env.ANALYTICS_FLUSH_INTERVAL_MS = ' 20 ';
    const { analytics } = create({ uri: database.uri });
    process.env.ANALYTICS_SHUTDOWN_TIMEOUT_MS = 'never';
    assert.doesNotThrow(() => create({ uri: NOBODY, shutdownTimeoutMs: 5 }));
    analytics.track('dungeon.complete', 'u');
    await waitFor(() => analytics.getHealth().written === 1, { what: 'totals after 20 ms' });
  });
});
