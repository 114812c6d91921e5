// Loggers of hosts: whatever they do, the process lives on, and everything is written.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

/** Runs in a process of its own: an instance that logs lines of all levels. */
async function tell(given, report) {
  const AnalyticsSystem = require('.');
  const lines = [];
  const keep = (level) => (line) => lines.push(`${level} ${line.slice(0, 12)}`);
  // biome-ignore lint/security/noGlobalEval: it is a source of the test
  const logger = eval(`(${given.logger})`)(keep);
  const unhandled = [];
  process.on('unhandledRejection', (reason) => unhandled.push(String(reason)));
  const analytics = new AnalyticsSystem({ uri: given.uri, logger, shutdownTimeoutMs: 2_000 });
  analytics.start();
  analytics.track('refused', 'u', { big: 2n ** 70n });
  analytics.track('stored', 'u');
  await analytics.flush();
  await analytics.stop();
  await new Promise((resolve) => setTimeout(resolve, 50));
  report({ lines, unhandled });
}

const FAILING = {
  'functions that reject': () => {
    const fail = async () => {
      throw new Error('later');
    };
    return { info: fail, warn: fail, error: fail };
  },
  'functions that reject with nothing': () => {
    const fail = () => Promise.reject();
    return { info: fail, warn: fail, error: fail };
  },
  'functions that throw': () => {
    const fail = () => {
      throw new Error('now');
    };
    return { info: fail, warn: fail, error: fail };
  },
  'thenables that reject at once': () => {
    // biome-ignore lint/suspicious/noThenProperty: that is what is tried
    const fail = () => ({ then: (_, reject) => reject(new Error('at once')) });
    return { info: fail, warn: fail, error: fail };
  },
  'thenables that throw': () => {
    const fail = () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tried
      get then() {
        throw new Error('no');
      },
    });
    return { info: fail, warn: fail, error: fail };
  },
  'promises that never settle': () => {
    const wait = () => new Promise(() => {});
    return { info: wait, warn: wait, error: wait };
  },
};

describe('a logger', { concurrency: 2 }, () => {
  for (const [what, logger] of Object.entries(FAILING)) {
    it(`of ${what} harms nobody`, async () => {
      const database = mongo.database();
      const given = { uri: database.uri, logger: `${logger}` };
      const { result, stderr } = await runProgram(tell, { given });
      assert.deepStrictEqual([result.unhandled, stderr], [[], '']);
      assert.strictEqual(await database.count('gsoevents'), 1);
    });
  }

  const both = (keep) => ({ ...console, info: keep('info'), log: keep('log'), warn: keep('warn') });
  const nest = (keep) => ({ log: keep('log'), warn: keep('warn'), error: keep('error') });
  for (const [what, logger, level] of [
    ['with `log` only, as that of NestJS, gets there what others get in `info`', nest, 'log'],
    ['with both gets it in `info`', both, 'info'],
  ]) {
    it(what, async () => {
      const given = { uri: mongo.database().uri, logger: `${logger}` };
      const { result } = await runProgram(tell, { given });
      assert.deepStrictEqual(result.lines, [`${level} [ANALYTICS] `, 'warn [ANALYTICS] ']);
    });
  }
});
