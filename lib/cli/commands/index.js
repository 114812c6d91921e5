/**
 * The commands, in the order of the help.
 */
'use strict';

/**
 * @typedef {object} Option
 * @property {'string' | 'boolean'} type
 * @property {boolean} [multiple] whether it may be given several times
 * @property {string} [value] what stands for its value in the help, as `<file>`
 * @property {string} help
 *
 * @typedef {Record<string, Option>} Options by their names without `--`
 *
 * @typedef {object} Command
 * @property {string} summary one line without a full stop
 * @property {string} description
 * @property {string[]} examples
 * @property {Options} [options] beside those of all commands
 * @property {string[]} [arguments] what stands for each in the help, as `<user>`
 * @property {(context: import('../context.js').Context) => Promise<number | void>} run answers with the exit
 *   code, 0 by default
 */

/** @type {Record<string, Command>} */
const COMMANDS = {
  dashboard: require('./dashboard.js'),
  report: require('./report.js'),
  metrics: require('./metrics.js'),
  rollup: require('./rollup.js'),
  export: require('./export.js'),
  delete: require('./delete.js'),
  replay: require('./replay.js'),
  'test-destination': require('./test-destination.js'),
  doctor: require('./doctor.js'),
};

module.exports = { COMMANDS };
