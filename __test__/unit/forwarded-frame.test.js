/** The body for destinations in a frame: what it holds, and what is stored without one. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const bson = require('bson');
const { staged } = require('./stage-support.js');

test('the webhook body holds ids and names as they are stored', () => {
  class Account {
    toString() {
      return 'account 7';
    }
  }
  const uuid = '4c2d63a1-7c1c-4e1b-a0f6-0d4d5a3c9b11';
  const table = [
    [7, '7'],
    [-0, '0'],
    [true, 'true'],
    [175928847299117063n, '175928847299117063'],
    [Symbol('s'), 'Symbol(s)'],
    [new Date(0), String(new Date(0))],
    [bson.Long.fromString('-9007199254740993'), '-9007199254740993'],
    [bson.Decimal128.fromString('1.50'), '1.50'],
    [new bson.Int32(5), '5'],
    [new bson.UUID(uuid), uuid],
    [new bson.ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f'), '5f5f5f5f5f5f5f5f5f5f5f5f'],
    [{ _id: 'ann', secret: 'x' }, 'ann'],
    [new Account(), 'account 7'],
    [null, null],
    [undefined, undefined],
  ];
  for (const [value, text] of table) {
    const { frame, warnings } = staged(value, value, {}, { forwarding: true });
    const { event, userId } = JSON.parse(frame.body);
    const isOfJson = typeof value === 'number' || typeof value === 'boolean';
    const posted = isOfJson ? JSON.parse(JSON.stringify(value)) : text;
    assert.deepEqual([event, userId, warnings], [posted, posted, []], text);
    assert.deepEqual([frame.document.event, frame.document.userId], [text, text]);
  }
});

test('the webhook body holds data as it was passed', () => {
  const data = {
    when: new Date(0),
    empty: {},
    bytes: Buffer.from('a'),
    nan: NaN,
    u: undefined,
    toJSON: undefined,
  };
  const id = new bson.ObjectId('5f5f5f5f5f5f5f5f5f5f5f5f');
  const { frame } = staged('e', id, data, { forwarding: true });
  const ts = '2026-11-23T02:35:48.540Z';
  assert.equal(frame.body, JSON.stringify({ event: 'e', userId: id, data, ts }));
  assert.match(frame.body, /^\{"event":"e","userId":"5f5f/);
  assert.equal(
    staged(undefined, 'ü\ud800', undefined, { forwarding: true }).frame.body,
    `{"userId":"ü\\ud800","data":{},"ts":"${ts}"}`,
  );
});

test('a record that cannot be forwarded is stored, with a warning', () => {
  const cases = [
    { a: 1n },
    {
      toJSON() {
        throw new Error('no');
      },
    },
    { toJSON: () => 'x'.repeat(2e6) },
  ];
  for (const data of cases) {
    const { accepted, frame, warnings } = staged('e', 'u', data, { forwarding: true });
    assert.equal(accepted, true);
    assert.deepEqual([frame.stored, frame.body], [true, null]);
    assert.deepEqual(warnings, ['not_forwardable']);
  }
});

test('what JSON sees is within bounds, also where BSON sees less', () => {
  const options = { forwarding: true, maxEventBytes: 1000 };
  const seen = (values) => ({ toBSON: () => 'small', ...values });
  const bodyOf = (data) => {
    const { accepted, frame, warnings } = staged('e', 'u', data, options);
    assert.deepEqual([accepted, warnings], [true, frame.body === null ? ['not_forwardable'] : []]);
    return frame.body;
  };
  assert.equal(JSON.parse(bodyOf(Buffer.alloc(900))).data.data.length, 900);
  assert.equal(JSON.parse(bodyOf(seen({ list: Array(900).fill(1) }))).data.list.length, 900);
  assert.equal(JSON.parse(bodyOf(seen({ text: 'x'.repeat(3000) }))).data.text.length, 3000);
  assert.equal(bodyOf(seen({ text: 'x'.repeat(5000) })), null);
  assert.equal(bodyOf(seen({ list: Array(3000).fill(1) })), null);
  assert.equal(bodyOf(seen({ numbers: new Float64Array(5000) })), null);
});

test('a refused cast is forwarded all the same, but not without bound', () => {
  const options = { forwarding: true, maxEventBytes: 1000 };
  const { frame, rejected } = staged('no.such', ['u'], { a: 1 }, options);
  assert.deepEqual(rejected, ['invalid_id']);
  assert.deepEqual([frame.stored, frame.counter, frame.document], [false, 0, {}]);
  assert.deepEqual(JSON.parse(frame.body).userId, ['u']);
  const large = staged('no.such', ['u'], { a: 'x'.repeat(2000) }, options);
  assert.deepEqual([large.frame, large.warnings], [null, ['not_forwardable']]);
});
