// What every game server of the tests can be told that runs an `AnalyticsSystem`.
'use strict';

const { Worker } = require('node:worker_threads');

/** `{ logger, lines }`; a line is `level text`. */
function keepingLogger() {
  const lines = [];
  const keep = (level) => (line) => lines.push(`${level} ${line}`);
  return { logger: { info: keep('info'), warn: keep('warn'), error: keep('error') }, lines };
}

/** The orders that are the methods of the instance, and `lines`. */
function ordersOf(analytics, lines) {
  const methods = ['start', 'stop', 'flush', 'getMetrics', 'getHealth'];
  const orders = methods.map((method) => [method, () => analytics[method]()]);
  return { ...Object.fromEntries(orders), lines: () => lines };
}

/** Whether the system refuses a thread. */
function isThreadRefused() {
  return new Promise((resolve) => {
    try {
      const worker = new Worker('', { eval: true });
      worker.once('error', () => resolve(true));
      worker.once('exit', () => resolve(false));
    } catch {
      resolve(true);
    }
  });
}

module.exports = { isThreadRefused, keepingLogger, ordersOf };
