/**
 * `getOpenMetrics()`: what a scrape of Prometheus reads.
 */
'use strict';

const { performance } = require('node:perf_hooks');
const { exposition } = require('./exposition.js');
const { gameFamilies } = require('./game.js');
const { processFamilies } = require('./process.js');

/** For how long figures of the game are given again; and those that change rarely. */
const FRESH_MS = 10_000;
const RARE_MS = 60_000;
const FORMATS = ['openmetrics', 'prometheus'];
// Taken now: fake timers replace the method.
const monotonicMs = performance.now.bind(performance);

/**
 * @typedef {import('../client.js').Client} Client
 * @typedef {import('./exposition.js').Family} Family
 */

class OpenMetrics {
  /** @param {Client} client */
  constructor(client) {
    this.client = client;
    /** @type {Promise<Family[]> | undefined} */
    this.game = undefined;
    this.gameMs = 0;
    /**
     * What changes rarely, of its day.
     *
     * @type {any}
     */
    this.rare = {};
    this.rareMs = Number.NEGATIVE_INFINITY;
  }

  /**
   * @param {any} options
   * @throws {TypeError} for an unknown format
   */
  async text(options) {
    const format = formatOf(options);
    const health = /** @type {any} */ (this.client.health());
    // Absent, not 0, while the database is away.
    const game = await this.gameFamilies().catch(() => []);
    const own = processFamilies(health, this.client.native.maxQueueBytes);
    return exposition([...own, ...game], format);
  }

  /**
   * The families of the game alone.
   *
   * @param {any} options
   * @throws {TypeError} for an unknown format
   */
  async gameText(options) {
    const format = formatOf(options);
    return exposition(await this.gameFamilies(), format);
  }

  /** Scrapes at the same time share one read; one that failed is not kept. */
  gameFamilies() {
    const nowMs = monotonicMs();
    if (this.game === undefined || nowMs - this.gameMs >= FRESH_MS) {
      const reading = this.readGame();
      reading.catch(() => {
        if (this.game === reading) this.game = undefined;
      });
      this.game = reading;
      this.gameMs = nowMs;
    }
    return this.game;
  }

  /** @returns {Promise<Family[]>} */
  async readGame() {
    const { client } = this;
    const nowMs = monotonicMs();
    const isWhole = nowMs - this.rareMs >= RARE_MS;
    const figures = await client.read((id) => client.native.requestGame(id, isWhole));
    if (isWhole) {
      this.rare = figures;
      this.rareMs = nowMs;
    } else if (figures.day !== this.rare.day) {
      this.rareMs = Number.NEGATIVE_INFINITY;
      return this.readGame();
    }
    return gameFamilies({ ...this.rare, ...figures }, this.settings());
  }

  /**
   * Of a game that of this instance; of a reader without options what reports tell, and until one does the defaults:
   * a series that is missing says nothing.
   */
  settings() {
    const { native } = this.client;
    if (this.rare.learned) return this.rare.learned;
    return { events: native.countedEvents().map(({ event }) => event), flows: native.flows() };
  }
}

/** @param {any} options */
function formatOf(options) {
  const format = options?.format ?? 'openmetrics';
  if (!FORMATS.includes(format))
    throw new TypeError(`format: must be one of ${FORMATS.join(', ')}`);
  return format;
}

module.exports = { OpenMetrics };
