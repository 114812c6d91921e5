// JavaScript values as JSON, so that a scenario can be printed and sent to both sides: scalars,
// arrays and plain objects stand for themselves, `{ $: kind, … }` for everything else.
'use strict';

const scalars = {
  undefined: () => undefined,
  nan: () => NaN,
  infinity: ({ sign }) => sign * Infinity,
  '-0': () => -0,
  bigint: ({ value }) => BigInt(value),
  symbol: ({ value }) => Symbol(value),
  function: () => () => 1,
};

const builtIns = {
  date: ({ ms }) => new Date(ms),
  invalidDate: () => new Date(NaN),
  buffer: ({ text }) => Buffer.from(text),
  regexp: ({ source, flags }) => new RegExp(source, flags),
  map: ({ entries }, make) => new Map(entries.map(([key, inner]) => [key, make(inner)])),
  set: ({ items }) => new Set(items),
  weakMap: () => new WeakMap(),
  arrayBuffer: ({ bytes }) => new ArrayBuffer(bytes),
  error: ({ message }) => failing(message),
  uint8: ({ items }) => new Uint8Array(items),
  uint16: ({ items }) => new Uint16Array(items),
  boxed: ({ value }) => Object(value),
  sparse: () => sparse(),
};

const bsonTypes = {
  objectId: ({ hex }, _make, bson) => new bson.ObjectId(hex),
  decimal: ({ value }, _make, bson) => bson.Decimal128.fromString(value),
  long: ({ value }, _make, bson) => bson.Long.fromString(value),
  uuid: ({ value }, _make, bson) => new bson.UUID(value),
};

const objects = {
  instance: ({ fields }, make) => Object.assign(new Sword(), make(fields)),
  inherited: ({ fields }, make) => Object.assign(Object.create({ inherited: 1 }), make(fields)),
  noPrototype: ({ fields }, make) => Object.assign(Object.create(null), make(fields)),
  toBSON: ({ value, fields }, make) => ({ ...make(fields), toBSON: () => make(value) }),
  toJSON: ({ value, fields }, make) => ({ ...make(fields), toJSON: () => make(value) }),
  withText: ({ text }) => new Player(text),
  withSymbolKey: ({ fields }, make) => ({ ...make(fields), [Symbol('key')]: 1 }),
  throwingGetter: () => ({
    get a() {
      throw new Error('thrown by a getter');
    },
  }),
  throwingText: () => ({
    toString() {
      throw new Error('thrown by toString');
    },
  }),
  cycle: ({ fields }, make) => {
    const value = make(fields);
    value.self = value;
    return value;
  },
  twice: ({ value }, make) => {
    const shared = make(value);
    return { first: shared, inside: { second: shared }, list: [shared] };
  },
  big: ({ bytes, fields }, make) => ({ ...make(fields), text: 'x'.repeat(bytes) }),
};

const makers = { ...scalars, ...builtIns, ...bsonTypes, ...objects };

class Sword {
  #secret = 1;

  get price() {
    return this.#secret;
  }

  swing() {}
}

class Player {
  constructor(text) {
    this.text = text;
  }

  toString() {
    return this.text;
  }
}

function failing(message) {
  const error = new RangeError(message);
  // As it is, it names the files of the one who made it.
  error.stack = `RangeError: ${message}\n    at somewhere`;
  return error;
}

function sparse() {
  const value = [1];
  value[3] = 4;
  return value;
}

/** The value that `spec` stands for; `bson` is the host's. */
function makeValue(spec, bson) {
  const make = (inner) => makeValue(inner, bson);
  if (spec === null || typeof spec !== 'object') return spec;
  if (Array.isArray(spec)) return spec.map(make);
  if (typeof spec.$ === 'string') return makers[spec.$](spec, make, bson);
  return Object.fromEntries(Object.entries(spec).map(([key, inner]) => [key, make(inner)]));
}

const NO_CAST = Symbol('no cast');

/** The text that ids and names become in the database, as BEHAVIOUR says it for a mongoose String. */
function castOf(spec, bson) {
  const value = makeValue(spec, bson);
  if (value === null || value === undefined || typeof value === 'string') return value;
  if (typeof value._id === 'string') return value._id;
  const hasOwnText = value.toString && value.toString !== Object.prototype.toString;
  if (!hasOwnText || Array.isArray(value)) return NO_CAST;
  try {
    return value.toString();
  } catch {
    return NO_CAST;
  }
}

module.exports = { makeValue, castOf, NO_CAST, KINDS: Object.keys(makers) };
