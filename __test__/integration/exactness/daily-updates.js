// Updates of the daily documents by writer (a queue of a process), as a proxy sees them:
// `startProxy(port, new DailyUpdates())`.
'use strict';

const { entryOf, kindOf } = require('./writes');

class DailyUpdates {
  #byWriter = new Map();
  /** Other commands on the daily documents. */
  others = [];

  observe = ({ command, body, bytes }, reply) => {
    if (body[command] !== 'gsodailies') return;
    if (kindOf({ command, body }) !== 'add to day') {
      this.others.push(command);
      return;
    }
    const writer = entryOf(body);
    const own = this.#byWriter.get(writer) ?? [];
    this.#byWriter.set(writer, [...own, { bytes: bytes.length, answer: reply.bytes.length }]);
  };

  /** Forgets what was seen. */
  begin() {
    this.#byWriter.clear();
    this.others = [];
  }

  /** The additions of each writer, `{ bytes, answer }`, since the beginning. */
  get updates() {
    return [...this.#byWriter.values()];
  }
}

module.exports = { DailyUpdates };
