// The MongoDB driver that mongoose brings along, reached without loading mongoose itself:
// the code under test looks for a loaded mongoose, so the tests' own tools must not load one.
'use strict';

const { createRequire } = require('node:module');

module.exports = createRequire(require.resolve('mongoose'))('mongodb');
