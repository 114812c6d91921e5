// Which JavaScript file of the repository needs which.
'use strict';

const path = require('node:path').posix;

const IMPORT =
  /(?:\brequire(?:\.resolve)?\(\s*|\bimport\(\s*|\bfrom\s+|^import\s+)(['"])(\.[^'"]*)\1/gm;
const COMMENT = /^\s*(?:\/\/|\*|\/\*).*$/gm;
const ENDINGS = ['', '.js', '.cjs', '.mjs', '.ts', '/index.js'];

/** A program that a test runs from the top of the repository requires `./__test__/…`. */
function resolve(from, wanted, files) {
  const isFromTop = wanted.startsWith('./__test__/');
  const base = path.join(isFromTop ? '.' : path.dirname(from), wanted);
  return ENDINGS.map((ending) => (base === '.' ? 'index.js' : base + ending)).find((file) =>
    files.has(file),
  );
}

/** A `Map` of files to the files that they need; `files` is a `Map` of paths to texts. */
function javascriptGraph(files) {
  const graph = new Map();
  for (const [file, text] of files) {
    const wanted = [...text.replace(COMMENT, '').matchAll(IMPORT)].map(([, , name]) => name);
    const found = wanted.map((name) => resolve(file, name, files)).filter(Boolean);
    graph.set(file, new Map(found.map((needed) => [needed, true])));
  }
  return graph;
}

module.exports = { javascriptGraph };
