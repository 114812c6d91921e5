// What the tests of forwarding with a spool share: receivers beside servers in processes of their own, and
// what those receivers must have got.
'use strict';

const assert = require('node:assert');
const { QUICK, RECEIVERS, range, startReceiver, waitFor } = require('./setup');

/** `{ <format>: receiver }`, and the options of servers that forward to all of them. */
async function startReceivers(formats, fields = {}) {
  const receivers = {};
  for (const format of formats) receivers[format] = await startReceiver(format);
  const at = (format) => RECEIVERS[format].at(receivers[format]);
  const destinations = formats.map((format) => ({ ...at(format), ...QUICK, ...fields }));
  return { receivers, destinations };
}

const taken = (receiver) => receiver.taken.map(({ data }) => data.i);

async function untilTaken(receiver, count, timeoutMs = 30_000) {
  const seen = () => new Set(taken(receiver)).size;
  await waitFor(() => seen() >= count, { timeoutMs, what: `${count} events` });
  const distinct = [...new Set(taken(receiver))].sort((a, b) => a - b);
  assert.deepStrictEqual(distinct, range(count));
}

const isThrough = ({ destinations }) => destinations.every(({ queued }) => queued === 0);

/** An event that was sent twice has one id. */
function assertSameIds(receiver) {
  const ids = new Map();
  for (const { id, data } of receiver.taken) {
    assert.strictEqual(ids.get(data.i) ?? id, id, `event ${data.i}`);
    ids.set(data.i, id);
  }
  assert.strictEqual(new Set(ids.values()).size, ids.size);
}

function assertOrder(receiver) {
  const last = new Map();
  for (const { user, data } of receiver.distinct) {
    assert.ok((last.get(user) ?? -1) < data.i, `${user}: ${data.i} after ${last.get(user)}`);
    last.set(user, data.i);
  }
}

module.exports = { assertOrder, assertSameIds, isThrough, startReceivers, taken, untilTaken };
