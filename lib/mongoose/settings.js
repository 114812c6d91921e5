/**
 * Settings of a mongoose connection, in the form that the native side reads.
 *
 * The host's connection itself is never used. Until a connection has opened, some of its settings are
 * not final; `isConnecting` says when they are.
 */
'use strict';

/**
 * A connection of any version of mongoose.
 *
 * @typedef {any} Connection
 *
 * Settings as the native side reads them. What is undefined was not given.
 *
 * @typedef {object} Settings
 * @property {string[]} hosts
 * @property {string} [srvHost]
 * @property {string} [srvServiceName]
 * @property {number} [srvMaxHosts]
 * @property {string} [username]
 * @property {string} [password]
 * @property {string} [authSource]
 * @property {string} [authMechanism]
 * @property {import('./tls.js').TlsSettings} [tls]
 * @property {string} [replicaSet]
 * @property {boolean} [directConnection]
 * @property {boolean} [loadBalanced]
 * @property {{ apiVersion: string, apiStrict?: boolean, apiDeprecationErrors?: boolean }} [serverApi]
 * @property {string} [database]
 * @property {ReturnType<typeof import('./models.js').collectionNames>} [collections]
 */

const CONNECTED = 1;
const CONNECTING = 2;

/**
 * Whether `connect()` was called on this connection, and all its settings can be read.
 *
 * @param {Connection} connection
 */
function isConnecting(connection) {
  const { readyState } = connection;
  if (readyState === CONNECTED) return wasConnecting(connection);
  return readyState === CONNECTING && wasConnecting(connection) && !awaitsSettings(connection);
}

/** @param {Connection} connection */
function awaitsSettings(connection) {
  return awaitsRecords(connection.client.options) || awaitsName(connection);
}

/**
 * The name that an earlier `connect()` was given stays until this connection is up.
 *
 * @param {Connection} connection
 */
function awaitsName({ _hasOpened, $dbName, _parent }) {
  return _hasOpened === true && $dbName !== undefined && _parent === undefined;
}

/**
 * DNS records may still change the source of the credentials and the replica set.
 *
 * @param {{ srvHost?: string, hosts?: unknown[] }} options
 */
function awaitsRecords({ srvHost, hosts }) {
  return srvHost !== undefined && (hosts ?? []).length === 0;
}

/**
 * Whether `connect()` was called, also if it failed or the connection was closed since: the settings stay.
 *
 * @param {Connection} connection
 */
function wasConnecting(connection) {
  return connection.client?.options !== undefined;
}

/**
 * @param {Connection} connection
 * @returns {Settings}
 */
function describe(connection) {
  const { options } = connection.client;
  const { credentials } = options;
  return {
    hosts: (options.hosts ?? []).map(String),
    srvHost: options.srvHost,
    srvServiceName: options.srvServiceName,
    srvMaxHosts: options.srvMaxHosts,
    username: textOf(credentials?.username),
    password: textOf(credentials?.password),
    authSource: credentials?.source,
    authMechanism: credentials ? String(credentials.mechanism) : undefined,
    // Loads modules of Node that a host without TLS does not need.
    tls: options.tls ? require('./tls.js').describe(options) : undefined,
    replicaSet: options.replicaSet,
    directConnection: options.directConnection,
    loadBalanced: options.loadBalanced,
    serverApi: serverApiOf(options),
    database: databaseOf(connection, options),
  };
}

/**
 * Credentials that come from a file or a variable may be numbers; those without text are none.
 *
 * @param {unknown} value
 */
function textOf(value) {
  return value ? String(value) : undefined;
}

/**
 * The stable API that the host declares, under the names of its commands.
 *
 * @param {{ serverApi?: any }} options
 */
function serverApiOf({ serverApi }) {
  if (serverApi == null) return undefined;
  const { version, strict, deprecationErrors } = serverApi;
  return { apiVersion: version, apiStrict: strict, apiDeprecationErrors: deprecationErrors };
}

/**
 * `name` is that of an earlier connection until this one is up, except where `useDb()` chose it.
 *
 * @param {Connection} connection
 * @param {{ dbName?: string }} options
 */
function databaseOf(connection, options) {
  const isSettled = connection.readyState !== CONNECTING || connection._parent !== undefined;
  return (isSettled ? connection.name : undefined) ?? connection.$dbName ?? options.dbName;
}

/** Options that are adopted, or that the driver derives from others. */
const ADOPTED = new Set([
  ...['hosts', 'srvHost', 'srvServiceName', 'srvMaxHosts', 'replicaSet', 'directConnection'],
  ...[
    'loadBalanced',
    'serverApi',
    'credentials',
    'auth',
    'dbName',
    'ca',
    'cert',
    'key',
    'passphrase',
  ],
  ...['tlsCertificateKeyFilePassword', 'rejectUnauthorized'],
  ...['userSpecifiedAuthSource', 'userSpecifiedReplicaSet', 'mongoLoggerOptions', 'runtime'],
  ...['metadata', 'extendedMetadata', 'additionalDriverInfo'],
]);

/**
 * Names of the settings that cannot be adopted, and may lead elsewhere than the host.
 *
 * @param {Connection} connection
 * @param {Set<string>} harmless names of options without which a connection leads to the same servers
 * @returns {string[]}
 */
function unadoptable(connection, harmless) {
  const { checkServerIdentity, credentials, ...options } = connection.client.options;
  const given = Object.keys(options).filter(
    (name) => options[name] != null && !ADOPTED.has(name) && !harmless.has(name),
  );
  // Where the certificate is not looked at, its host name is not either.
  if (checkServerIdentity && options.rejectUnauthorized !== false) {
    given.push('tlsAllowInvalidHostnames');
  }
  const properties = Object.values(credentials?.mechanismProperties ?? {});
  const isSet = (/** @type {unknown} */ value) =>
    value !== undefined && value !== false && !Array.isArray(value);
  if (properties.some(isSet)) given.push('authMechanismProperties');
  return given;
}

/**
 * Text that differs between databases. The hosts of an SRV record may be known yet or not.
 *
 * @param {Settings} settings
 */
function identityOf(settings) {
  const { hosts, ...rest } = settings;
  return JSON.stringify(settings.srvHost === undefined ? settings : rest);
}

module.exports = { describe, identityOf, isConnecting, unadoptable, wasConnecting };
