/** TLS settings of a mongoose connection, in the form that the native side reads. */
'use strict';

const { createPrivateKey } = require('node:crypto');
const fs = require('node:fs');
const tls = require('node:tls');

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** `options` are those of the host's driver, which fills in `ca`, `cert` and `key` from files. */
function describe(options) {
  return {
    ...authorities(options),
    ...clientCertificate(options),
    allowInvalidCertificates: options.rejectUnauthorized === false,
  };
}

function authorities({ tlsCAFile, ca }) {
  if (tlsCAFile) return { caFile: tlsCAFile };
  return { ca: ca ? pem(ca) : authoritiesOfNode() };
}

/** What this process trusts, if that is not what Node brings along. */
function authoritiesOfNode() {
  if (tls.getCACertificates !== undefined) {
    const trusted = tls.getCACertificates('default');
    return trusted.length === tls.rootCertificates.length ? undefined : pem(trusted);
  }
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  if (!extra) return undefined;
  try {
    return pem([...tls.rootCertificates, fs.readFileSync(extra)]);
  } catch {
    // Node has warned of the file when it started.
    return undefined;
  }
}

/** Certificate and key: as the file that holds both, unless there is none or it is encrypted. */
function clientCertificate(options) {
  const { tlsCertificateKeyFile: file } = options;
  const passphrase = options.passphrase ?? options.tlsCertificateKeyFilePassword;
  if (file && passphrase === undefined) return { certificateKeyFile: file };
  try {
    const both = file && fs.readFileSync(file);
    const cert = both || options.cert;
    const key = both || options.key;
    if (!cert || !key) return {};
    return { certificateKey: `${certificatesOf(cert)}\n${decrypted(key, passphrase)}` };
  } catch {
    // What cannot be read here cannot be read by the host's driver either: neither connects.
    return {};
  }
}

function certificatesOf(cert) {
  return (pem(cert).match(CERTIFICATES) ?? []).join('\n');
}

function decrypted(key, passphrase) {
  const privateKey = createPrivateKey({ key: pem(key), format: 'pem', passphrase });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** One text of one or several texts or buffers. */
function pem(value) {
  return [value].flat().map(String).join('\n');
}

module.exports = { describe };
