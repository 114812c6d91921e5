/**
 * A database that is read by a process of its own. It has the methods of the class, and writes nothing of its
 * own accord: no index, no sample of presence, no sum of old sessions.
 *
 * `getMetrics()` is not for it: on a database of the replaced class it waits for what a game server sums up.
 */
'use strict';

const AnalyticsSystem = require('../../index.js');
const { CLIENT, READS_ONLY } = require('../client.js');
const { getFunnel } = require('../funnel.js');

/** @typedef {{ name: string } & AnalyticsSystem.FunnelDefinition} Declared */

class Reader extends AnalyticsSystem {
  /** @param {AnalyticsSystem.Options} options */
  constructor(options) {
    super(/** @type {any} */ ({ ...options, [READS_ONLY]: true }));
  }

  /** @returns {import('../client.js').Client} */
  get client() {
    return /** @type {any} */ (this)[CLIENT];
  }

  /**
   * What each instance of the game says of itself: `{ now, instances: [{ id, name, players, at, hostTime, isHere,
   * hasEnded, isDead, health }] }`. `health` is what it stores every 20 s; see `docs/data-model.md`.
   *
   * @returns {Promise<{ now: Date, instances: any[] }>}
   */
  async instances() {
    return /** @type {any} */ (await this.client.instances());
  }

  /**
   * The funnels that the game declares, as their kept cohorts tell.
   *
   * @returns {Promise<Declared[]>}
   */
  async declaredFunnels() {
    return /** @type {any} */ (await this.client.declaredFunnels()).funnels;
  }

  /**
   * What `getFunnel()` of the game answers for one that it declares.
   *
   * @param {Declared} funnel
   * @param {AnalyticsSystem.FunnelRange} options
   */
  getDeclaredFunnel({ name, ...definition }, options) {
    return getFunnel(this.client, definition, options, name);
  }

  /**
   * What the server, the rights, the collections and their indexes are like.
   *
   * @returns {Promise<any>}
   */
  inspection() {
    return this.client.inspection();
  }

  /**
   * Makes the report of a UTC day, `YYYY-MM-DD`.
   *
   * @param {string} day
   */
  makeReport(day) {
    return this.client.makeReport(day);
  }

  /**
   * The figures of the game as `getOpenMetrics()` gives them, without those of this process.
   *
   * @param {{ format?: string }} options
   */
  getGameMetrics(options) {
    return this.client.openMetrics.gameText(options);
  }
}

module.exports = { Reader };
