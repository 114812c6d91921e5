/**
 * The host's mongoose: finds the copy that the host has loaded, reads how it connects, and registers
 * the three models that hosts ask it for. Never loads mongoose, never uses the host's own connection.
 */
'use strict';

const FILE = /[\\/]mongoose[\\/](?:lib[\\/])?index\.js$/;
const CONNECTED = 1;
const CONNECTING = 2;

const COUNTERS = [
  'dau',
  'newUsers',
  'creditsEarned',
  'creditsSpent',
  'gemsEarned',
  'gemsSpent',
  'gemsPurchased',
  'stripeRevenue',
  'dungeonsRun',
  'craftsCompleted',
  'pvpBattles',
  'raidBattles',
  'marketSales',
  'totalSessionS',
  'sessionCount',
];

/** Copies of mongoose that this process has loaded. */
function loadedCopies() {
  const found = new Set();
  for (const file of Object.keys(require.cache)) {
    if (!FILE.test(file)) continue;
    const exported = require.cache[file]?.exports;
    const mongoose = isMongoose(exported) ? exported : exported?.default;
    if (isMongoose(mongoose)) found.add(mongoose);
  }
  return [...found];
}

function isMongoose(value) {
  return typeof value?.model === 'function' && typeof value.connection?.readyState === 'number';
}

/** Whether `connect()` was called on this connection, so that all its settings can be read. */
function isConnecting(connection) {
  const { readyState } = connection;
  return (readyState === CONNECTED || readyState === CONNECTING) && wasConnecting(connection);
}

/** The same, also when it was closed since: the settings stay. */
function wasConnecting(connection) {
  return connection.client?.options !== undefined;
}

/** The settings of a connection, in the form that the native side reads. */
function describe(connection) {
  const { options } = connection.client;
  const { credentials } = options;
  return {
    hosts: (options.hosts ?? []).map(String),
    srvHost: options.srvHost,
    username: credentials?.username || undefined,
    password: credentials?.password || undefined,
    authSource: credentials?.source,
    authMechanism: credentials ? String(credentials.mechanism) : undefined,
    tls: options.tls ? tls(options) : undefined,
    replicaSet: options.replicaSet,
    directConnection: options.directConnection,
    loadBalanced: options.loadBalanced,
    database: databaseOf(connection, options),
  };
}

/** `name` is that of an earlier connection until this one is up, except where `useDb()` chose it. */
function databaseOf(connection, options) {
  const isSettled = connection.readyState !== CONNECTING || connection._parent !== undefined;
  return (isSettled ? connection.name : undefined) ?? connection.$dbName ?? options.dbName;
}

function tls(options) {
  return {
    caFile: options.tlsCAFile,
    certificateKeyFile: options.tlsCertificateKeyFile,
    allowInvalidCertificates: options.rejectUnauthorized === false,
  };
}

/** Registers the models that the host does not have yet; none of them touches the database. */
function registerModels(mongoose, collections) {
  const { String: text, Date: date, Number: number, Mixed } = mongoose.Schema.Types;
  const zeros = Object.fromEntries(COUNTERS.map((name) => [name, { type: number, default: 0 }]));
  register(mongoose, 'GSOSession', collections.sessions, {
    userId: { type: text, required: true },
    username: text,
    loginAt: { type: date, default: Date.now },
    logoutAt: { type: date, default: null },
    durationS: { type: number, default: 0 },
    day: text,
    month: text,
  });
  register(mongoose, 'GSODaily', collections.daily, {
    day: { type: text, required: true },
    month: { type: text, required: true },
    ...zeros,
    _a: { type: Mixed, select: false },
  });
  register(mongoose, 'GSOEvent', collections.events, {
    ts: { type: date, default: Date.now },
    userId: text,
    event: text,
    data: { type: Mixed, default: {} },
    day: text,
  });
}

function register(mongoose, name, collection, fields) {
  if (mongoose.models[name] !== undefined) return;
  const settings = { autoIndex: false, autoCreate: false, collection };
  mongoose.model(name, new mongoose.Schema(fields, settings));
}

module.exports = {
  loadedCopies,
  isMongoose,
  isConnecting,
  wasConnecting,
  describe,
  registerModels,
};
