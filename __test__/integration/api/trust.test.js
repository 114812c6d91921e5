// Webhooks and connection strings trust the authorities that fetch() and the driver trust in the same process.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { makeCertificates } = require('../../support/certificates');
const { runProgram, useMongod } = require('../../support/setup');

const making = makeCertificates();
const NOTHING = { SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' };
/** Features of this version of Node. */
const hasFlag = (flag) => process.allowedNodeEnvironmentFlags.has(flag);
const hasSetter = require('node:tls').setDefaultCACertificates !== undefined;

const mongo = useMongod(async () => {
  const { server: certificateKeyFile, ca: tlsCAFile } = await making;
  return { tls: { certificateKeyFile, client: { tlsCAFile } } };
});

let files;
let folder;
const servers = {};

/** A folder in which OpenSSL finds the certificate of our authority: by the hash of its subject. */
function hashedFolder(certificate) {
  const name = Buffer.from('gso test ca');
  const value = Buffer.concat([Buffer.from([0x06, 3, 0x55, 4, 3, 0x0c, name.length]), name]);
  const pair = Buffer.concat([Buffer.from([0x30, value.length]), value]);
  const subject = Buffer.concat([Buffer.from([0x31, pair.length]), pair]);
  const hash = crypto.createHash('sha1').update(subject).digest().readUInt32LE(0);
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-hashed-'));
  fs.copyFileSync(certificate, path.join(made, `${hash.toString(16).padStart(8, '0')}.0`));
  return made;
}

async function listen(server) {
  server.on('request', (request, response) => request.resume().on('end', () => response.end('ok')));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

before(async () => {
  files = await making;
  folder = hashedFolder(files.ca);
  const pem = fs.readFileSync(files.server);
  servers.https = await listen(https.createServer({ cert: pem, key: pem }));
  servers.http = await listen(http.createServer());
});

after(() => {
  for (const server of Object.values(servers)) {
    server.closeAllConnections();
    server.close();
  }
  fs.rmSync(folder, { recursive: true });
});

/** Runs in a process of its own: which servers Node reaches, and which the addon does. */
async function reach(given, report) {
  const fs = require('node:fs');
  const { MongoClient } = require('mongodb');
  if (given.sets)
    require('node:tls').setDefaultCACertificates([fs.readFileSync(given.sets, 'utf8')]);
  const succeeds = (promise) =>
    promise.then(
      () => true,
      () => false,
    );
  const client = new MongoClient(given.uri, { serverSelectionTimeoutMS: 1500 });
  const byNode = {
    webhook: await succeeds(fetch(given.url, { method: 'POST', body: '{}' })),
    database: await succeeds(client.connect()),
  };
  await client.close();
  const lines = [];
  const keep = (line) => lines.push(line);
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({
    ...{ uri: given.uri, logger: { info: keep, warn: keep, error: keep } },
    destinations: [
      { name: 'https', url: given.url },
      { name: 'http', url: given.plainUrl },
    ],
    ...{ operationTimeoutMs: 6_500, shutdownTimeoutMs: 100 },
  });
  analytics.start();
  analytics.track('event', 'user');
  const database = await succeeds(analytics.flush());
  const isThrough = ({ sent, lastError }) => sent > 0 || lastError !== undefined;
  while (!analytics.getHealth().destinations.every(isThrough)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const [encrypted, plain] = analytics.getHealth().destinations;
  const byAddon = { webhook: encrypted.sent > 0, database };
  report({ byNode, byAddon, plain: plain.sent, lines });
  await analytics.stop();
}

async function play({ env, nodeArgs, sets }) {
  const { uri, name } = mongo.database();
  const port = (server) => server.address().port;
  const { result } = await runProgram(reach, {
    given: {
      uri: `mongodb://${uri.split('/')[2]}/${name}?tls=true`,
      url: `https://localhost:${port(servers.https)}/`,
      plainUrl: `http://127.0.0.1:${port(servers.http)}/`,
      sets,
    },
    env,
    nodeArgs,
  });
  return result;
}

/** Ways to choose the trusted authorities, and whether ours is one of them. */
const WAYS = {
  nothing: [false, () => ({})],
  'nothing, on an image without certificates': [false, () => ({ env: NOTHING })],
  NODE_EXTRA_CA_CERTS: [true, () => ({ env: { NODE_EXTRA_CA_CERTS: files.ca } })],
  'NODE_EXTRA_CA_CERTS, on an image without certificates': [
    true,
    () => ({ env: { ...NOTHING, NODE_EXTRA_CA_CERTS: files.ca } }),
  ],
  'NODE_EXTRA_CA_CERTS with a foreign authority': [
    false,
    () => ({ env: { NODE_EXTRA_CA_CERTS: files.foreignCa } }),
  ],
  'NODE_EXTRA_CA_CERTS that is not there': [
    false,
    () => ({ env: { NODE_EXTRA_CA_CERTS: '/nonexistent' } }),
  ],
  '--use-openssl-ca with SSL_CERT_FILE': [
    true,
    () => ({ nodeArgs: ['--use-openssl-ca'], env: { SSL_CERT_FILE: files.ca } }),
  ],
  '--use_openssl_ca in NODE_OPTIONS with SSL_CERT_DIR': [
    true,
    () => ({
      env: {
        NODE_OPTIONS: '--no-warnings --use_openssl_ca',
        SSL_CERT_FILE: '/nonexistent',
        SSL_CERT_DIR: `/nonexistent${path.delimiter}${folder}`,
      },
    }),
  ],
  '--use-openssl-ca with NODE_EXTRA_CA_CERTS': [
    true,
    () => ({
      nodeArgs: ['--use-openssl-ca'],
      env: { ...NOTHING, NODE_EXTRA_CA_CERTS: files.ca },
    }),
  ],
  '--use-openssl-ca with nothing': [
    false,
    () => ({ nodeArgs: ['--use-openssl-ca'], env: NOTHING }),
  ],
  'SSL_CERT_FILE without a flag': [false, () => ({ env: { SSL_CERT_FILE: files.ca } })],
  '--use-system-ca': [
    true,
    () => ({ nodeArgs: ['--use-system-ca'], env: { ...NOTHING, SSL_CERT_FILE: files.ca } }),
    hasFlag('--use-system-ca') && process.platform === 'linux',
  ],
  'tls.setDefaultCACertificates()': [true, () => ({ sets: files.ca }), hasSetter],
};

describe('fetch(), the driver, webhooks and uri agree about a private authority', {
  concurrency: 3,
}, () => {
  for (const [way, [isTrusted, settings, isPossible = true]] of Object.entries(WAYS)) {
    it(way, { skip: !isPossible && 'this version of Node cannot do it' }, async () => {
      const { byNode, byAddon, plain, lines } = await play(settings());
      const expected = { webhook: isTrusted, database: isTrusted };
      assert.deepStrictEqual({ byNode, byAddon }, { byNode: expected, byAddon: expected });
      assert.strictEqual(plain, 1, 'plain http needs no authority');
      if (isTrusted) assert.deepStrictEqual(lines, ['[ANALYTICS] System started']);
      else assert.match(lines.join('\n'), /certificate/);
    });
  }

  it('NODE_TLS_REJECT_UNAUTHORIZED=0 is not followed, which one line says', async () => {
    const { byNode, byAddon, lines } = await play({ env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
    assert.deepStrictEqual(byNode, { webhook: true, database: true });
    assert.deepStrictEqual(byAddon, { webhook: false, database: false });
    const named = lines.filter((line) => line.includes('NODE_TLS_REJECT_UNAUTHORIZED'));
    assert.strictEqual(named.length, 1, lines.join('\n'));
  });
});

describe('NODE_TLS_REJECT_UNAUTHORIZED=0', () => {
  it('is not named where nothing uses TLS', async () => {
    const { result } = await runProgram(
      (given, report) => {
        const lines = [];
        const logger = { info() {}, warn: (line) => lines.push(line), error() {} };
        const AnalyticsSystem = require('.');
        new AnalyticsSystem({ ...given, logger });
        const loaded = process.moduleLoadList.filter((name) =>
          /NativeModule (?:tls|https)$/.test(name),
        );
        report({ lines, loaded });
      },
      {
        given: { uri: 'mongodb://127.0.0.1:1', webhookUrl: 'http://127.0.0.1:1/' },
        env: { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' },
      },
    );
    assert.deepStrictEqual(result, { lines: [], loaded: [] });
  });
});
