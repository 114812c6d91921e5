// Messages of the native side: each kind does what it says, and an unknown one does nothing else.
'use strict';

const assert = require('node:assert');
const { test } = require('node:test');
const { messageHandler } = require('../../lib/messages.js');
const { PendingPromises } = require('../../lib/pending.js');

function createClient() {
  const log = [];
  const native = { ref: () => log.push('ref'), unref: () => log.push('unref') };
  const client = {
    pending: new PendingPromises(),
    write: (level, text) => log.push(`${level} ${text}`),
    lookForConnection: () => log.push('lookForConnection'),
    connectionKnown: () => log.push('connectionKnown'),
    adoptOther: () => log.push('adoptOther'),
  };
  const create = (mayFail = true) => client.pending.create(native, { mayFail });
  return { client, create, log };
}

test('promises are settled by the messages about them, and keep the process alive until then', async () => {
  const { client, create, log } = createClient();
  const handle = messageHandler(client, { isDebugBuild: true });
  const [login, read, flush] = [create(false), create(), create()];
  handle({ kind: 'acknowledged', acks: new Uint32Array([login.id, 4_000_000]) });
  handle({ kind: 'done', request: read.id, result: Buffer.from('document') });
  assert.deepStrictEqual(log, ['ref']);
  handle({ kind: 'failed', request: flush.id, code: 'ANALYTICS_TIMEOUT', text: 'too late' });
  assert.strictEqual(await login.promise, undefined);
  assert.strictEqual(String(await read.promise), 'document');
  await assert.rejects(flush.promise, { code: 'ANALYTICS_TIMEOUT', message: 'too late' });
  assert.deepStrictEqual(log, ['ref', 'unref']);
});

test('when the instance has failed, promises that may reject do, and the others resolve', async () => {
  const { client, create } = createClient();
  const [login, flush] = [create(false), create()];
  const handle = messageHandler(client, { isDebugBuild: true });
  handle({ kind: 'died', code: 'ANALYTICS_INTERNAL', text: 'a defect' });
  assert.strictEqual(await login.promise, undefined);
  await assert.rejects(flush.promise, { code: 'ANALYTICS_INTERNAL', message: 'a defect' });
});

test('all others reach the client or the logger', () => {
  const { client, log } = createClient();
  const handle = messageHandler(client, { isDebugBuild: true });
  handle({ kind: 'log', level: 'warn', text: 'a line' });
  for (const kind of ['connectionWanted', 'connectionKnown', 'otherAdopted']) handle({ kind });
  assert.deepStrictEqual(log, [
    'warn a line',
    'lookForConnection',
    'connectionKnown',
    'adoptOther',
  ]);
});

test('an unknown kind is an error in a debug build', () => {
  const { client, log } = createClient();
  const handle = messageHandler(client, { isDebugBuild: true });
  assert.throws(() => handle({ kind: 'news' }), /unknown kind news/);
  assert.deepStrictEqual(log, []);
});

test('an unknown kind is one warning in a release build, and nothing else', () => {
  const { client, log } = createClient();
  const handle = messageHandler(client, { isDebugBuild: false });
  for (const kind of ['news', 'news', 'other']) handle({ kind });
  assert.strictEqual(log.length, 1);
  assert.match(log[0], /^warn .*unknown kind news/);
});
