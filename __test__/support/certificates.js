// Certificates for one test run, in a temporary folder: two authorities that know nothing of each
// other, and what each of them signed.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const selfsigned = require('selfsigned');

const KEYS = { keyType: 'ec', algorithm: 'sha256' };
const PASSPHRASE = 'key of the key';
const CA_EXTENSIONS = [
  { name: 'basicConstraints', cA: true, critical: true },
  { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
];
const SERVER_EXTENSIONS = [
  { name: 'basicConstraints', cA: false },
  { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
  {
    name: 'subjectAltName',
    altNames: [
      { type: 2, value: 'localhost' },
      { type: 7, ip: '127.0.0.1' },
    ],
  },
];
const CLIENT_EXTENSIONS = [
  { name: 'basicConstraints', cA: false },
  { name: 'extKeyUsage', clientAuth: true },
];
/** For a name that no test server is reached by. */
const STRANGER_EXTENSIONS = [
  ...SERVER_EXTENSIONS.slice(0, 2),
  { name: 'subjectAltName', altNames: [{ type: 2, value: 'elsewhere.test' }] },
];

/**
 * Paths of PEM files: `ca`, `server` (certificate and key), `strangerServer` (the same for another
 * host name), `client` (both), `clientCert`, `clientKey`, `encryptedClient` and `encryptedKey` (for
 * `passphrase`); `foreignCa` signed none of them. They are gone when this process ends.
 */
async function makeCertificates() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-certificates-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true, force: true }));
  const write = (name, ...parts) => {
    const file = path.join(folder, `${name}.pem`);
    fs.writeFileSync(file, parts.join('\n'), { mode: 0o600 });
    return file;
  };
  const [ca, foreignCa] = await Promise.all([authority('gso test ca'), authority('foreign ca')]);
  const [server, strangerServer, client] = await Promise.all([
    signed(ca, 'server', SERVER_EXTENSIONS),
    signed(ca, 'stranger', STRANGER_EXTENSIONS),
    signed(ca, 'client', CLIENT_EXTENSIONS),
  ]);
  const encrypted = encrypt(client.private);
  return {
    passphrase: PASSPHRASE,
    clientSubject: 'CN=client',
    ca: write('ca', ca.cert),
    foreignCa: write('foreign-ca', foreignCa.cert),
    server: write('server', server.cert, server.private),
    strangerServer: write('stranger', strangerServer.cert, strangerServer.private),
    client: write('client', client.cert, client.private),
    clientCert: write('client-cert', client.cert),
    clientKey: write('client-key', client.private),
    encryptedClient: write('encrypted-client', client.cert, encrypted),
    encryptedKey: write('encrypted-key', encrypted),
  };
}

function authority(commonName) {
  return selfsigned.generate(named(commonName), { ...KEYS, extensions: CA_EXTENSIONS });
}

function signed(ca, commonName, extensions) {
  const by = { key: ca.private, cert: ca.cert };
  return selfsigned.generate(named(commonName), { ...KEYS, extensions, ca: by });
}

function named(value) {
  return [{ name: 'commonName', value }];
}

function encrypt(pem) {
  const cipher = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE };
  return crypto.createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', ...cipher });
}

module.exports = { makeCertificates };
