// Data that cannot be stored is refused and counted by reason; nothing is thrown, the process lives,
// and what was tracked around it is stored.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, runProgram, useMongod } = require('../../support/setup');

const mongo = useMongod();

const MIB = 2 ** 20;

function cycle() {
  const data = { list: [] };
  data.list.push({ data });
  return data;
}

function nested(depth) {
  let data = {};
  for (let i = 0; i < depth; i++) data = i % 2 ? { data } : [data];
  return data;
}

function thrower() {
  throw new Error('thrown by the test');
}

function throwingProxy(trap) {
  return new Proxy({ a: 1 }, { [trap]: thrower });
}

function revoked(target) {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function manyKeys(count) {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${i}`, i]));
}

/** What is passed as `data`, and why it is refused. */
const REFUSED_DATA = [
  ['a cycle', 'cyclic', cycle],
  ['data nested 100 000 deep', 'too_deep', () => nested(1e5)],
  [
    'a getter that throws',
    'unreadable',
    () => Object.defineProperty({}, 'a', { get: thrower, enumerable: true }),
  ],
  [
    'a nested getter that throws',
    'unreadable',
    () => ({
      a: [
        {
          get b() {
            return thrower();
          },
        },
      ],
    }),
  ],
  [
    'a getter that throws undefined',
    'unreadable',
    () => ({
      get b() {
        throw undefined;
      },
    }),
  ],
  ['a Proxy that throws on reading', 'unreadable', () => throwingProxy('get')],
  ['a Proxy that throws when its keys are listed', 'unreadable', () => throwingProxy('ownKeys')],
  [
    'a Proxy that throws when asked for its prototype',
    'unreadable',
    () => throwingProxy('getPrototypeOf'),
  ],
  ['a nested Proxy that throws', 'unreadable', () => ({ a: throwingProxy('get') })],
  ['a toBSON that throws', 'unreadable', () => ({ toBSON: thrower })],
  ['a revoked Proxy', 'unreadable', () => revoked({})],
  ['a revoked Proxy of an array', 'unreadable', () => revoked([])],
  ['a nested revoked Proxy', 'unreadable', () => [{ a: revoked({}) }]],
  ['a key with a NUL', 'invalid_key', () => ({ 'a\0b': 1 })],
  ['a nested key with a NUL', 'invalid_key', () => ({ a: [{ '\0': 1 }] })],
  ['a BigInt beyond 64 bits', 'bigint_out_of_range', () => ({ a: 2n ** 63n })],
  [
    '20 MiB of buffers',
    'event_too_large',
    () => Array.from({ length: 20 }, () => Buffer.alloc(MIB)),
  ],
  ['20 MiB of text', 'event_too_large', () => ({ text: 'x'.repeat(20 * MIB) })],
  ['one string of 600 MB', 'event_too_large', () => ({ text: '☃'.repeat(300e6) })],
  ['the longest string there is', 'event_too_large', () => 'x'.repeat(0x1fffffe8)],
  ['a key of 50 MB', 'event_too_large', () => ({ ['x'.repeat(50e6)]: 1 })],
  ['a million keys', 'event_too_large', () => manyKeys(1e6)],
  ['the longest array there is', 'event_too_large', () => new Array(2 ** 32 - 1)],
  ['a nested array without elements', 'event_too_large', () => ({ a: new Array(2 ** 32 - 1) })],
  ['data whose shared parts unfold to 2^60', 'event_too_large', () => doubled(60)],
];

function doubled(times) {
  let data = { text: 'x' };
  for (let i = 0; i < times; i++) data = { a: data, b: data };
  return data;
}

/** The same value in every place of a name: title, method, reason, arguments. */
function asEachName(what, value) {
  return [
    ['event name of track', 'track', 'invalid_event', [value, 'u']],
    ['user id of track', 'track', 'invalid_id', ['event', value]],
    ['user id of onLogin', 'onLogin', 'invalid_id', [value, 'name']],
    ['user name of onLogin', 'onLogin', 'invalid_name', ['u', value]],
    ['user id of onLogout', 'onLogout', 'invalid_id', [value]],
  ].map(([place, ...rest]) => [`${what} as ${place}`, ...rest]);
}

const MINUTE_MS = 60_000;

const BAD_TIMESTAMPS = [
  ['NaN', NaN],
  ['a text', '2026-11-29T00:00:00Z'],
  ['a number in a text', String(Date.now())],
  ['an object', { valueOf: () => Date.now() }],
  ['true', true],
  ['a BigInt', BigInt(Date.now())],
  ['1e300', 1e300],
  ['Infinity', Infinity],
  ['from 1970', 0],
  ['a Date of 1970', new Date(0)],
  ['an invalid Date', new Date(NaN)],
  ['an hour ahead', Date.now() + 60 * MINUTE_MS],
  ['a minute older than events are kept', Date.now() - 7 * 24 * 60 * MINUTE_MS - MINUTE_MS],
];

const MEGABYTE = 'x'.repeat(1e6);

const BAD_KEYS = [
  ['empty', ''],
  ['of 257 bytes', `${'ö'.repeat(128)}x`],
  ['of 1 MB', MEGABYTE],
  ['a number', 7],
  ['an object', { toString: () => 'evt' }],
  ['a String', new String('evt')],
  ['true', true],
];

const REFUSED_CALLS = [
  ...asEachName('a plain object', {}),
  ...asEachName('an array', []),
  ...asEachName('a toString that throws', { toString: thrower }),
  ...asEachName('a revoked Proxy', revoked({})),
  ['a login without a user', 'onLogin', 'invalid_id', []],
  ['a login of null', 'onLogin', 'invalid_id', [null, 'name']],
  ['a login of an empty user id', 'onLogin', 'invalid_id', ['', 'name']],
  ['a user id of 1 MB in track', 'track', 'id_too_long', ['event', MEGABYTE]],
  ['a user id of 1 MB in onLogin', 'onLogin', 'id_too_long', [MEGABYTE]],
  ['a user id of 1 MB in onLogout', 'onLogout', 'id_too_long', [MEGABYTE]],
  ['a user id of 300 bytes', 'track', 'id_too_long', ['event', Buffer.alloc(300, 'u')]],
  ['an event name of 257 bytes', 'track', 'name_too_long', [`${'ö'.repeat(128)}x`, 'u']],
  ['an event name of 1 MB', 'track', 'name_too_long', [MEGABYTE, 'u']],
  ['a user id that is a BigInt of 1 000 000 bits', 'onLogin', 'invalid_id', [2n ** 1_000_000n]],
  ...BAD_TIMESTAMPS.map(([what, timestamp]) => [
    `a timestamp that is ${what}`,
    'track',
    'invalid_timestamp',
    ['credits.earn', 'u', { amount: 1 }, { timestamp }],
  ]),
  ...BAD_KEYS.map(([what, dedupeKey]) => [
    `a dedupe key that is ${what}`,
    'track',
    'invalid_dedupe_key',
    ['credits.earn', 'u', { amount: 1 }, { dedupeKey }],
  ]),
  ...[undefined, null, {}].map((event) => [
    `a dedupe key of an event named ${String(event)}`,
    'track',
    'invalid_event',
    [event, 'u', {}, { dedupeKey: 'evt' }],
  ]),
  [
    'a dedupe key of an event whose user id is an object',
    'track',
    'invalid_id',
    ['credits.earn', {}, { amount: 1 }, { dedupeKey: 'evt' }],
  ],
  [
    'options with a getter that throws',
    'track',
    'unreadable',
    ['event', 'u', {}, Object.defineProperty({}, 'timestamp', { get: thrower })],
  ],
  ['an event name of 600 MB', 'track', 'name_too_long', ['☃'.repeat(300e6), 'u']],
];

/** Makes the call between two good ones; returns how it was answered and how health changed. */
async function between(analytics, lines, call) {
  const before = analytics.getHealth();
  analytics.track('before', 'u');
  const warned = lines.length;
  const returned = call();
  analytics.track('after', 'u');
  const resolved = await returned;
  await analytics.flush();
  const { accepted, written, rejected } = analytics.getHealth();
  const changed = Object.keys(rejected).filter((name) => rejected[name] !== before.rejected[name]);
  return {
    returned,
    resolved,
    accepted: accepted - before.accepted,
    written: written - before.written,
    rejected: changed.map((name) => [name, rejected[name] - (before.rejected[name] ?? 0)]),
    warnings: lines.slice(warned).filter((line) => line.startsWith('warn')).length,
  };
}

describe('data that cannot be stored', () => {
  for (const [name, reason, make] of REFUSED_DATA) {
    it(`refuses ${name}`, async () => {
      const database = mongo.database();
      const { analytics, lines } = create({ uri: database.uri });
      const seen = await between(analytics, lines, () => analytics.track('bad', 'u', make()));
      assert.deepStrictEqual(seen, {
        ...{ returned: undefined, resolved: undefined, accepted: 2, written: 2 },
        ...{ rejected: [[reason, 1]], warnings: 1 },
      });
      const stored = await database.events();
      assert.deepStrictEqual(
        stored.map(({ event }) => event),
        ['before', 'after'],
      );
    });
  }

  it('is refused in time that does not grow with its size', () => {
    const { analytics } = create({ uri: mongo.database().uri });
    const values = [
      new Array(2 ** 32 - 1),
      'x'.repeat(500e6),
      doubled(60),
      Buffer.alloc(100 * MIB),
    ];
    const started = performance.now();
    for (const value of values) analytics.track('bad', 'u', value);
    assert.ok(performance.now() - started < 1_000);
    assert.deepStrictEqual(analytics.getHealth().rejected, { event_too_large: values.length });
  });
});

describe('calls that name nobody or nothing', () => {
  for (const [name, method, reason, args] of REFUSED_CALLS) {
    it(`refuses ${name}`, async () => {
      const database = mongo.database();
      const { analytics, lines } = create({ uri: database.uri });
      const seen = await between(analytics, lines, () => analytics[method](...args));
      assert.strictEqual(seen.returned instanceof Promise, method !== 'track');
      assert.deepStrictEqual(
        { ...seen, returned: undefined },
        {
          ...{ returned: undefined, resolved: undefined, accepted: 2, written: 2 },
          ...{ rejected: [[reason, 1]], warnings: 1 },
        },
      );
      assert.strictEqual(await database.count('gsoevents'), 2);
      assert.strictEqual(await database.count('gsosessions'), 0);
    });
  }
});

describe('log lines about refused input', () => {
  it('is one line per reason, however many records are refused', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    for (let i = 0; i < 500; i++) {
      analytics.track('bad', 'u', cycle());
      analytics.track('bad', 'u', { '\0': 1 });
      analytics.track('credits.earn', 'u', { amount: NaN });
    }
    await analytics.flush();
    const warned = lines.filter((line) => line.startsWith('warn'));
    assert.strictEqual(warned.length, 3, warned.join('\n'));
    const { rejected, warnings } = analytics.getHealth();
    assert.deepStrictEqual(rejected, { cyclic: 500, invalid_key: 500 });
    assert.deepStrictEqual(warnings, { invalid_amount: 500 });
  });
});

describe('strict: true', () => {
  it('throws a TypeError that names the reason, and stores the rest', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, strict: true });
    const bad = { name: 'TypeError', message: /cyclic/ };
    assert.throws(() => analytics.track('bad', 'u', cycle()), bad);
    assert.throws(() => analytics.track({}, 'u'), { name: 'TypeError', message: /invalid_event/ });
    await assert.rejects(analytics.onLogin({}), { name: 'TypeError', message: /invalid_id/ });
    await assert.rejects(analytics.onLogout([]), { name: 'TypeError', message: /invalid_id/ });
    analytics.track('good', 'u');
    await analytics.flush();
    assert.deepStrictEqual(analytics.getHealth().rejected, {
      cyclic: 1,
      invalid_event: 1,
      invalid_id: 2,
    });
    assert.strictEqual(await database.count('gsoevents'), 1);
  });
});

describe('a call made with hardly any stack left', () => {
  it('neither ends the process nor loses what was tracked before', async () => {
    const database = mongo.database();
    const { result } = await runProgram(
      async (given, report) => {
        const AnalyticsSystem = require('.');
        const analytics = new AnalyticsSystem({ uri: given.uri, logger: false });
        analytics.track('good', 'u');
        let calls = 0;
        const recurse = () => {
          try {
            recurse();
          } catch {
            if (calls++ < 50) analytics.track('deep', 'u', { a: { b: [1, { c: 'text' }] } });
          }
        };
        try {
          recurse();
        } catch {}
        analytics.track('good', 'u');
        await analytics.flush();
        report(analytics.getHealth());
      },
      { given: { uri: database.uri } },
    );
    assert.strictEqual(result.queued, 0);
    assert.strictEqual(await database.count('gsoevents', { event: 'good' }), 2);
    assert.strictEqual(await database.count('gsoevents'), result.accepted);
  });
});
