/** A stage whose frames are taken apart again, for the tests of `lib/encode/stage.js` and `lib/encode/frame.js`. */
'use strict';

const assert = require('node:assert/strict');
const bson = require('bson');
const { Stage } = require('../../lib/encode/stage.js');

const TIME = Date.UTC(2026, 10, 23, 2, 35, 48, 540);
const HEADER = 28;
const PRICE = 11;
const KINDS = ['', 'event', 'login', 'logout'];
const COUNTERS = [
  { event: 'dungeon.complete', index: 9, amount: null },
  { event: 'pvp.battle', index: 11, amount: null },
  { event: 'credits.earn', index: 3, amount: 'amount' },
  { event: 'gems.purchase', index: 7, amount: 'gems' },
  {
    event: 'stripe.payment',
    index: 14,
    amount: 'cents',
    price: { amount: 'cents', currency: 'currency' },
  },
  { event: 'steam.buy', index: 0, amount: null, price: { amount: 'paid', currency: null } },
];

/** The elements as a document, with types kept. */
function documentOf(elements) {
  const bytes = Buffer.alloc(elements.length + 5);
  bytes.writeInt32LE(bytes.length, 0);
  elements.copy(bytes, 4);
  return bson.deserialize(bytes, { promoteBuffers: true });
}

function priceAt(bytes, start) {
  return [bytes.readDoubleLE(start), bytes.toString('latin1', start + 8, start + PRICE)];
}

function frameAt(bytes, start) {
  const end = start + bytes.readUInt32LE(start);
  const elementsEnd = start + HEADER + bytes.readUInt32LE(start + 24);
  const flags = bytes[start + 5];
  const bodyStart = elementsEnd + (flags & 8 ? PRICE : 0);
  assert.equal(bytes[start + 7], 0);
  assert.equal(flags & 2 ? bodyStart < end : bodyStart === end, true);
  return {
    end,
    kind: KINDS[bytes[start + 4]],
    stored: (flags & 1) === 1,
    dated: (flags & 4) === 4,
    counter: bytes[start + 6],
    time: bytes.readDoubleLE(start + 8),
    number: bytes.readDoubleLE(start + 16),
    document: documentOf(bytes.subarray(start + HEADER, elementsEnd)),
    ...(flags & 8 ? { price: priceAt(bytes, elementsEnd) } : {}),
    body: flags & 2 ? bytes.toString('utf8', bodyStart, end) : null,
  };
}

function createStage(options = {}) {
  const log = { frames: [], batches: [], rejected: [], warnings: [] };
  const stage = new Stage({
    counters: COUNTERS,
    maxEventBytes: 256 * 1024,
    forwarding: false,
    bson: () => bson,
    handOver(bytes, length, records) {
      const copy = Buffer.from(bytes.subarray(0, length));
      const before = log.frames.length;
      for (let at = 0; at < length; at = log.frames.at(-1).end) log.frames.push(frameAt(copy, at));
      assert.equal(log.frames.at(-1).end, length);
      assert.equal(log.frames.length - before, records);
      log.batches.push(records);
    },
    reject: (reason) => log.rejected.push(reason),
    warn: (reason) => log.warnings.push(reason),
    ...options,
  });
  return { stage, log };
}

/** One event through a stage of its own. */
function staged(event, userId, data, options, trackOptions) {
  const { stage, log } = createStage(options);
  const accepted = stage.event(TIME, event, userId, data, trackOptions);
  stage.flush();
  return { accepted, frame: log.frames[0] ?? null, ...log };
}

module.exports = { createStage, staged, TIME };
