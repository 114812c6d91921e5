/**
 * Answers that are kept for a while, so that viewers, however many, cost the database what one costs. Callers at
 * the same time share one answer.
 */
'use strict';

/** A failed answer is asked for again after this time. */
const FAILURE_MS = 2_000;
/** Answers of past days come and go; the oldest give way. */
const MOST = 500;

class Cache {
  constructor() {
    /** @type {Map<string, { until: number, answer: Promise<any> }>} */
    this.entries = new Map();
  }

  /**
   * @template T
   * @param {string} key
   * @param {number | ((answer: T) => number)} ms how long the answer is kept, from its arrival
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  get(key, ms, ask) {
    const known = this.entries.get(key);
    if (known !== undefined && performance.now() < known.until) return known.answer;
    const entry = { until: Number.POSITIVE_INFINITY, answer: ask() };
    const keepFor = (/** @type {number} */ time) => {
      entry.until = performance.now() + time;
    };
    entry.answer.then(
      (answer) => keepFor(typeof ms === 'number' ? ms : ms(answer)),
      () => keepFor(FAILURE_MS),
    );
    this.entries.delete(key);
    this.entries.set(key, entry);
    const [oldest] = this.entries.keys();
    if (this.entries.size > MOST) this.entries.delete(/** @type {string} */ (oldest));
    return entry.answer;
  }
}

module.exports = { Cache };
