/** One record becomes one frame: who, what, how much, and what is refused instead. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const bson = require('bson');
const { createStage, staged, TIME } = require('./stage-support.js');

test('an event becomes a frame with everything the native side needs', () => {
  const data = { amount: 5, reason: 'quest', questId: 'q17', level: 42 };
  const { accepted, frame } = staged('credits.earn', 'user1', data);
  assert.equal(accepted, true);
  assert.deepEqual(
    { ...frame, end: 0 },
    {
      end: 0,
      kind: 'event',
      stored: true,
      dated: false,
      counter: 3,
      time: TIME,
      number: 5,
      document: { userId: 'user1', event: 'credits.earn', data },
      body: null,
    },
  );
  assert.deepEqual(Object.keys(frame.document), ['userId', 'event', 'data']);
});

test('the bytes of a frame are as documented', () => {
  let hex;
  const handOver = (bytes, length) => {
    hex = Buffer.from(bytes.subarray(0, length)).toString('hex');
  };
  const { stage } = createStage({ handOver });
  stage.logout(1.5, 7, 'u');
  stage.flush();
  const elements = '027573657249640002000000' + '7500';
  assert.equal(
    hex,
    `2a000000${'03010000'}000000000000f83f${'0000000000001c40'}0e000000${elements}`,
  );
});

test('logins and logouts carry the acknowledgement id', () => {
  const { stage, log } = createStage();
  assert.equal(stage.login(TIME, 12, 'u1', 'Ann'), true);
  assert.equal(stage.login(TIME, 13, 'u1', undefined), true);
  assert.equal(stage.login(TIME, 14, 'u1', null), true);
  assert.equal(stage.logout(TIME + 1, 15, 'u1'), true);
  stage.flush();
  assert.deepEqual(
    log.frames.map((f) => [f.kind, f.number, f.counter, f.document]),
    [
      ['login', 12, 0, { userId: 'u1', username: 'Ann' }],
      ['login', 13, 0, { userId: 'u1' }],
      ['login', 14, 0, { userId: 'u1', username: null }],
      ['logout', 15, 0, { userId: 'u1' }],
    ],
  );
});

test('missing fields are left out and null is kept', () => {
  assert.deepEqual(staged(undefined, undefined, undefined).frame.document, {});
  assert.deepEqual(staged(null, null, null).frame.document, {
    userId: null,
    event: null,
    data: null,
  });
  assert.deepEqual(staged('e', 'u', {}).frame.document, { userId: 'u', event: 'e' });
});

test('amounts count as documented', () => {
  const table = [
    [5, 5],
    [-3, -3],
    [0.25, 0.25],
    [2 ** 53, 2 ** 53],
    [0, 0],
    [-0, 0],
    ['12.5', 12.5],
    [' 7 ', 7],
    ['-1', -1],
    ['', 0],
    [false, 0],
    [null, 0],
    [undefined, 0],
    [0n, 0],
    [Object(7), 7],
    [-5n, -5],
    [2n ** 53n, 2 ** 53],
    [new bson.Double(-0.25), -0.25],
    [new bson.Int32(-7), -7],
    [bson.Long.fromNumber(-1), -1],
    [bson.Long.fromString('-9007199254740992'), -(2 ** 53)],
    [bson.Long.fromNumber(4_000_000_000), 4e9],
    [bson.Decimal128.fromString('-12.50'), -12.5],
    [bson.Decimal128.fromString('1E+3'), 1000],
  ];
  for (const [amount, expected] of table) {
    const { frame, warnings } = staged('credits.earn', 'u', { amount });
    assert.equal(frame.number, expected, String(amount));
    assert.deepEqual(warnings, [], String(amount));
  }
});

test('what is no amount counts 0 with a warning, and the event is stored', () => {
  const invalid = [
    NaN,
    Infinity,
    -Infinity,
    2 ** 53 + 2,
    1e308,
    'abc',
    '   ',
    '1e999',
    true,
    [5],
    { valueOf: () => 5 },
    2n ** 53n + 1n,
    bson.Long.fromString('9007199254740993'),
    bson.Long.MIN_VALUE,
    new bson.Double(Infinity),
    new bson.Double(1e16),
    bson.Decimal128.fromString('1E+16'),
    bson.Decimal128.fromString('NaN'),
    bson.Timestamp.fromBits(5, 0),
    Symbol('s'),
    Object(NaN),
    '9'.repeat(5000),
  ];
  for (const amount of invalid) {
    const { accepted, frame, warnings } = staged('credits.earn', 'u', { amount });
    assert.equal(accepted, true);
    assert.equal(frame.number, 0);
    assert.deepEqual(warnings, ['invalid_amount']);
  }
});

test('each counter takes its amount from its own field, and any data may lack it', () => {
  assert.equal(staged('gems.purchase', 'u', { gems: 8, amount: 1 }).frame.number, 8);
  assert.equal(staged('dungeon.complete', 'u', { amount: 6 }).frame.number, 1);
  for (const data of [undefined, null, 5, 'text', true, [1], () => 1, {}]) {
    assert.equal(staged('credits.earn', 'u', data).frame.number, 0);
  }
  class Reward {
    get amount() {
      return 4;
    }
  }
  assert.equal(staged('credits.earn', 'u', new Reward()).frame.number, 4);
});

test('names from Object.prototype are unknown events', () => {
  for (const event of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'no.such']) {
    const { frame } = staged(event, 'u', {});
    assert.deepEqual([frame.counter, frame.number, frame.stored], [0, 0, true]);
    assert.equal(staged([event], 'u', {}).frame, null);
  }
});

test('ids and names are cast like mongoose strings', () => {
  const id = new bson.ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f');
  const { frame } = staged(Object('pvp.battle'), id, { a: 1 });
  assert.deepEqual(frame.document, {
    userId: id.toHexString(),
    event: 'pvp.battle',
    data: { a: 1 },
  });
  assert.equal(frame.counter, 11);
});

test('an event whose name or user cannot be cast counts, but is not stored', () => {
  const fail = () => {
    throw new Error('user code');
  };
  const table = [
    ['pvp.battle', {}, 'invalid_id', 11],
    ['pvp.battle', { toString: fail }, 'invalid_id', 11],
    [['pvp.battle'], 'u', 'invalid_event', 11],
    [{ [Symbol.toPrimitive]: () => 'pvp.battle', toString: fail }, 'u', 'invalid_event', 11],
    [['pvp.battle'], [], 'invalid_event', 11],
  ];
  for (const [event, userId, reason, counter] of table) {
    const { accepted, frame, rejected } = staged(event, userId, { amount: 2 });
    assert.equal(accepted, false);
    assert.deepEqual(rejected, [reason]);
    assert.deepEqual([frame.stored, frame.counter, frame.number], [false, counter, 1]);
    assert.deepEqual(frame.document, {});
  }
  assert.equal(staged('credits.earn', [], { amount: 2 }).frame.number, 2);
  const { frame, rejected } = staged(Object.create(null), 'u', {});
  assert.deepEqual([frame, rejected], [null, ['invalid_event']]);
  assert.equal(staged('no.such', [], {}).frame, null);
});

test('names and ids over 256 bytes are refused entirely', () => {
  const fits = 'é'.repeat(128);
  assert.equal(staged(fits, fits, {}).accepted, true);
  const cases = [
    [`${fits}x`, 'u', 'name_too_long'],
    ['pvp.battle', `${fits}x`, 'id_too_long'],
    ['x'.repeat(1e6), 'u', 'name_too_long'],
    ['pvp.battle', '€'.repeat(100), 'id_too_long'],
  ];
  for (const [event, userId, reason] of cases) {
    const { accepted, frame, rejected } = staged(event, userId, {});
    assert.deepEqual([accepted, frame, rejected], [false, null, [reason]]);
  }
});

test('logins and logouts without a usable user are refused', () => {
  const { stage, log } = createStage();
  for (const user of [undefined, null, '', {}, [], Object.create(null)]) {
    assert.equal(stage.login(TIME, 1, user, 'n'), false);
    assert.equal(stage.logout(TIME, 1, user), false);
  }
  assert.deepEqual(new Set(log.rejected), new Set(['invalid_id']));
  log.rejected.length = 0;
  stage.login(TIME, 1, 'u'.repeat(257), 'n');
  stage.logout(TIME, 1, 'u'.repeat(257));
  stage.login(TIME, 1, 'u', {});
  stage.flush();
  assert.deepEqual(log.rejected, ['id_too_long', 'id_too_long', 'invalid_name']);
  assert.deepEqual(log.frames, []);
});

test('a username over 256 bytes is cut between two characters, and the login kept', () => {
  for (const [username, kept, warnings] of [
    ['n'.repeat(256), 'n'.repeat(256), []],
    ['é'.repeat(128), 'é'.repeat(128), []],
    ['n'.repeat(257), 'n'.repeat(256), ['name_cut']],
    ['é'.repeat(129), 'é'.repeat(128), ['name_cut']],
    ['€'.repeat(100), '€'.repeat(85), ['name_cut']],
    [`x${'💰'.repeat(1e6)}`, `x${'💰'.repeat(63)}`, ['name_cut']],
    [Buffer.alloc(5000, 'ab'), 'ab'.repeat(128), ['name_cut']],
  ]) {
    const { stage, log } = createStage();
    assert.equal(stage.login(TIME, 1, 'u', username), true);
    stage.flush();
    assert.deepEqual(log.warnings, warnings);
    assert.deepEqual(log.frames[0].document, { userId: 'u', username: kept });
  }
});

test('data that is refused leaves no trace, and what follows is intact', () => {
  const { stage, log } = createStage({ maxEventBytes: 1000 });
  const cyclic = {};
  cyclic.self = cyclic;
  const bad = [
    cyclic,
    { 'a\0': 1 },
    { a: 2n ** 64n },
    { t: 'x'.repeat(2000) },
    new Proxy({}, { ownKeys: 5 }),
  ];
  for (const data of bad) {
    assert.equal(stage.event(TIME, 'credits.earn', 'u', data), false);
    assert.equal(stage.event(TIME, 'pvp.battle', 'u', { ok: 1 }), true);
  }
  stage.flush();
  assert.deepEqual(log.rejected, [
    'cyclic',
    'invalid_key',
    'bigint_out_of_range',
    'event_too_large',
    'unreadable',
  ]);
  assert.equal(log.frames.length, bad.length);
  for (const frame of log.frames) assert.deepEqual(frame.document.data, { ok: 1 });
});

test('an event has the moment that the host names, to the bounds and no further', () => {
  const [ahead, kept] = [5 * 60_000, 7 * 86_400_000];
  for (const timestamp of [TIME - kept, TIME - 1, TIME + ahead, new Date(TIME - 5), TIME - 0.5]) {
    const options = { forwarding: true };
    const { accepted, frame } = staged('e', 'u', {}, options, { timestamp });
    const time = Math.trunc(Number(timestamp));
    assert.deepEqual([accepted, frame.time, frame.dated], [true, time, true]);
    assert.equal(JSON.parse(frame.body).ts, new Date(time).toISOString());
  }
  for (const timestamp of [TIME - kept - 1, TIME + ahead + 1, String(TIME), NaN]) {
    const { accepted, frame, rejected } = staged('credits.earn', 'u', {}, {}, { timestamp });
    assert.deepEqual([accepted, frame, rejected], [false, null, ['invalid_timestamp']]);
  }
  for (const options of [undefined, null, {}, { timestamp: undefined }, { timestamp: null }, 'x']) {
    const { frame } = staged('e', 'u', {}, {}, options);
    assert.deepEqual([frame.time, frame.dated], [TIME, false]);
  }
});

test('a dedupe key goes with the event, before its data', () => {
  for (const key of ['evt_1', 'ö'.repeat(128), '\0']) {
    const { frame } = staged('e', 'u', { a: 1 }, { forwarding: true }, { dedupeKey: key });
    assert.deepEqual(Object.entries(frame.document), [
      ...[
        ['userId', 'u'],
        ['event', 'e'],
      ],
      ...[
        ['dedupeKey', key],
        ['data', { a: 1 }],
      ],
    ]);
    assert.deepEqual(Object.keys(JSON.parse(frame.body)), ['event', 'userId', 'data', 'ts']);
  }
  for (const key of ['', 'x'.repeat(257), 'ö'.repeat(129), 1, {}]) {
    const { frame, rejected } = staged('e', 'u', {}, {}, { dedupeKey: key });
    assert.deepEqual([frame, rejected], [null, ['invalid_dedupe_key']]);
  }
  const nameless = staged(undefined, 'u', {}, { forwarding: true }, { dedupeKey: 'evt' });
  assert.deepEqual([nameless.frame, nameless.rejected], [null, ['invalid_event']]);
});
