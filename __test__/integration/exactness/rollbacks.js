// What members of a replica set have taken back: when a primary returns that had writes which no majority
// ever had, it puts the documents that it removes or changes back into files.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { deserialize } = require('bson');

/** The events, sessions and daily documents that a member has taken back since it was made. */
function takenBack({ folder }) {
  const files = path.join(folder, 'db', 'rollback');
  if (!fs.existsSync(files)) return [];
  const found = fs.readdirSync(files, { recursive: true, withFileTypes: true });
  const removed = found.filter((one) => one.isFile() && one.name.endsWith('.bson'));
  const documents = removed.flatMap((one) => read(path.join(one.parentPath, one.name)));
  // The server's own book-keeping is among them.
  return documents.filter(({ day }) => day !== undefined);
}

/** All documents of a file, which stand in it one after the other. */
function read(file) {
  const bytes = fs.readFileSync(file);
  const documents = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + bytes.readInt32LE(at);
    documents.push(deserialize(bytes.subarray(at, end)));
    at = end;
  }
  return documents;
}

module.exports = { takenBack };
