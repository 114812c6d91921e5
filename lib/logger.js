/**
 * Lines for the operator: each begins with `[ANALYTICS] ` and goes to the host's logger or the console.
 *
 * Writing a line never throws: an error of the host's logger is ignored.
 */
'use strict';

/** @typedef {(level: 'info' | 'warn' | 'error', text: string) => void} WriteLine */

const LEVELS = ['info', 'warn', 'error'];

/**
 * @param {any} value
 * @returns {boolean}
 */
function isLogger(value) {
  return LEVELS.every((level) => typeof value?.[level] === 'function');
}

/**
 * @param {import('../index.js').Options['logger'] | null} logger `false` writes nothing
 * @returns {WriteLine}
 */
function lineWriter(logger) {
  return (level, text) => {
    if (logger === false) return;
    const line = `[ANALYTICS] ${text}`;
    try {
      if (logger) logger[level](line);
      else if (level === 'info') console.log(line);
      else console[level](line);
    } catch {
      // Only the host's own logger has failed.
    }
  };
}

module.exports = { isLogger, lineWriter };
