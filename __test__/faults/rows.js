// All rows by their number: `name` is what breaks, `run(context)` answers the numbers of the table and the
// `problems`.
'use strict';

const ROWS = {
  ...require('./rows-kills'),
  ...require('./rows-outages').ROWS,
  ...require('./rows-network'),
  ...require('./rows-answers'),
  ...require('./rows-disks'),
  ...require('./rows-processes'),
  ...require('./rows-copies'),
  ...require('./rows-clashes'),
  ...require('./rows-damage'),
  ...require('./rows-endings'),
  ...require('./rows-data'),
  ...require('./rows-webhook'),
  ...require('./rows-refusals'),
  ...require('./rows-defects'),
  ...require('./rows-limits'),
  ...require('./rows-dead'),
};

/** Rows of the brief form: those of the short form that need no addon with failpoints. */
const BRIEF = [1, 3, 5, 7, 8, 11, 19, 22, 23, 24, 30, 35, 36];
/** Rows of the short form. */
const SHORT = [1, 2, 3, 5, 7, 8, 11, 19, 22, 23, 24, 30, 35, 36];

module.exports = { BRIEF, ROWS, SHORT };
