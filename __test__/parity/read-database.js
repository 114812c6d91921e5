// Reads a whole database as it is stored: canonical EJSON, so BSON types and field order show.
// Left out: the addon's own book-keeping (`_a` in daily documents, the collections gsouniques, gsoreports,
// gsoplayers and gsopurchases).
'use strict';

const { BSON } = require('../support/driver');

const COLLECTIONS = ['gsosessions', 'gsodailies', 'gsoevents'];
const IGNORED_COLLECTIONS = [
  ...['gsouniques', 'gsoreports', 'gsoplayers', 'gsopurchases'],
  'parity_signals',
];
const RAW = { promoteValues: false, promoteBuffers: false, bsonRegExp: true };

/** `{ database: { <collection>: [document…] }, labels: Map(hex of an _id → its name) }` */
async function readDatabase(db) {
  const database = {};
  const labels = new Map();
  for (const collection of await collectionsOf(db)) {
    const documents = await documentsOf(db, collection);
    documents.forEach((document, index) => {
      if (document._id?.$oid) labels.set(document._id.$oid, `${collection}[${index}]._id`);
    });
    database[collection] = documents;
  }
  return { database, labels };
}

async function collectionsOf(db) {
  const listed = await db.listCollections({}, { nameOnly: true }).toArray();
  const others = listed.map(({ name }) => name).filter((name) => !COLLECTIONS.includes(name));
  const strangers = others.filter((name) => !IGNORED_COLLECTIONS.includes(name));
  return [...COLLECTIONS, ...strangers.sort()];
}

/** Sorted by what they hold: documents are written independently of each other. */
async function documentsOf(db, collection) {
  const documents = await db.collection(collection).find({}, RAW).toArray();
  const plain = documents.map((document) => {
    if (collection === 'gsodailies') delete document._a;
    return BSON.EJSON.serialize(document, { relaxed: false });
  });
  return sortDocuments(plain);
}

function sortDocuments(documents) {
  const sortKey = ({ _id, ...rest }) => JSON.stringify(rest);
  return documents
    .map((document) => [sortKey(document), document])
    .sort(([a], [b]) => (a < b ? -1 : Number(a > b)))
    .map(([, document]) => document);
}

/** `{ <collection>: [index specification…] }`, sorted by name. */
async function readIndexes(db) {
  const indexes = {};
  for (const collection of COLLECTIONS) {
    const listed = await db
      .collection(collection)
      .indexes()
      .catch(() => []);
    // `v` belongs to the server; `background` was written by older mongoose and means nothing.
    const plain = listed.map(({ v, background, ...rest }) => rest);
    indexes[collection] = plain.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
  return indexes;
}

module.exports = { COLLECTIONS, RAW, collectionsOf, readDatabase, readIndexes, sortDocuments };
