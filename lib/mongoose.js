/**
 * The host's mongoose: finds the copy that the host has loaded, reads how it connects, and registers
 * the three models that hosts ask it for. Never loads mongoose, never uses the host's own connection.
 */
'use strict';

const Module = require('node:module');

/** In every mongoose, whatever its folder is called: packages can be installed under an alias. */
const INNER_FILE = /([\\/])lib[\\/]drivers[\\/]node-mongodb-native[\\/]connection\.js$/;
const CONNECTED = 1;
const CONNECTING = 2;
/** Events are kept for 7 days. */
const EVENT_TTL_S = 604_800;

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
  // Jest has a cache of its own; code that came through a loader of ES modules may see none.
  const cache = require.cache ?? Module._cache ?? {};
  const found = new Set();
  for (const file of Object.keys(cache)) {
    if (!INNER_FILE.test(file)) continue;
    const mongoose = entriesAround(file)
      .map((entry) => cache[entry]?.exports)
      .find(isMongoose);
    if (mongoose !== undefined) found.add(mongoose);
  }
  return [...found];
}

/** The files through which the mongoose that `innerFile` belongs to is loaded. */
function entriesAround(innerFile) {
  const [end, separator] = INNER_FILE.exec(innerFile);
  const folder = innerFile.slice(0, -end.length);
  return [['index.js'], ['lib', 'index.js']].map((names) => [folder, ...names].join(separator));
}

function isMongoose(value) {
  return typeof value?.model === 'function' && typeof value.connection?.readyState === 'number';
}

/** Whether `connect()` was called on this connection, and all its settings can be read. */
function isConnecting(connection) {
  const { readyState } = connection;
  if (readyState === CONNECTED) return wasConnecting(connection);
  return readyState === CONNECTING && wasConnecting(connection) && !awaitsSettings(connection);
}

function awaitsSettings(connection) {
  return awaitsRecords(connection.client.options) || awaitsName(connection);
}

/** A name that an earlier `connect()` was given stays; only when this one is up it shows. */
function awaitsName({ _hasOpened, $dbName, _parent }) {
  return _hasOpened === true && $dbName !== undefined && _parent === undefined;
}

/** DNS records may still change the source of the credentials and the replica set. */
function awaitsRecords({ srvHost, hosts }) {
  return srvHost !== undefined && (hosts ?? []).length === 0;
}

/** Whether `connect()` was called, also when it failed, or was closed since: the settings stay. */
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
    srvServiceName: options.srvServiceName,
    srvMaxHosts: options.srvMaxHosts,
    username: credentials?.username || undefined,
    password: credentials?.password || undefined,
    authSource: credentials?.source,
    authMechanism: credentials ? String(credentials.mechanism) : undefined,
    // Loads modules of Node that a host without TLS does not need.
    tls: options.tls ? require('./tls.js').describe(options) : undefined,
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

/**
 * Registers the models that the host does not have yet. They touch nothing by themselves, but know
 * the indexes: a host's `syncIndexes()` must not take them for strangers.
 */
function registerModels(mongoose, collections = {}) {
  const { String: text, Date: date, Number: number, Mixed } = mongoose.Schema.Types;
  const zeros = Object.fromEntries(COUNTERS.map((name) => [name, { type: number, default: 0 }]));
  const add = (name, collection, fields, indexes) => {
    if (mongoose.models[name] !== undefined) return;
    const settings = { autoIndex: false, autoCreate: false, ...(collection && { collection }) };
    const schema = new mongoose.Schema(fields, settings);
    for (const index of indexes) schema.index(...index);
    mongoose.model(name, schema);
  };
  add(
    'GSOSession',
    collections.sessions,
    {
      userId: { type: text, required: true },
      username: text,
      loginAt: { type: date, default: Date.now },
      logoutAt: { type: date, default: null },
      durationS: { type: number, default: 0 },
      day: text,
      month: text,
    },
    [[{ userId: 1 }], [{ day: 1 }], [{ month: 1 }], [{ day: 1, userId: 1 }]],
  );
  add(
    'GSODaily',
    collections.daily,
    {
      day: { type: text, required: true },
      month: { type: text, required: true },
      ...zeros,
      _a: { type: Mixed, select: false },
    },
    [[{ day: 1 }, { unique: true }], [{ month: 1 }]],
  );
  add(
    'GSOEvent',
    collections.events,
    {
      ts: { type: date, default: Date.now },
      userId: text,
      event: text,
      data: { type: Mixed, default: {} },
      day: text,
    },
    [[{ ts: 1 }, { expireAfterSeconds: EVENT_TTL_S }], [{ userId: 1 }], [{ event: 1 }]],
  );
}

/** Where the models keep their documents: the host may have made them, or named things its way. */
function collectionNames({ models = {} }) {
  const nameOf = (model) => models[model]?.collection?.collectionName;
  return { sessions: nameOf('GSOSession'), daily: nameOf('GSODaily'), events: nameOf('GSOEvent') };
}

/** Settings of a connection that cannot be adopted, by name. */
function unadoptable(connection) {
  const { options } = connection.client;
  const given = {
    pfx: options.pfx,
    crl: options.crl,
    secureContext: options.secureContext,
    // Where the certificate is not looked at, its host name is not either.
    tlsAllowInvalidHostnames: options.checkServerIdentity && options.rejectUnauthorized !== false,
    proxyHost: options.proxyHost,
    authMechanismProperties: Object.values(options.credentials?.mechanismProperties ?? {}).some(
      (value) => value !== undefined && value !== false && !Array.isArray(value),
    ),
  };
  return Object.keys(given).filter((name) => given[name]);
}

module.exports = {
  loadedCopies,
  isMongoose,
  isConnecting,
  wasConnecting,
  describe,
  collectionNames,
  unadoptable,
  registerModels,
};
