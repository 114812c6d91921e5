// What a mongod that asks for passwords or certificates is started with, and what its clients need.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { MongoClient } = require('./driver');

/** Who may do everything on a server started with `auth`. */
const ROOT = { username: 'root', password: 'root' };
const ROOT_TIMEOUT_MS = 30_000;

/**
 * `auth: true` asks for passwords. `tls: { certificateKeyFile, caFile, asksForCertificate, client }`
 * speaks TLS only: the server's own files, whether clients must show a certificate, and the options
 * of the driver with which the tests themselves connect.
 */
class Security {
  constructor({ auth = false, tls } = {}) {
    this.auth = auth;
    this.tls = tls;
    this.key = crypto.randomBytes(96).toString('base64');
  }

  /** `folder` is the server's own, removed with it. */
  arguments(folder, { isMember = false } = {}) {
    return [
      ...(this.auth ? this.authArguments(folder, isMember) : []),
      ...(this.tls ? this.tlsArguments() : []),
    ];
  }

  authArguments(folder, isMember) {
    if (!isMember) return ['--auth'];
    const file = path.join(folder, 'members.key');
    fs.writeFileSync(file, this.key, { mode: 0o600 });
    return ['--auth', '--keyFile', file];
  }

  tlsArguments() {
    const { certificateKeyFile, caFile, asksForCertificate } = this.tls;
    return [
      ...['--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', certificateKeyFile],
      ...(caFile ? ['--tlsCAFile', caFile] : []),
      ...(caFile && !asksForCertificate ? ['--tlsAllowConnectionsWithoutCertificates'] : []),
    ];
  }

  /** Options of the driver for commands that need no user. */
  get clientOptions() {
    return this.tls ? { tls: true, ...this.tls.client } : {};
  }

  /** The first user of a server may be made by anybody on the same machine. */
  async createRoot(uri) {
    if (!this.auth) return;
    const options = { ...this.clientOptions, serverSelectionTimeoutMS: ROOT_TIMEOUT_MS };
    const client = new MongoClient(uri, options);
    try {
      const { username: createUser, password: pwd } = ROOT;
      await client.db('admin').command({ createUser, pwd, roles: ['root'] });
    } finally {
      await client.close();
    }
  }

  /** The connection string with which the tests themselves may do everything. */
  uri(hosts, parameters = {}) {
    const user = this.auth ? `${ROOT.username}:${ROOT.password}@` : '';
    const all = { ...parameters, ...(this.auth && { authSource: 'admin' }), ...this.clientOptions };
    const query = new URLSearchParams(all).toString();
    return `mongodb://${user}${hosts}${query && `/?${query}`}`;
  }
}

module.exports = { Security };
