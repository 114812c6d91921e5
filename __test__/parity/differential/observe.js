// Plays one scenario on one side, on a database of its own, and observes all that a caller, a
// webhook receiver and a reader of the database would see. Documents go by the moment of their call.
'use strict';

const crypto = require('node:crypto');
const { BSON } = require('../../support/driver');
const { COLLECTIONS, RAW, collectionsOf, readIndexes } = require('../read-database');
const { dropDatabases, freshDatabaseName, withDatabase } = require('../../support/mongod');
const { startWebhook } = require('../../support/webhook');
const { BYTES } = require('./compare');
const { atMoment } = require('./posts');

const ID_BYTES = 12;
const LONGEST_TEXT = 300;
const POST = /^(.*?),?"ts":"([^"]*)"\}$/s;
/** The moment of a document, and so its name. */
const KEYS = {
  gsosessions: ({ loginAt }) => loginAt?.toISOString?.(),
  gsodailies: ({ day }) => day,
  gsoevents: ({ ts }) => ts?.toISOString?.(),
};

/** `host.play(job)` plays; `client` reads. `posts` says as which others
 * posts are compared, or that they are not. */
async function observe(scenario, { host, client, server, fault, posts = new Map() }) {
  const databaseName = freshDatabaseName();
  const webhook = scenario.webhook ? await startWebhook() : undefined;
  try {
    const uri = withDatabase(server.uri, databaseName);
    const { calls } = scenario;
    const job = { uri, webhookUrl: webhook?.url, fault, program: { calls } };
    const { returned, printed } = await host.play(job);
    const { collections, types } = await readDatabase(client.db(databaseName));
    // Which promise is the first to be done is not promised.
    const seen = { returned: sortedByKey(byDay(returned)), printed, ...collections };
    seen.indexes = await indexesOf(client.db(databaseName));
    seen.webhook = postsOf(webhook?.requests ?? [], posts);
    return { seen: JSON.parse(JSON.stringify(seen), shortened), types };
  } finally {
    await webhook?.close();
    await dropDatabases(server.uri, [databaseName]);
  }
}

/** `types`: the BSON types that `data` of the stored events holds. */
async function readDatabase(db) {
  const collections = {};
  const types = new Set();
  for (const name of await collectionsOf(db)) {
    const documents = {};
    for (const bytes of await db.collection(name).find({}, { raw: true }).toArray()) {
      addDocument(documents, name, bytes);
      if (name === 'gsoevents') addTypes(types, bytes, 1);
    }
    collections[name] = sortedByKey(documents);
  }
  return { collections, types };
}

function addDocument(documents, collection, bytes) {
  const document = BSON.deserialize(bytes, RAW);
  const isObjectId = document._id?._bsontype === 'ObjectId';
  delete document._a;
  const key = KEYS[collection]?.(document) ?? `without a moment ${Object.keys(documents).length}`;
  const name = key in documents ? `${key} again ${Object.keys(documents).length}` : key;
  const plain = BSON.EJSON.serialize(document, { relaxed: false });
  if (isObjectId) plain._id = '<ObjectId>';
  // The daily document has the addon's own `_a` in it; and an `_id` is like no other.
  const isComparable =
    isObjectId && collection !== 'gsodailies' && COLLECTIONS.includes(collection);
  if (isComparable) plain[BYTES] = digest(bytes.subarray(4 + 1 + '_id\0'.length + ID_BYTES));
  documents[name] = plain;
}

/** Walks the elements of a document, as they are stored, for their types. */
function addTypes(types, bytes, depth) {
  for (const element of BSON.onDemand.parseToElements(bytes)) {
    const [type, nameOffset, nameLength, offset, length] = element;
    const name = Buffer.from(bytes.subarray(nameOffset, nameOffset + nameLength)).toString();
    if (depth === 1 && name !== 'data') continue;
    types.add(type);
    if (type === 3 || type === 4)
      addTypes(types, bytes.subarray(offset, offset + length), depth + 1);
  }
}

async function indexesOf(db) {
  const indexes = await readIndexes(db);
  return Object.fromEntries(
    Object.entries(indexes).map(([collection, list]) => [
      collection,
      Object.fromEntries(list.map((index) => [index.name, JSON.stringify(index)])),
    ]),
  );
}

/** Daily documents in answers go by their day too; ids of documents are no two the same. */
function byDay(returned) {
  const named = (document) => [document.day, document];
  const text = JSON.stringify(returned, (_key, value) => {
    if (Array.isArray(value)) return Object.fromEntries(value.map(named));
    if (value?.today?.day) return { ...value, today: Object.fromEntries([named(value.today)]) };
    return value;
  });
  return JSON.parse(text.replace(/(<ObjectId of the host>":")[0-9a-f]{24}/g, '$1…'));
}

/** Posts by what they say besides the time; equal ones in the order of their times. */
function postsOf(requests, compared) {
  const all = requests.map(({ method, path, headers, text }) => {
    const [, said, ts] = POST.exec(text) ?? [undefined, text];
    const known = [atMoment(said, ts), said].find((post) => compared.has(post));
    return {
      said: known === undefined ? said : compared.get(known),
      method,
      path,
      contentType: headers['content-type'],
      ts,
    };
  });
  const named = {};
  const posts = all.filter(({ said }) => said !== undefined);
  for (const { said, ...post } of posts.sort((a, b) => (a.ts < b.ts ? -1 : Number(a.ts > b.ts)))) {
    let nth = 1;
    while (nameOfPost(said, nth) in named) nth += 1;
    named[nameOfPost(said, nth)] = post;
  }
  // The order in which they arrive is not promised.
  return sortedByKey(named);
}

function sortedByKey(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nameOfPost(said, nth) {
  const text = said.length > LONGEST_TEXT ? shortened('', said) : said;
  return `${text} (${nth})`;
}

/** A JSON reviver: a long text is shown by its beginning, its length and its hash. */
function shortened(_key, value) {
  if (typeof value !== 'string' || value.length <= LONGEST_TEXT) return value;
  return `${value.slice(0, 40)}… (${value.length} characters, sha256 ${digest(value)}…)`;
}

function digest(data) {
  return crypto.createHash('sha256').update(data).digest('hex').slice(0, 16);
}

module.exports = { observe };
