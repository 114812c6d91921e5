// A host whose server speaks TLS: its certificates are taken over, and nobody is trusted whom the host
// does not trust.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const { makeCertificates } = require('../../support/certificates');
const { VERSIONS, assertAdopted, assertRefused } = require('./setup');

const making = makeCertificates();
/** Paths of the certificates, as soon as a server runs. */
let files;

/** Anybody may connect who trusts the right authority. */
const open = useMongod(async () => {
  files = await making;
  const { server: certificateKeyFile, ca: caFile } = files;
  return { tls: { certificateKeyFile, caFile, client: { tlsCAFile: caFile } } };
});

/** Clients must show a certificate, and have a password or be known by that certificate. */
const closed = useMongod(async () => {
  const { server: certificateKeyFile, ca: caFile, client } = await making;
  const own = { tlsCAFile: caFile, tlsCertificateKeyFile: client };
  return { auth: true, tls: { certificateKeyFile, caFile, asksForCertificate: true, client: own } };
});

/** Its certificate is for another host name. */
const misnamed = useMongod(async () => {
  const { strangerServer: certificateKeyFile, ca: tlsCAFile } = await making;
  return {
    tls: { certificateKeyFile, client: { tlsCAFile, tlsAllowInvalidHostnames: true } },
  };
});

function uriOf({ server }, { name }, query = {}, user = '') {
  return `mongodb://${user}${server.hosts}/${name}?${new URLSearchParams(query)}`;
}

/** How a host says whom it trusts: `query` of the URI, `options`, and options read from `files`. */
const TRUST = {
  tlsCAFile: () => ({ options: { tls: true, tlsCAFile: files.ca } }),
  'tlsCAFile in the URI': () => ({ query: { tls: true, tlsCAFile: files.ca } }),
  'ssl in the URI, tlsCAFile in the options': () => ({
    query: { ssl: true },
    options: { tlsCAFile: files.ca },
  }),
  'ca, a Buffer': () => ({ options: { tls: true }, files: { ca: files.ca } }),
  'ca, a string': () => ({ options: { tls: true }, files: { ca: files.ca }, encoding: 'utf8' }),
  'ca, several in an array': () => ({
    options: { tls: true },
    files: { ca: [files.foreignCa, files.ca] },
  }),
  tlsAllowInvalidCertificates: () => ({
    options: { tls: true, tlsAllowInvalidCertificates: true },
  }),
  'tlsInsecure in the URI': () => ({ query: { tls: true, tlsInsecure: true } }),
};

describe('a server with a certificate of its own authority', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    for (const [way, settings] of Object.entries(TRUST)) {
      it(`${version}: ${way}`, async () => {
        const database = open.database();
        const { query, ...given } = settings();
        const uri = uriOf(open, database, query);
        await assertAdopted(database, { mongoose: version, uri, ...given });
      });
    }
  }

  it('tlsCAFile in ANALYTICS_MONGODB_URI', async () => {
    const database = open.database();
    const uri = uriOf(open, database, { tls: true, tlsCAFile: files.ca });
    await assertAdopted(database, { env: { ANALYTICS_MONGODB_URI: uri } });
  });

  it('NODE_EXTRA_CA_CERTS', async () => {
    const database = open.database();
    await assertAdopted(database, {
      uri: uriOf(open, database, { tls: true }),
      env: { NODE_EXTRA_CA_CERTS: files.ca },
    });
  });
});

/** How a host shows its certificate, as above. */
const IDENTITY = {
  tlsCertificateKeyFile: () => ({
    options: { tls: true, tlsCAFile: files.ca, tlsCertificateKeyFile: files.client },
  }),
  'tlsCertificateKeyFile in the URI': () => ({
    query: { tls: true, tlsCAFile: files.ca, tlsCertificateKeyFile: files.client },
  }),
  'cert and key, Buffers': () => ({
    options: { tls: true },
    files: { ca: files.ca, cert: files.clientCert, key: files.clientKey },
  }),
  'cert and key, strings': () => ({
    options: { tls: true },
    files: { ca: files.ca, cert: files.clientCert, key: files.clientKey },
    encoding: 'utf8',
  }),
  'cert and key out of one file, with tlsCAFile': () => ({
    options: { tls: true, tlsCAFile: files.ca },
    files: { cert: files.client, key: files.client },
  }),
  tlsCertificateKeyFilePassword: () => ({
    options: {
      tls: true,
      tlsCAFile: files.ca,
      tlsCertificateKeyFile: files.encryptedClient,
      tlsCertificateKeyFilePassword: files.passphrase,
    },
  }),
  'passphrase, cert and key': () => ({
    options: { tls: true, passphrase: files.passphrase },
    files: { ca: files.ca, cert: files.clientCert, key: files.encryptedKey },
  }),
};

describe('a server that asks for a certificate and a password', { concurrency: 3 }, () => {
  for (const version of VERSIONS) {
    for (const [way, settings] of Object.entries(IDENTITY)) {
      it(`${version}: ${way}`, async () => {
        const database = closed.database();
        const { query, ...given } = settings();
        const uri = uriOf(closed, database, { authSource: 'admin', ...query }, 'root:root@');
        await assertAdopted(database, { mongoose: version, uri, ...given });
      });
    }
  }
});

describe('a server that knows the host by its certificate', { concurrency: 3 }, () => {
  const X509 = { authMechanism: 'MONGODB-X509', authSource: '$external' };
  let creating;

  const userOf = async (database) => {
    creating ??= closed.client.db('$external').command({
      createUser: files.clientSubject,
      roles: [{ role: 'readWriteAnyDatabase', db: 'admin' }],
    });
    await creating;
    return database;
  };

  for (const version of VERSIONS) {
    it(`${version}: MONGODB-X509 with tlsCertificateKeyFile`, async () => {
      const database = await userOf(closed.database());
      const own = { tls: true, tlsCAFile: files.ca, tlsCertificateKeyFile: files.client };
      const uri = uriOf(closed, database, { ...X509, ...own });
      await assertAdopted(database, { mongoose: version, uri });
    });

    it(`${version}: MONGODB-X509 with the user's name, cert and key`, async () => {
      const database = await userOf(closed.database());
      const user = `${encodeURIComponent(files.clientSubject)}@`;
      await assertAdopted(database, {
        mongoose: version,
        uri: uriOf(closed, database, X509, user),
        options: { tls: true },
        files: { ca: files.ca, cert: files.clientCert, key: files.clientKey },
      });
    });
  }
});

// Each of these waits some seconds for a server that it must not find.
describe('whom the host trusts', { concurrency: true }, () => {
  describe('a server that the host does not trust', { concurrency: true }, () => {
    /** What a host is set to that must not reach the server, by what is wrong with it. */
    const REFUSED = {
      'a foreign authority': () => ({ options: { tls: true, tlsCAFile: files.foreignCa } }),
      'a foreign authority in a Buffer': () => ({
        options: { tls: true },
        files: { ca: files.foreignCa },
      }),
      'no authority': () => ({ options: { tls: true } }),
      'no TLS': () => ({}),
    };

    for (const [what, settings] of Object.entries(REFUSED)) {
      it(`is not written to: ${what}`, async () => {
        const database = open.database();
        const uri = uriOf(open, database);
        const { result } = await assertRefused({ uri, ...settings() });
        assert.match(result.refusal, /Selection/);
        assert.ok(result.health.lastError, 'it was adopted and tried');
        assert.strictEqual(await database.count('gsoevents'), 0);
      });
    }

    it('is not written to: a foreign authority in ANALYTICS_MONGODB_URI', async () => {
      const database = open.database();
      const uri = uriOf(open, database, { tls: true, tlsCAFile: files.foreignCa });
      const { result, lines } = await assertRefused({ env: { ANALYTICS_MONGODB_URI: uri } });
      assert.match(result.health.lastError.message, /certificate/);
      assert.match(lines.join('\n'), /certificate/);
      assert.strictEqual(await database.count('gsoevents'), 0);
    });

    it('refuses us: no certificate of our own', async () => {
      const database = closed.database();
      const uri = uriOf(closed, database, { authSource: 'admin' }, 'root:root@');
      const options = { tls: true, tlsCAFile: files.ca };
      const { result } = await assertRefused({ uri, options, secrets: ['root:root'] });
      assert.match(result.refusal, /Selection/);
      assert.strictEqual(await database.count('gsoevents'), 0);
    });
  });

  describe('a server whose certificate is for another name', { concurrency: 3 }, () => {
    it('is written to with tlsAllowInvalidCertificates', async () => {
      const database = misnamed.database();
      const options = { tls: true, tlsCAFile: files.ca, tlsAllowInvalidCertificates: true };
      await assertAdopted(database, { uri: uriOf(misnamed, database), options });
    });

    it('is refused, as the host refuses it', async () => {
      const database = misnamed.database();
      const options = { tls: true, tlsCAFile: files.ca };
      const { result } = await assertRefused({ uri: uriOf(misnamed, database), options });
      assert.match(result.refusal, /Selection/);
      assert.match(result.health.lastError.message, /certificate/);
    });

    it('is refused with tlsAllowInvalidHostnames, which a line names', async () => {
      const database = misnamed.database();
      const options = { tls: true, tlsCAFile: files.ca, tlsAllowInvalidHostnames: true };
      const end = await assertRefused({ uri: uriOf(misnamed, database), options });
      assert.strictEqual(end.result.refusal, undefined, 'the host connects');
      assert.match(end.lines.join('\n'), /cannot be adopted: tlsAllowInvalidHostnames/);
      assert.strictEqual(await database.count('gsoevents'), 0);
    });
  });
});
