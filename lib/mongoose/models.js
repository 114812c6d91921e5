/**
 * Models of mongoose that hosts of the replaced class ask for: `GSOSession`, `GSODaily`, `GSOEvent`.
 *
 * A model of the host's own is kept. A model registered here creates no collection and no index.
 */
'use strict';

const { loadedCopies } = require('./discovery.js');

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

/** Models of daily documents that were made here. */
const dailyModels = new WeakSet();

/**
 * Registers the models that the host does not have yet. They know the indexes of this package, so that
 * the host's `syncIndexes()` does not drop them. A model of daily documents that was registered before gets the
 * totals that it lacks.
 *
 * @param {import('./discovery.js').Mongoose} mongoose
 * @param {import('../../index.js').Collections} [collections]
 * @param {string[]} [ownTotals]
 */
function registerModels(mongoose, collections = {}, ownTotals = []) {
  const { String: text, Date: date, Number: number, Mixed } = mongoose.Schema.Types;
  /** @type {(names: string[]) => object} */
  const zeros = (names) =>
    Object.fromEntries(names.map((name) => [name, { type: number, default: 0 }]));
  /**
   * @param {string} name
   * @param {string | undefined} collection
   * @param {object} fields
   * @param {object[][]} indexes
   */
  const add = (name, collection, fields, indexes) => {
    if (mongoose.models[name] !== undefined) return;
    const settings = { autoIndex: false, autoCreate: false, ...(collection && { collection }) };
    const schema = new mongoose.Schema(fields, settings);
    for (const index of indexes) schema.index(...index);
    return mongoose.model(name, schema);
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
  const daily = add(
    'GSODaily',
    collections.daily,
    {
      day: { type: text, required: true },
      month: { type: text, required: true },
      ...zeros(COUNTERS),
      _a: { type: Mixed, select: false },
    },
    [[{ day: 1 }, { unique: true }], [{ month: 1 }]],
  );
  if (daily) dailyModels.add(daily);
  addTotals(mongoose.models.GSODaily, zeros(ownTotals));
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

/**
 * Adds the paths that a model lacks, if it was made here. A name that documents of mongoose use themselves, as
 * `save`, would break them, and gets none.
 *
 * @param {any} model
 * @param {object} paths
 */
function addTotals(model, paths) {
  if (!dailyModels.has(model)) return;
  const lacking = Object.entries(paths).filter(([name]) => !(name in model.prototype));
  if (lacking.length === 0) return;
  model.schema.add(Object.fromEntries(lacking));
  model.recompileSchema();
}

/**
 * Names of the collections of the models, which the host may have made, and named its way.
 *
 * @param {import('./discovery.js').Mongoose} mongoose
 */
function collectionNames({ models = {} }) {
  /** @type {(model: string) => string | undefined} */
  const nameOf = (model) => models[model]?.collection?.collectionName;
  return { sessions: nameOf('GSOSession'), daily: nameOf('GSODaily'), events: nameOf('GSOEvent') };
}

/** Registers the models in every loaded mongoose, as hosts expect when they require this package. */
function registerModelsNow() {
  for (const copy of loadedCopies()) registerModels(copy);
}

module.exports = { collectionNames, registerModels, registerModelsNow };
