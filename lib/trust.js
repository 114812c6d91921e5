/**
 * Authorities that TLS connections of this process trust: those that Node brings along, those of OpenSSL
 * or of the system where the host has chosen them, and those of `NODE_EXTRA_CA_CERTS`.
 *
 * Loads modules of Node that a host without TLS does not need: call it only for a connection with TLS.
 */
'use strict';

const fs = require('node:fs');
const path = require('node:path');

/** Where builds of Node look for the store of OpenSSL, unless `SSL_CERT_FILE`, `SSL_CERT_DIR` name it. */
const STORE_FILES = ['/etc/ssl/cert.pem', '/etc/pki/tls/cert.pem'];
const STORE_FOLDERS = ['/etc/ssl/certs', '/etc/pki/tls/certs'];
/** OpenSSL finds a certificate in a folder by the hash of its subject. */
const HASHED = /^[0-9a-f]{8}\.\d+$/;

/**
 * One text with the certificates in PEM.
 *
 * @returns {string | undefined} undefined: those that Node brings along, which the native side has too
 */
function authorities() {
  const tls = require('node:tls');
  if (usesOpenSslStore()) return joined([...openSslStore(), ...extra()]);
  // From Node 22.15 on.
  const { getCACertificates } = /** @type {any} */ (tls);
  const own = tls.rootCertificates;
  const trusted = getCACertificates?.('default') ?? [...own, ...extra()];
  const isOwn = trusted.length === own.length && own.every((one, i) => one === trusted[i]);
  return isOwn ? undefined : joined(trusted);
}

/** The last flag counts, and a build of Node may have its own default. */
function usesOpenSslStore() {
  const { execArgv, env, config } = process;
  const defines = /** @type {any} */ (config.target_defaults).defines ?? [];
  const flags = [...(env.NODE_OPTIONS ?? '').split(/[\s"]+/), ...execArgv];
  const choices = flags.map((flag) => flag.replaceAll('_', '-'));
  const chosen = choices.findLast((flag) => /^--use-(?:openssl|bundled)-ca$/.test(flag));
  if (chosen !== undefined) return chosen === '--use-openssl-ca';
  return defines.includes('NODE_OPENSSL_CERT_STORE');
}

function openSslStore() {
  const { SSL_CERT_FILE: file, SSL_CERT_DIR: folders } = process.env;
  const hashed = (folders?.split(path.delimiter) ?? STORE_FOLDERS).flatMap((folder) =>
    namesIn(folder)
      .filter((name) => HASHED.test(name))
      .map((name) => path.join(folder, name)),
  );
  return [...(file === undefined ? STORE_FILES : [file]), ...hashed].flatMap(contentOf);
}

function extra() {
  const file = process.env.NODE_EXTRA_CA_CERTS;
  return file ? contentOf(file) : [];
}

/**
 * As OpenSSL, which leaves out what it cannot read; Node itself warns of `NODE_EXTRA_CA_CERTS`.
 *
 * @param {string} file
 */
function contentOf(file) {
  try {
    return [fs.readFileSync(file, 'utf8')];
  } catch {
    return [];
  }
}

/** @param {string} folder */
function namesIn(folder) {
  try {
    return fs.readdirSync(folder);
  } catch {
    return [];
  }
}

/** @param {string[]} texts */
function joined(texts) {
  return texts.join('\n');
}

/** A line about what this process trusts and this package does not. */
function untrusted() {
  if (process.env.NODE_TLS_REJECT_UNAUTHORIZED !== '0') return undefined;
  return (
    'NODE_TLS_REJECT_UNAUTHORIZED=0 is not followed: certificates of MongoDB and of destinations are ' +
    'verified, and records wait for a server whose certificate is refused; name its authority in ' +
    'NODE_EXTRA_CA_CERTS'
  );
}

module.exports = { authorities, untrusted };
