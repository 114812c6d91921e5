/** Records are copied at the moment of the call and handed over once per turn. */
'use strict';

const assert = require('node:assert/strict');
const { mock, test } = require('node:test');
const { createStage, TIME } = require('./stage-support.js');

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('changing the data after the call has no effect', () => {
  const { stage, log } = createStage();
  const data = {
    amount: 1,
    list: [1],
    inner: { a: 1 },
    bytes: Buffer.from('a'),
    when: new Date(5),
  };
  stage.event(TIME, 'credits.earn', 'u', data);
  data.amount = 2;
  data.list.push(2);
  data.inner.a = 2;
  data.bytes[0] = 0;
  data.when.setTime(9);
  stage.flush();
  const stored = log.frames[0].document.data;
  assert.deepEqual([stored.amount, stored.list, stored.inner], [1, [1], { a: 1 }]);
  assert.deepEqual([stored.bytes.toString(), stored.when.getTime()], ['a', 5]);
});

test('records of one turn are handed over together, in order, when the turn ends', async () => {
  const { stage, log } = createStage();
  for (let i = 0; i < 5; i++) stage.event(TIME + i, 'e', `u${i}`, { i });
  assert.deepEqual(log.batches, []);
  await turn();
  assert.deepEqual(log.batches, [5]);
  assert.deepEqual(
    log.frames.map((f) => f.document.data.i),
    [0, 1, 2, 3, 4],
  );
  await turn();
  stage.event(TIME, 'e', 'u', {});
  await turn();
  assert.deepEqual(log.batches, [5, 1]);
});

test('the end of the turn is found although everything that fake timers replace is replaced', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'] });
  const OriginalDate = Date;
  const replaced = { nextTick: process.nextTick, queueMicrotask: globalThis.queueMicrotask };
  const originalThen = Promise.prototype.then;
  process.nextTick = () => {};
  globalThis.queueMicrotask = () => {};
  const { stage, log } = createStage({ forwarding: true });
  try {
    // biome-ignore lint/suspicious/noThenProperty: a host may have patched it
    Promise.prototype.then = () => assert.fail('patched then');
    globalThis.Date = class Fake {};
    stage.event(TIME, 'e', 'u', {});
    globalThis.Date = OriginalDate;
    // biome-ignore lint/suspicious/noThenProperty: as above
    Promise.prototype.then = originalThen;
    for (let i = 0; i < 3; i++) await null;
  } finally {
    globalThis.Date = OriginalDate;
    // biome-ignore lint/suspicious/noThenProperty: as above
    Promise.prototype.then = originalThen;
    process.nextTick = replaced.nextTick;
    globalThis.queueMicrotask = replaced.queueMicrotask;
    mock.timers.reset();
  }
  assert.deepEqual(log.batches, [1]);
  assert.equal(JSON.parse(log.frames[0].body).ts, '2026-11-23T02:35:48.540Z');
});

test('a full stage is handed over at once, and one large record does not keep it large', () => {
  const { stage, log } = createStage();
  const text = 'x'.repeat(1000);
  for (let i = 0; i < 200; i++) stage.event(TIME, 'e', 'u', { i, text });
  assert.ok(log.batches.length >= 3, `${log.batches.length} batches`);
  stage.event(TIME, 'e', 'u', { text: 'y'.repeat(200_000) });
  for (let i = 200; i < 250; i++) stage.event(TIME, 'e', 'u', { i, text });
  stage.flush();
  assert.equal(stage.writer.encoder.bytes.length, 64 * 1024);
  const numbers = log.frames.map((f) => f.document.data.i).filter((i) => i !== undefined);
  assert.deepEqual(
    numbers,
    Array.from({ length: 250 }, (_, i) => i),
  );
  assert.ok(log.frames.some((f) => f.document.data.text.length === 200_000));
});

test('records tracked while another is being read follow it', () => {
  const { stage, log } = createStage();
  const data = {
    first: 1,
    get inner() {
      assert.equal(
        stage.event(TIME, 'pvp.battle', 'inner', {
          get x() {
            stage.login(TIME, 3, 'deepest', 'd');
            return 2;
          },
        }),
        true,
      );
      assert.equal(stage.event(TIME, 'e', 'bad', { a: 2n ** 64n }), false);
      data.added = 'too late';
      return 'value';
    },
    last: {
      toBSON() {
        stage.logout(TIME, 4, 'bson');
        return { b: 1 };
      },
    },
  };
  stage.event(TIME, 'e', 'before', {});
  stage.event(TIME, 'e', 'outer', data);
  stage.event(TIME, 'e', 'after', {});
  stage.flush();
  assert.deepEqual(
    log.frames.map((f) => f.document.userId),
    ['before', 'outer', 'deepest', 'inner', 'bson', 'after'],
  );
  assert.deepEqual(log.frames[1].document.data, { first: 1, inner: 'value', last: { b: 1 } });
  assert.deepEqual(log.rejected, ['bigint_out_of_range']);
});

test('records tracked by data that is then refused are not lost', async () => {
  const { stage, log } = createStage();
  stage.event(TIME, 'e', 'outer', {
    get a() {
      stage.event(TIME, 'e', 'inner', {});
      throw new Error('no');
    },
  });
  await turn();
  assert.deepEqual(
    log.frames.map((f) => f.document.userId),
    ['inner'],
  );
  assert.deepEqual(log.rejected, ['unreadable']);
});

test('a flush in the middle of a record hands over what is complete', async () => {
  const { stage, log } = createStage();
  const seen = [];
  stage.event(TIME, 'e', 'before', {});
  const data = {
    a: 'x'.repeat(100_000),
    get b() {
      stage.event(TIME, 'e', 'inner', {});
      stage.flush();
      seen.push(...log.frames.map((f) => f.document.userId));
      stage.event(TIME, 'e', 'inner2', { b: 'y'.repeat(200_000) });
      return 1;
    },
  };
  stage.event(TIME, 'e', 'outer', data);
  stage.event(TIME, 'e', 'after', {});
  await turn();
  assert.deepEqual(seen, ['before', 'inner']);
  assert.deepEqual(
    log.frames.map((f) => f.document.userId),
    ['before', 'inner', 'outer', 'inner2', 'after'],
  );
  assert.equal(log.frames[2].document.data.a.length, 100_000);
});

test('callbacks may track, and what they throw reaches the caller with everything in order', () => {
  const { stage, log } = createStage({
    reject(reason) {
      log.rejected.push(reason);
      stage.event(TIME, 'e', 'from reject', { amount: 1 });
      if (reason === 'cyclic') throw new TypeError(reason);
    },
    warn: () => stage.event(TIME, 'e', 'from warn', {}),
  });
  assert.equal(stage.event(TIME, 'credits.earn', 'u1', { amount: 'x' }), true);
  assert.equal(stage.event(TIME, 'credits.earn', 'u2', { amount: 'x', k: { '\0': 1 } }), false);
  const cyclic = {};
  cyclic.self = cyclic;
  assert.throws(() => stage.event(TIME, 'e', 'u3', cyclic), { message: 'cyclic' });
  assert.equal(stage.event(TIME, 'e', 'u4', {}), true);
  stage.flush();
  const users = log.frames.map((f) => f.document.userId);
  assert.deepEqual(users, ['u1', 'from warn', 'from warn', 'from reject', 'from reject', 'u4']);
});

test('a hand-over that fails is reported once, and the stage goes on', async () => {
  let fail = true;
  const failures = [];
  let delivered = 0;
  const { stage } = createStage({
    handOver(_bytes, _length, records) {
      if (fail) throw new Error('closed');
      delivered += records;
    },
    reject: (reason, detail) => failures.push([reason, detail.records]),
  });
  stage.event(TIME, 'e', 'u', {});
  stage.event(TIME, 'e', 'u', {});
  await turn();
  assert.deepEqual(failures, [['hand_over_failed', 2]]);
  fail = false;
  stage.event(TIME, 'e', 'u', {});
  await turn();
  assert.equal(delivered, 1);
});

test('a call without stack left to run on does not stop the stage', () => {
  const { stage, log } = createStage();
  let accepted = 0;
  const dive = () => {
    try {
      dive();
    } finally {
      if (stage.event(TIME, 'e', 'deep', { a: { b: [1, 2, 3] } })) accepted++;
    }
  };
  try {
    dive();
  } catch {}
  assert.equal(stage.event(TIME, 'e', 'u', { a: 1 }), true);
  stage.flush();
  assert.equal(log.frames.length, accepted + 1);
});

test('an engine error in the middle of a call does not stop the stage', async () => {
  const { stage, log } = createStage();
  const { write } = stage.writer;
  stage.writer.write = () => {
    throw new RangeError('Maximum call stack size exceeded');
  };
  assert.throws(() => stage.event(TIME, 'e', 'u', {}), RangeError);
  stage.writer.write = write;
  stage.event(TIME, 'e', 'u', {});
  await turn();
  assert.equal(log.frames.length, 1);
});
