// The raw webhook: one POST for each event, its body as JSON.stringify gives it.
'use strict';

const CLOCK = '2036-11-23T02:35:48.540Z';
const HEX = '64b7f0c2a1d3e4f506172839';

class Sword {
  constructor() {
    this.damage = 5;
  }

  get price() {
    return 1;
  }
}

/** One event for each entry, all of them forwarded unless `requests` says otherwise. */
function webhookScenario(name, entries, extra = {}) {
  return {
    name,
    clock: CLOCK,
    webhook: 'from the start',
    async run(host) {
      const system = host.create();
      for (const [label, [event, userId, data]] of Object.entries(entries(host.bson))) {
        host.attempt(label, () => system.track(event, userId, data));
      }
    },
    webhookRequests: 1,
    ...extra,
  };
}

module.exports = [
  webhookScenario(
    'every event is posted, also those that no counter knows',
    () => ({
      known: ['credits.earn', 'ann', { amount: 5, item: 'x' }],
      unknown: ['shop.open', 'bob', { b: 1, a: { z: 1, c: [1, 'two', null] } }],
      'without data': ['user.register', 'cid'],
    }),
    { webhookRequests: 3 },
  ),
  webhookScenario(
    'values are written as JSON.stringify writes them',
    (bson) => ({
      date: ['date', 'u', { value: new Date(0) }],
      buffer: ['buffer', 'u', { value: Buffer.from('ab') }],
      objectId: ['objectId', 'u', { value: new bson.ObjectId(HEX) }],
      decimal: ['decimal', 'u', { value: bson.Decimal128.fromString('1.50') }],
      long: ['long', 'u', { value: bson.Long.fromNumber(5) }],
      toJSON: ['toJSON', 'u', { value: { a: 1, toJSON: () => ({ b: 2 }) } }],
      numbers: ['numbers', 'u', { nan: NaN, inf: Infinity, zero: -0, big: 1e21, half: 0.5 }],
      missing: ['missing', 'u', { gone: undefined, f: () => 1, s: Symbol('s'), nil: null }],
      arrays: ['arrays', 'u', [undefined, () => 1, null, [], {}]],
      empty: ['empty', 'u', {}],
      'empty inside': ['empty inside', 'u', { a: {}, b: { c: {} } }],
      text: ['text', 'u', 'plain'],
      map: ['map', 'u', { map: new Map([['a', 1]]), set: new Set([1]) }],
      instance: ['instance', 'u', new Sword()],
      typed: ['typed', 'u', { value: new Uint8Array([1, 2]) }],
      regexp: ['regexp', 'u', { value: /a/i, error: new Error('e') }],
      boxed: ['boxed', 'u', { n: new Number(5), t: new String('t') }],
    }),
    { webhookRequests: 17 },
  ),
  webhookScenario(
    'text is posted as UTF-8, escapes as JSON.stringify writes them',
    () => ({
      text: ['text', 'u', { euro: '€', emoji: '💰', quote: '"\\/\n\u2028', nul: 'a\0b' }],
      lone: ['lone', 'u', { value: '\ud83d' }],
    }),
    { webhookRequests: 2 },
  ),
  webhookScenario(
    'user ids and event names are posted as they were passed, not cast',
    (bson) => ({
      number: ['id number', 7, { a: 1 }],
      objectId: ['id objectId', new bson.ObjectId(HEX), { a: 1 }],
      nil: ['id null', null, { a: 1 }],
      missing: ['id missing', undefined, { a: 1 }],
      yes: ['id true', true, { a: 1 }],
      document: ['id document', { _id: 'doc-1', name: 'x' }, { a: 1 }],
      date: ['id date', new Date(0), { a: 1 }],
      symbol: ['id symbol', Symbol('s'), { a: 1 }],
      'number as event': [5, 'u', { a: 1 }],
      'no event': [undefined, 'u', { a: 1 }],
    }),
    { webhookRequests: 10, differences: ['names as they are stored'] },
  ),
  webhookScenario(
    'events that cannot be stored are posted all the same',
    () => ({
      'uncastable id': ['dungeon.complete', { a: 1 }, { label: 'object' }],
      'array as id': ['dungeon.complete', ['a'], { label: 'array' }],
    }),
    { webhookRequests: 2 },
  ),
  webhookScenario(
    'events with NUL in a key are refused altogether',
    () => ({ nul: ['nul.key', 'u', { 'a\0b': 1 }] }),
    {
      webhookRequests: { reference: 1, addon: 0 },
      differences: ['refused data is not posted'],
    },
  ),
  webhookScenario(
    'a payload that JSON.stringify refuses is stored and not posted',
    () => ({
      bigint: ['bigint', 'u', { value: 5n }],
      'bigint as id': ['bigint id', 5n, { a: 1 }],
      throwing: [
        'throwing',
        'u',
        {
          toJSON: () => {
            throw new Error('no');
          },
          a: 1,
        },
      ],
      after: ['after', 'u', { a: 1 }],
    }),
    {
      webhookRequests: { reference: 1, addon: 2 },
      differences: ['a BigInt as id is posted'],
    },
  ),
  webhookScenario(
    'events on both sides of a moved clock carry their own ts',
    () => ({ first: ['first', 'u', { a: 1 }] }),
    {
      async run(host) {
        const system = host.create();
        system.track('first', 'u', { a: 1 });
        host.clock.advance(86_400_000);
        system.track('second', 'u', { a: 1 });
      },
      webhookRequests: 2,
      differences: ['ts of the post'],
    },
  ),
  {
    name: 'the address is read in the constructor',
    clock: CLOCK,
    webhook: 'set by the host',
    async run(host) {
      const before = host.create();
      process.env.ANALYTICS_WEBHOOK_URL = host.webhookUrl;
      const after = host.create();
      delete process.env.ANALYTICS_WEBHOOK_URL;
      const never = host.create();
      before.track('before', 'u', { a: 1 });
      after.track('after', 'u', { a: 1 });
      never.track('never', 'u', { a: 1 });
    },
    webhookRequests: 1,
  },
  {
    name: 'logins are not posted',
    clock: CLOCK,
    webhook: 'from the start',
    async run(host) {
      const system = host.create();
      await system.onLogin('ann', 'Ann');
      host.clock.advance(5_000);
      await system.onLogout('ann');
      system.track('shop.open', 'ann', { a: 1 });
    },
    webhookRequests: 1,
  },
  webhookScenario(
    'data of null is posted',
    () => ({ nil: ['shop.open', 'u', null], after: ['after', 'u', { a: 1 }] }),
    {
      webhookRequests: { reference: 1, addon: 2 },
      differences: ['data of null is posted'],
    },
  ),
];
