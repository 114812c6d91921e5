// What a sharded cluster asks of the commands on the collections that are sharded, by hashed `_id`: a write
// names the whole `_id`, so that it goes to one shard; a read is bounded; and no unique index is needed but
// that on `_id`, as a cluster has no other that does not begin with the shard key.
'use strict';

const assert = require('node:assert');

const SHARDED = ['gsoevents', 'gsosessions', 'gsouniques', 'gsoreports', 'gsopurchases'];

/** A condition that only one value meets. */
const isValue = (condition) =>
  condition !== undefined &&
  condition !== null &&
  !Object.keys(condition).some((name) => name.startsWith('$'));

const isRange = (condition) =>
  condition?.$gte !== undefined && (condition.$lte ?? condition.$lt) !== undefined;

const isValueOrList = (condition) => isValue(condition) || Array.isArray(condition?.$in);

/** Some documents by their `_id` or a range of it, or those of some days, times, events or a user, by an index. */
const isBounded = ({ _id, day, event, ts, userId, $or }) =>
  isValueOrList(_id) ||
  isRange(_id) ||
  isValueOrList(day) ||
  isRange(day) ||
  isRange(ts) ||
  isValueOrList(event) ||
  isValue(userId) ||
  ($or?.every(isBounded) ?? false);

const CHECKS = {
  insert: ({ documents }) => documents.every(({ _id }) => isValue(_id)),
  update: ({ updates }) => updates.every(({ q, multi }) => isValue(q._id) && !multi),
  delete: ({ deletes }) => deletes.every(({ q }) => isValue(q._id)),
  findAndModify: ({ query }) => isValue(query._id),
  find: ({ filter }) => isBounded(filter),
  distinct: ({ query }) => isBounded(query),
  aggregate({ pipeline }) {
    const merge = pipeline.at(-1).$merge;
    return isBounded(pipeline[0].$match) && (!merge || String(merge.on) === '_id');
  },
  createIndexes: ({ indexes }) => indexes.every(({ unique }) => !unique),
  listIndexes: () => true,
  // Of a read that was given up; the router knows which shards it has asked.
  killCursors: () => true,
};

/** Throws for a command that a sharded cluster would not take, or would send to all documents. */
function assertFitsShards({ command, body }) {
  if (!SHARDED.includes(body[command])) return;
  const text = `${command} ${body[command]}: ${JSON.stringify(body).slice(0, 2_000)}`;
  const check = CHECKS[command];
  assert.ok(check, `not known to fit a sharded cluster: ${text}`);
  assert.ok(check(body), `it does not fit a sharded cluster: ${text}`);
}

module.exports = { assertFitsShards };
