// What scenarios are made of: ids of every type, names of events, payloads of every row of "How
// `data` is stored", amounts. All as specifications in the sense of values.js.
'use strict';

const HEX = '64b7f0c2a1d3e4f506172839';
const MIB = 2 ** 20;

/** Types of ids, each by a number that makes it another user. */
const ID_TYPES = {
  string: (n) => `user-${n}`,
  number: (n) => 1_000 + n,
  fraction: (n) => n + 0.5,
  NaN: () => ({ $: 'nan' }),
  boolean: (n) => n % 2 === 0,
  bigint: (n) => ({ $: 'bigint', value: `1234567890123456${10 + n}` }),
  ObjectId: (n) => ({ $: 'objectId', hex: HEX.slice(0, 22) + String(10 + n) }),
  Date: (n) => ({ $: 'date', ms: n * 86_400_000 }),
  Buffer: (n) => ({ $: 'buffer', text: `bytes ${n}` }),
  RegExp: (n) => ({ $: 'regexp', source: `a{${n}}`, flags: 'i' }),
  Symbol: (n) => ({ $: 'symbol', value: `s${n}` }),
  Decimal128: (n) => ({ $: 'decimal', value: `${n}.50` }),
  Long: (n) => ({ $: 'long', value: `90071992547409${10 + n}` }),
  UUID: (n) => ({ $: 'uuid', value: `00112233-4455-6677-8899-aabbccddee${10 + n}` }),
  'object with a text _id': (n) => ({ _id: `doc-${n}`, name: 'x' }),
  'object with toString': (n) => ({ $: 'withText', text: `player-${n}` }),
  'unusual text': (n) => `ключ 💰 $a.b ${n}`,
};

/** Ids that no user has: the login is dropped; an event is stored without one, or lost. */
const NO_IDS = {
  null: null,
  undefined: { $: 'undefined' },
  'empty text': '',
  'plain object': { a: 1 },
  array: ['a'],
};

/** Counted events, with the field of their amount. */
const COUNTED = {
  'dungeon.complete': null,
  'craft.complete': null,
  'pvp.battle': null,
  'pvp.ranked.battle': null,
  'raid.complete': null,
  'market.sale': null,
  'user.register': null,
  'credits.earn': 'amount',
  'credits.spend': 'amount',
  'gems.earn': 'amount',
  'gems.spend': 'amount',
  'gems.purchase': 'gems',
  'stripe.payment': 'amountCents',
};

const UNCOUNTED = ['shop.open', 'Dungeon.complete', '', '$set', 'a.b', ' credits.earn', 'ключ'];

/** Names that are no text; the second and third are counted as what they read as. */
const ODD_EVENTS = [
  5,
  { $: 'withText', text: 'raid.complete' },
  ['craft.complete'],
  null,
  { $: 'undefined' },
  { _id: 'dungeon.complete' },
  { $: 'objectId', hex: HEX },
  { a: 1 },
];

/** Payloads by the row of "How `data` is stored" that they are of. */
const ROWS = {
  'no data': { $: 'undefined' },
  'empty data': {},
  'nested empty objects': { a: {}, b: { c: {} }, d: [], e: [{}], f: { g: {}, h: 1 } },
  undefined: { gone: { $: 'undefined' }, list: [{ $: 'undefined' }, 1], left: 1 },
  functions: { gone: { $: 'function' }, list: [{ $: 'function' }, 1], left: 1 },
  'null inside': { nothing: null, list: [null] },
  'text as data': 'hello',
  'number as data': 5,
  'boolean as data': false,
  'array as data': [1, 'two', null, { three: 3 }],
  text: { euro: '€', emoji: '💰', nul: 'a\0b', long: 'x'.repeat(300) },
  Date: { value: { $: 'date', ms: 1_580_702_706_789 }, early: { $: 'date', ms: -1 } },
  Buffer: { value: { $: 'buffer', text: 'bytes' }, empty: { $: 'buffer', text: '' } },
  ObjectId: { value: { $: 'objectId', hex: HEX } },
  RegExp: { value: { $: 'regexp', source: 'a+b', flags: 'i' } },
  Map: {
    value: {
      $: 'map',
      entries: [
        ['b', 1],
        ['a', { $: 'date', ms: 0 }],
      ],
    },
  },
  Decimal128: { value: { $: 'decimal', value: '12.340' } },
  Long: { value: { $: 'long', value: '9007199254740993' } },
  BigInt: { value: { $: 'bigint', value: '5' }, big: { $: 'bigint', value: String(2n ** 62n) } },
  NaN: { value: { $: 'nan' } },
  Infinity: { up: { $: 'infinity', sign: 1 }, down: { $: 'infinity', sign: -1 } },
  '-0': { value: { $: '-0' } },
  '2**40': { value: 2 ** 40 },
  'bounds of int32': { max: 2 ** 31 - 1, min: -(2 ** 31), over: 2 ** 31, half: 0.5, yes: true },
  'keys with dots and dollars': { 'a.b': 1, $set: 2, '$a.$b': 3, '': 4, ключ: 5 },
  'keys like indexes': { b: 1, 2: 2, a: 3, 1: 4, '01': 5 },
  'lone surrogates': { high: 'a\ud83d', low: '\udcb0b', pair: '\ud83d\udcb0' },
  Set: { value: { $: 'set', items: [1, 2] } },
  WeakMap: { value: { $: 'weakMap' } },
  ArrayBuffer: { value: { $: 'arrayBuffer', bytes: 4 } },
  'nested Error': { value: { $: 'error', message: 'inside' } },
  'Error as data': { $: 'error', message: 'as data' },
  symbols: { gone: { $: 'symbol', value: 's' }, list: [{ $: 'symbol', value: 's' }], left: 1 },
  'symbol as key': { $: 'withSymbolKey', fields: { left: 1 } },
  'class instance': { sword: { $: 'instance', fields: { damage: 5, owner: { name: 'a' } } } },
  'class instance as data': { $: 'instance', fields: { damage: 5, empty: {} } },
  'own fields only': { value: { $: 'inherited', fields: { own: 2 } } },
  'no prototype': { value: { $: 'noPrototype', fields: { a: 1, b: {} } } },
  toBSON: { value: { $: 'toBSON', fields: { a: 1 }, value: { b: 2 } } },
  toJSON: { value: { $: 'toJSON', fields: { a: 1 }, value: { b: 2 } } },
  Uint8Array: { value: { $: 'uint8', items: [1, 2, 3] } },
  Uint16Array: { value: { $: 'uint16', items: [1, 65_535] } },
  'boxed values': { n: { $: 'boxed', value: 5 }, t: { $: 'boxed', value: 'text' } },
  'invalid Date': { value: { $: 'invalidDate' } },
  'shared objects': { $: 'twice', value: { x: 1, empty: {} } },
  'shared empty object': { $: 'twice', value: {} },
  'own constructor': { inner: { constructor: 1, u: { $: 'undefined' }, empty: {}, left: 2 } },
  'sparse array': { list: { $: 'sparse' } },
};

/** Rows that are silently lost. */
const LOST_ROWS = {
  'NUL in a key': { 'a\0b': 1, left: 1 },
  cycle: { $: 'cycle', fields: { a: 1 } },
  'throwing getter': { $: 'throwingGetter' },
  'more than 16 MiB': { $: 'big', bytes: 17 * MIB, fields: {} },
};

/** Amounts that both sides take alike; sums of them are exact in any order. */
const AMOUNTS = [
  ...[0, 1, 5, -3, 120, 0.5, 0.25, -0.75, 12.5, 2 ** 31, -(2 ** 31), 2 ** 40],
  ...[null, '', false, { $: 'undefined' }, { $: 'nan' }, { $: '-0' }, { $: 'boxed', value: 7 }],
];

const KEYS = ['a', 'b', 'level', '$x', 'a.b', '', '_id', 'toString', '0', '10', 'ключ'];
const LEAVES = [
  ...[0, 1, -1, 1.5, 2 ** 31, 2 ** 53, 1e-9, true, false, null, '', 'quest', 'ü', '😀', '\ud800'],
  ...['x'.repeat(39), 'y'.repeat(41), 'k'.repeat(70)],
  ...[{ $: 'undefined' }, { $: '-0' }, { $: 'nan' }, { $: 'date', ms: 5e11 }, { $: 'function' }],
  ...[
    { $: 'objectId', hex: HEX },
    { $: 'buffer', text: 'ab' },
    { $: 'boxed', value: 2 },
  ],
  ...[
    { $: 'decimal', value: '1.25' },
    { $: 'long', value: '77' },
    { $: 'set', items: [1] },
  ],
];

/** A tree of everything that a game server may put into `data`. */
function randomPayload({ below, pick }, depth = 0) {
  const kind = below(10);
  if (depth > 3 || (depth > 0 && kind < 5)) return pick(LEAVES);
  const size = below(5);
  const child = () => randomPayload({ below, pick }, depth + 1);
  if (kind < 7) return Array.from({ length: size }, child);
  const fields = {};
  for (let index = 0; index < size; index += 1) fields[pick(KEYS)] = child();
  if (kind === 8 && depth > 0) return { $: 'map', entries: Object.entries(fields) };
  if (kind === 9 && depth > 0) return { $: 'instance', fields };
  return fields;
}

module.exports = {
  AMOUNTS,
  COUNTED,
  ID_TYPES,
  LOST_ROWS,
  NO_IDS,
  ODD_EVENTS,
  ROWS,
  UNCOUNTED,
  randomPayload,
};
