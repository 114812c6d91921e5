/**
 * A database that is read by a process of its own. It has the methods of the class, and writes nothing of its
 * own accord: no index, no sample of presence, no sum of old sessions.
 *
 * `getMetrics()` is not for it: on a database of the replaced class it waits for what a game server sums up.
 */
'use strict';

const AnalyticsSystem = require('../../index.js');
const { CLIENT, READER, invalidDay } = require('../client.js');
const { getFunnel } = require('../funnel.js');

/**
 * @typedef {{ name: string } & AnalyticsSystem.FunnelDefinition} Declared
 *
 * What a receiver said to an event: its texts are one clean line each.
 * @typedef {object} Probed
 * @property {string} id of the event
 * @property {'taken' | 'away' | 'misconfigured' | 'refused' | 'gone'} verdict
 * @property {number | null} status null without an answer
 * @property {string} answer the beginning of the body
 * @property {string | null} problem
 */

class Reader extends AnalyticsSystem {
  /**
   * @param {AnalyticsSystem.Options} options
   * @param {{ destination?: string, learns?: boolean }} [how] `destination`: the name of the one to which stored events
   *   are forwarded; `learns`: these are not the options of the game, whose currencies, counted events and funnels
   *   are taken from its reports
   */
  constructor(options, { destination, learns = false } = {}) {
    super(/** @type {any} */ ({ ...options, [READER]: { destination, learns } }));
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
  instances() {
    const { client } = this;
    return client.read((id) => client.native.requestInstances(id));
  }

  /**
   * The funnels that the game declares, as their kept cohorts tell.
   *
   * @returns {Promise<Declared[]>}
   */
  async declaredFunnels() {
    const { client } = this;
    return (await client.read((id) => client.native.requestDeclaredFunnels(id))).funnels;
  }

  /**
   * What `getFunnel()` of the game answers for one that it declares. Where it is not known whom the game leaves out,
   * the answer has what the game has kept, and `isKeptOnly`.
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
    const { client } = this;
    return client.read((id) => client.native.requestInspection(id));
  }

  /**
   * Makes the report of a UTC day, `YYYY-MM-DD`.
   *
   * @param {string} day
   */
  makeReport(day) {
    const { client } = this;
    return client.request((id) => {
      if (!client.native.requestReportOfDay(id, day)) throw invalidDay();
    });
  }

  /**
   * A page of stored events: `{ events, sessions, isLast }`.
   *
   * @param {import('../../native.js').StoredRange} range
   * @returns {Promise<import('./replay/events.js').Page>}
   */
  async storedEvents(range) {
    const { client } = this;
    const bytes = await client.request((id) => client.native.requestStoredEvents(id, range));
    // As the host has passed them: a Buffer is one in JSON, too.
    const options = { promoteBuffers: true, validation: { utf8: false } };
    return /** @type {any} */ (client.host.bson().deserialize(bytes, options));
  }

  /**
   * Forwards stored events to the destination, or only tells; which of them it wants.
   *
   * @param {import('../../native.js').StoredEvent[]} events
   */
  forward(events, { isDry = false } = {}) {
    return this.client.native.forward(events, isDry);
  }

  /**
   * Up to which event the destination is done, and whether it says that its settings are wrong.
   *
   * @param {number} last number of the newest event that was forwarded
   */
  forwarded(last) {
    return this.client.native.forwarded(last);
  }

  /**
   * Sends an event to the destination by itself, once.
   *
   * @param {import('../../native.js').StoredEvent} event
   * @returns {Promise<Probed>}
   */
  probe(event) {
    const { client } = this;
    return client.read((id) => client.native.requestProbe(id, event));
  }

  /** Events that wait are not sent. */
  discardForwarded() {
    this.client.native.discardForwarded();
  }

  /** What `getHealth()` says of the destination. */
  destination() {
    return this.getHealth().destinations[0];
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
