// With few free threads or descriptors the constructor throws, or makes an instance that works. The host
// goes on.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { allowThreads, folderOfUser, nextUser, startAs, whyNot } = require('./setup');

const mongo = useMongod();

const CODES = ['ANALYTICS_NO_RESOURCES', 'ANALYTICS_SPOOL_UNAVAILABLE'];
const DESTINATIONS = [{ url: 'http://localhost:1/' }, { name: 'two', url: 'http://localhost:2/' }];
/** The last is more than an instance needs. */
const FREE = [0, 1, 2, 3, 5, 8, 10, 20];

/** Options of instances that need less and more. */
const INSTANCES = {
  plain: () => ({}),
  'with destinations': () => ({ destinations: DESTINATIONS, shutdownTimeoutMs: 200 }),
  'with a spool and destinations': (user) => ({
    ...{ spoolDir: folderOfUser(user), destinations: DESTINATIONS, shutdownTimeoutMs: 200 },
  }),
};

async function isUsable(server, database) {
  await server.tell('track', { count: 3 });
  await server.tell('flush');
  assert.strictEqual(await database.count('gsoevents', { event: 'credits.earn' }), 3);
}

/** Makes an instance with few free, then another with enough; answers whether the first was made. */
async function makeWith({ few, enough, options }) {
  const user = nextUser();
  const server = await startAs(user, {});
  const database = mongo.database();
  const given = { uri: database.uri, ...options(user) };
  await few(server, user);
  const problem = await server.tell('make', given);
  await enough(server, user);
  if (problem) {
    assert.ok(CODES.includes(problem.code), `${problem.code}: ${problem.message}`);
    assert.ok(given.spoolDir || problem.code === CODES[0], problem.message);
    assert.strictEqual(await server.tell('make', given), null);
  }
  await isUsable(server, database);
  await server.stopAnd();
  return !problem;
}

for (const [what, options] of Object.entries(INSTANCES)) {
  describe(`an instance, ${what}`, { skip: whyNot() }, () => {
    for (const [kind, few, enough] of [
      [
        'threads',
        (free) => (server, user) => allowThreads(server, user, free),
        (server, user) => allowThreads(server, user, Infinity),
      ],
      [
        'descriptors',
        (free) => (server) => server.tell('useDescriptors', free),
        (server) => server.tell('freeDescriptors'),
      ],
    ]) {
      it(`is made or is not, with ${FREE} free ${kind}`, async () => {
        const made = [];
        for (const free of FREE) made.push(await makeWith({ few: few(free), enough, options }));
        assert.strictEqual(made[0], false, 'none is made with none');
        assert.strictEqual(made.at(-1), true, `one is made with ${FREE.at(-1)}`);
        assert.deepStrictEqual(made, made.toSorted(), 'more never hinder');
      });
    }
  });
}
