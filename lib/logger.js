/**
 * Lines for the operator: each begins with `[ANALYTICS] ` and goes to the host's logger or the console.
 *
 * Writing a line never throws: an error of the host's logger is ignored, also one that comes later.
 */
'use strict';

/** @typedef {(level: 'info' | 'warn' | 'error', text: string) => void} WriteLine */

/**
 * @param {any} value
 * @returns {boolean}
 */
function isLogger(value) {
  const isFunction = (/** @type {string} */ name) => typeof value?.[name] === 'function';
  return isFunction('warn') && isFunction('error') && (isFunction('info') || isFunction('log'));
}

/**
 * Loggers like that of NestJS call the level `log`.
 *
 * @param {any} logger
 * @param {'info' | 'warn' | 'error'} level
 * @param {string} line
 */
function pass(logger, level, line) {
  const method = level === 'info' && typeof logger.info !== 'function' ? 'log' : level;
  const promise = logger[method](line);
  if (typeof promise?.then === 'function') promise.then(undefined, () => {});
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
      if (logger) pass(logger, level, line);
      else if (level === 'info') console.log(line);
      else console[level](line);
    } catch {
      // Only the host's own logger has failed.
    }
  };
}

/**
 * A function that warns of each text once.
 *
 * @param {WriteLine} write
 */
function warnOnce(write) {
  const said = new Set();
  return (/** @type {string} */ text) => {
    if (said.has(text)) return;
    said.add(text);
    write('warn', text);
  };
}

module.exports = { isLogger, lineWriter, warnOnce };
