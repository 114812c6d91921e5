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

function authorities({ tlsCAFile: file, ca }) {
  if (isWhole(file, ca)) return { caFile: file };
  return { ca: ca ? texts(ca) : authoritiesOfNode() };
}

/** Whether the file says all: what was given beside it comes first. */
function isWhole(file, value) {
  if (!file) return false;
  try {
    return value === undefined || texts(value) === fs.readFileSync(file, 'utf8');
  } catch {
    // It is gone since the host's driver has read it.
    return false;
  }
}

/** What this process trusts, if that is not what Node brings along. */
function authoritiesOfNode() {
  if (tls.getCACertificates !== undefined) {
    const trusted = tls.getCACertificates('default');
    return trusted.length === tls.rootCertificates.length ? undefined : texts(trusted);
  }
  const extra = process.env.NODE_EXTRA_CA_CERTS;
  if (!extra) return undefined;
  try {
    return texts([...tls.rootCertificates, fs.readFileSync(extra)]);
  } catch {
    // Node has warned of the file when it started.
    return undefined;
  }
}

/** Certificate and key: the file that holds both, or, if it does not or is encrypted, their text. */
function clientCertificate(options) {
  const { tlsCertificateKeyFile: file } = options;
  const passphrase = options.passphrase ?? options.tlsCertificateKeyFilePassword;
  try {
    const isFile = isWhole(file, options.cert) && isWhole(file, options.key);
    if (isFile && passphrase === undefined) return { certificateKeyFile: file };
    const cert = options.cert ?? (file && fs.readFileSync(file));
    const key = options.key ?? (file && fs.readFileSync(file));
    if (!cert || !key) return {};
    return { certificateKey: `${certificatesOf(cert)}\n${decrypted(key, passphrase)}` };
  } catch {
    return { unreadable: ['cert', 'key'] };
  }
}

function certificatesOf(cert) {
  return (texts(cert).match(CERTIFICATES) ?? []).join('\n');
}

/** A key may bring a passphrase of its own; of several the first is used. */
function decrypted(keys, passphrase) {
  const [first] = [keys].flat();
  const { pem = first, passphrase: own = passphrase } = first;
  const privateKey = createPrivateKey({ key: texts(pem), format: 'pem', passphrase: own });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/** One text of one or several texts or buffers. */
function texts(value) {
  return [value].flat().map(text).join('\n');
}

function text(value) {
  if (!ArrayBuffer.isView(value)) return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

module.exports = { describe };
