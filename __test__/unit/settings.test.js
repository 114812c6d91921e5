// Settings of a mongoose connection: which are adopted, which need not be, and which are named.
'use strict';

const assert = require('node:assert');
const { createRequire } = require('node:module');
const { describe, it } = require('node:test');
const { describe: describeSettings, unadoptable } = require('../../lib/mongoose/settings.js');
const { loadBinary } = require('../../lib/loader.js');

const harmless = new Set(loadBinary().harmlessOptions());
const URI = 'mongodb://user:secret@127.0.0.1:1/db';
/** Options that lead elsewhere, or trust others, and are not adopted. */
const NAMED = {
  lookup: () => undefined,
  servername: 'other.test',
  localAddress: '127.0.0.1',
  localPort: 1,
  pfx: Buffer.from('pfx'),
  crl: 'crl',
  tlsCRLFile: 'crl.pem',
  secureContext: {},
  ciphers: 'AES256-SHA',
  secureProtocol: 'TLSv1_2_method',
  proxyHost: 'socks.test',
  connectionType: class {},
};

for (const name of ['mongoose', 'mongoose8']) {
  const { MongoClient } = createRequire(require.resolve(name))('mongodb');
  const connection = (options = {}, uri = URI) => ({ client: new MongoClient(uri, options) });

  describe(`the settings of a connection, driver of ${name}`, () => {
    it('that only has defaults are all adopted or without harm', () => {
      assert.deepStrictEqual(unadoptable(connection(), harmless), []);
      const tls = connection({ tls: true, ca: 'ca', cert: 'cert', key: 'key', passphrase: 'x' });
      assert.deepStrictEqual(unadoptable(tls, harmless), []);
      const srv = connection({}, 'mongodb+srv://cluster.example.org/');
      assert.deepStrictEqual(unadoptable(srv, harmless), []);
    });

    for (const [option, value] of Object.entries(NAMED)) {
      it(`are named if they cannot be adopted: ${option}`, () => {
        assert.deepStrictEqual(unadoptable(connection({ [option]: value }), harmless), [option]);
      });
    }

    it('are named if they cannot be adopted, an option that this package has never heard of', () => {
      const client = { options: { ...connection().client.options, teleport: true } };
      assert.deepStrictEqual(unadoptable({ client }, harmless), ['teleport']);
    });

    it('are named all at once', () => {
      const both = connection({ tls: true, servername: 'x', tlsAllowInvalidHostnames: true });
      const names = unadoptable(both, harmless).sort();
      assert.deepStrictEqual(names, ['servername', 'tlsAllowInvalidHostnames']);
    });

    it('hold the stable API that the host declares', () => {
      const serverApi = { version: '1', strict: true, deprecationErrors: false };
      const { serverApi: adopted } = describeSettings(connection({ serverApi }));
      const expected = { apiVersion: '1', apiStrict: true, apiDeprecationErrors: false };
      assert.deepStrictEqual(adopted, expected);
      assert.strictEqual(describeSettings(connection()).serverApi, undefined);
    });
  });
}
