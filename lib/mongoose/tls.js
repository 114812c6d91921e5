/**
 * TLS settings of a mongoose connection, in the form that the native side reads.
 *
 * Certificates and keys go over as text, unless one file holds all of what the host's driver has read.
 */
'use strict';

const { createPrivateKey } = require('node:crypto');
const fs = require('node:fs');
const trust = require('../trust.js');

/**
 * @typedef {{ [name: string]: any }} DriverOptions
 *
 * @typedef {object} TlsSettings
 * @property {string} [caFile]
 * @property {string} [ca]
 * @property {string} [certificateKeyFile]
 * @property {string} [certificateKey]
 * @property {boolean} allowInvalidCertificates
 * @property {string[]} [unreadable] names of what could not be read
 */

const CERTIFICATES = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/**
 * @param {DriverOptions} options of the host's driver, which fills in `ca`, `cert` and `key` from files
 * @returns {TlsSettings}
 */
function describe(options) {
  return {
    ...authorities(options),
    ...clientCertificate(options),
    allowInvalidCertificates: options.rejectUnauthorized === false,
  };
}

/** @param {DriverOptions} options */
function authorities({ tlsCAFile: file, ca }) {
  if (isWhole(file, ca)) return { caFile: file };
  return { ca: ca ? texts(ca) : trust.authorities() };
}

/**
 * Whether the file holds all: what was given beside it comes first.
 *
 * @param {string | undefined} file
 * @param {unknown} value
 */
function isWhole(file, value) {
  if (!file) return false;
  try {
    return value === undefined || texts(value) === fs.readFileSync(file, 'utf8');
  } catch {
    // It is gone since the host's driver has read it.
    return false;
  }
}

/**
 * Certificate and key: the file that holds both, or, if it does not or is encrypted, their text.
 *
 * @param {DriverOptions} options
 */
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

/** @param {unknown} cert */
function certificatesOf(cert) {
  return (texts(cert).match(CERTIFICATES) ?? []).join('\n');
}

/**
 * A key may bring a passphrase of its own; of several the first is used.
 *
 * @param {any} keys
 * @param {string | undefined} passphrase
 */
function decrypted(keys, passphrase) {
  const [first] = [keys].flat();
  const { pem = first, passphrase: own = passphrase } = first;
  const privateKey = createPrivateKey({ key: texts(pem), format: 'pem', passphrase: own });
  return privateKey.export({ type: 'pkcs8', format: 'pem' });
}

/**
 * One text of one or several texts or buffers.
 *
 * @param {unknown} value
 */
function texts(value) {
  return [value].flat().map(text).join('\n');
}

/** @param {unknown} value */
function text(value) {
  if (!ArrayBuffer.isView(value)) return String(value);
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}

module.exports = { describe };
