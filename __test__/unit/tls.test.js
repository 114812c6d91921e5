// TLS settings of a mongoose connection, as they are handed to the native side.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { before, describe, it } = require('node:test');
const { describe: describeTls } = require('../../lib/mongoose/tls.js');
const { makeCertificates } = require('../support/certificates');

describe('TLS settings of mongoose', () => {
  let files;
  let read;

  before(async () => {
    files = await makeCertificates();
    read = (name) => fs.readFileSync(files[name], 'utf8');
  });

  it('pass files on as they are, also when the driver has read them', () => {
    const named = { tlsCAFile: files.ca, tlsCertificateKeyFile: files.client };
    const content = { ca: read('ca'), cert: read('client'), key: Buffer.from(read('client')) };
    const expected = {
      caFile: files.ca,
      certificateKeyFile: files.client,
      allowInvalidCertificates: false,
    };
    assert.deepStrictEqual(describeTls(named), expected);
    assert.deepStrictEqual(describeTls({ ...named, ...content }), expected);
  });

  it('pass text on, from text, buffers and views, one or several', () => {
    const text = read('ca');
    const view = new Uint8Array(Buffer.from(text));
    for (const ca of [text, Buffer.from(text), view, [text]]) {
      assert.strictEqual(describeTls({ ca }).ca, text);
    }
    assert.strictEqual(describeTls({ ca: [view, text] }).ca, `${text}\n${text}`);
  });

  it('prefer what is held in memory to what is in a file', () => {
    const { certificateKey, certificateKeyFile } = describeTls({
      tlsCertificateKeyFile: files.clientKey,
      cert: read('clientCert'),
    });
    assert.strictEqual(certificateKeyFile, undefined);
    assert.match(certificateKey, /BEGIN CERTIFICATE[\s\S]*BEGIN PRIVATE KEY/);
    assert.strictEqual(describeTls({ tlsCAFile: files.client, ca: read('ca') }).ca, read('ca'));
  });

  it('are taken from memory when a file is gone that the driver has read', () => {
    const ca = read('ca');
    assert.strictEqual(describeTls({ tlsCAFile: `${files.ca}.gone`, ca }).ca, ca);
  });

  it('decrypt keys, with the passphrase of all or with their own', () => {
    const cert = read('clientCert');
    const pem = read('encryptedKey');
    const { passphrase } = files;
    for (const options of [
      { cert, key: pem, passphrase },
      { cert, key: [{ pem: Buffer.from(pem), passphrase }] },
    ]) {
      assert.match(describeTls(options).certificateKey, /BEGIN PRIVATE KEY/);
    }
  });

  it('name what cannot be read', () => {
    const options = { cert: read('clientCert'), key: read('encryptedKey'), passphrase: 'wrong' };
    assert.deepStrictEqual(describeTls(options).unreadable, ['cert', 'key']);
  });
});
