// Changes of collections, which MongoDB refuses while an index of them is being built.
'use strict';

const { waitFor } = require('./wait');

/** Repeats `change()`, which drops, renames or modifies a collection, until no index build is in its way. */
function afterIndexBuilds(change) {
  const isDone = () => change().then(() => true);
  return waitFor(isDone, { what: 'the end of the last index build' });
}

module.exports = { afterIndexBuilds };
