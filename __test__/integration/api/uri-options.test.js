// Connection strings: every option of Node's drivers 6 and 7 is honoured, left out and named, or refused and
// named. No option that those drivers accept fails later, or without being named.
'use strict';

const assert = require('node:assert');
const { createRequire } = require('node:module');
const path = require('node:path');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');

const mongo = useMongod({ replSet: 1 });

/** The drivers that are installed here, of both major versions. */
const drivers = ['mongoose', 'mongoose8', 'mongodb'].map((name) => {
  const file = createRequire(require.resolve(name)).resolve('mongodb');
  return { ...require(file), ...require(path.join(path.dirname(file), 'connection_string.js')) };
});
const knownNames = new Set(drivers.flatMap(({ OPTIONS }) => Object.keys(OPTIONS)));

/** Values for options whose type does not tell a value that the driver accepts. */
const VALUES = {
  authMechanism: 'DEFAULT',
  authMechanismProperties: 'SERVICE_NAME:other',
  authSource: 'admin',
  compressors: 'zlib',
  fsync: 'true',
  j: 'true',
  journal: 'true',
  family: '4',
  maxPoolSize: '0',
  mongodbLogPath: 'stderr',
  readConcernLevel: 'local',
  readPreference: 'secondaryPreferred',
  readPreferenceTags: 'dc:ny',
  replicaSet: 'gso',
  serverMonitoringMode: 'poll',
  ssl: 'false',
  tls: 'false',
  loadBalanced: 'false',
  w: '1',
  writeConcern: 'majority',
};

function sampleOf(name) {
  const types = drivers.map(({ OPTIONS }) => OPTIONS[name]?.type);
  return VALUES[name] ?? (types.includes('boolean') ? 'true' : '1');
}

function isTakenByADriver(uri) {
  return drivers.some(({ MongoClient }) => {
    try {
      new MongoClient(uri);
      return true;
    } catch {
      return false;
    }
  });
}

/** `{ error }` of the constructor, or `{ lines }` after an event was written. */
async function write(uri) {
  let made;
  try {
    made = create({ uri, operationTimeoutMs: 20_000 });
  } catch (error) {
    return { error };
  }
  made.analytics.track('event', 'user');
  await made.analytics.flush();
  await made.analytics.stop();
  return { lines: made.lines };
}

const uriWith = (options) => `mongodb://${mongo.server.hosts}/${mongo.database().name}?${options}`;

/** Honoured without a log line. */
const HONOURED = new Set([
  ...['appName', 'authMechanism', 'authSource', 'connectTimeoutMS', 'dbName', 'directConnection'],
  ...['heartbeatFrequencyMS', 'loadBalanced', 'localThresholdMS', 'maxIdleTimeMS', 'replicaSet'],
  ...['retryReads', 'retryWrites', 'serverMonitoringMode', 'ssl', 'tls', 'writeConcern'],
  ...['j', 'journal'],
]);

describe('an option of the drivers of Node', { concurrency: 4 }, () => {
  for (const name of knownNames) {
    it(`${name} is honoured, or named`, async () => {
      const uri = uriWith(`${name}=${sampleOf(name)}`);
      const { error, lines } = await write(uri);
      if (error !== undefined) {
        assert.strictEqual(error.code, 'ANALYTICS_INVALID_URI');
        assert.ok(error instanceof TypeError);
        assert.match(error.message, new RegExp(`^uri: the option ${name} `));
        assert.ok(!HONOURED.has(name), error.message);
        return;
      }
      const named = lines.filter((line) => line.endsWith(`left out: ${name}`));
      assert.strictEqual(named.length, HONOURED.has(name) ? 0 : 1, lines.join('\n'));
      if (HONOURED.has(name)) assert.ok(isTakenByADriver(uri), 'the drivers take it too');
    });
  }
});

describe('a connection string', { concurrency: 4 }, () => {
  for (const [what, options] of Object.entries({
    'as Atlas gives it': 'retryWrites=true&w=majority&appName=Cluster0',
    'with an & at its end': 'retryWrites=true&',
    'with options in other cases': 'RETRYWRITES=true&replicaset=gso',
    'with an option of TLS where TLS is off': 'tls=false',
  })) {
    it(`${what} is accepted without a log line`, async () => {
      const { error, lines } = await write(`  ${uriWith(options)}\n`);
      assert.strictEqual(error, undefined);
      assert.deepStrictEqual(lines, []);
    });
  }

  it('with several options without effect is one line that names all of them', async () => {
    const options = 'maxPoolSize=5&socketTimeoutMS=45000&family=6&tlsAllowInvalidHostnames=true';
    const { lines } = await write(uriWith(options));
    const names = 'maxPoolSize, socketTimeoutMS, family, tlsAllowInvalidHostnames';
    assert.strictEqual(lines.length, 1);
    assert.ok(lines[0].endsWith(`of uri have no effect here and are left out: ${names}`), lines[0]);
  });

  for (const [options, name] of [
    ['retryWritess=true', 'retryWritess'],
    ['tls=yes', 'tls'],
    ['tls=true&ssl=false', 'ssl'],
    ['tls=true&tlsAllowInvalidHostnames=true', 'tlsAllowInvalidHostnames'],
    ['authMechanism=MONGODB-OIDC', 'authMechanism'],
    ['appName=', 'appName'],
    ['appName=a&appname=b', 'appName'],
    ['connectTimeoutMS=soon', 'connectTimeoutMS'],
    ['proxyHost=socks&proxyPort=1', 'proxyHost'],
  ]) {
    it(`with ${options} is refused by the name of the option`, async () => {
      const { error } = await write(uriWith(options));
      assert.strictEqual(error?.code, 'ANALYTICS_INVALID_URI');
      assert.match(error.message, new RegExp(`^uri: .* ${name} `));
    });
  }
});
