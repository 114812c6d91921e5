/**
 * What is stored of a user: read for `exportUser()`, erased for `deleteUser()`.
 */
'use strict';

const { byteLength } = require('./encode/bytes.js');
const { castString, MAX_NAME_BYTES } = require('./encode/cast.js');

/** Documents of a page, which the native side bounds in bytes, too. */
const PAGE = 200;

/** @typedef {import('./client.js').Client} Client */

/**
 * @param {Client} client
 * @param {unknown} userId
 * @throws {TypeError} for an id that no document has
 */
function exportUser(client, userId) {
  return documentsOf(client, idOf(userId));
}

/**
 * The ids of all documents are read first, so that memory holds them and a page of documents. They come in lists
 * that are short enough to be made objects of in one turn.
 *
 * @param {Client} client
 * @param {string} id
 */
async function* documentsOf(client, id) {
  const time = Number(Date.now());
  const { found } = await client.read((request) =>
    client.native.requestPersonalIds(request, id, time),
  );
  for (const { collection, ids } of found) {
    let left = client.host.bson().deserialize(ids.buffer).ids;
    while (left.length > 0) {
      const page = await pageOf(client, collection, left.slice(0, PAGE));
      for (const document of page.documents) yield { collection, document };
      left = [...page.left, ...left.slice(PAGE)];
    }
  }
}

/** @type {(client: Client, collection: string, ids: unknown[]) => Promise<any>} */
async function pageOf(client, collection, ids) {
  const bytes = client.host.bson().serialize({ ids });
  return client.read((request) =>
    client.native.requestPersonalDocuments(request, collection, bytes),
  );
}

/**
 * @param {Client} client
 * @param {unknown} userId
 * @param {any} options
 */
async function deleteUser(client, userId, options) {
  const id = idOf(userId);
  const keepCounts = options?.keepCounts ?? false;
  if (typeof keepCounts !== 'boolean') throw new TypeError('keepCounts: must be true or false');
  const time = Number(Date.now());
  return client.read((request) => client.native.requestErase(request, id, keepCounts, time));
}

/**
 * The id as it is stored.
 *
 * @param {unknown} userId
 */
function idOf(userId) {
  let id;
  try {
    id = castString(userId);
  } catch {
    // Reading it runs code of the host, as that of a Proxy.
  }
  if (typeof id === 'string' && byteLength(id) <= MAX_NAME_BYTES) return id;
  throw new TypeError('userId: must be a value that can be made a string of at most 256 bytes');
}

module.exports = { deleteUser, exportUser };
