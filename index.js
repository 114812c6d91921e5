'use strict';

const { Client } = require('./lib/client.js');

/** Drop-in for the mongoose-based class of the same name; see `index.d.ts` for the documentation. */
class AnalyticsSystem {
  #client;

  constructor(options = {}) {
    this.#client = new Client(options);
  }

  start() {
    this.#client.start();
  }

  stop() {
    return this.#client.stop();
  }

  onLogin(userId, username) {
    return this.#client.login(userId, username);
  }

  onLogout(userId) {
    return this.#client.logout(userId);
  }

  track(event, userId, data) {
    this.#client.track(event, userId, data);
  }

  getMetrics() {
    return this.#client.metrics();
  }

  getLast30Days() {
    return this.#client.days();
  }

  flush() {
    return this.#client.flush();
  }

  getHealth() {
    return this.#client.health();
  }
}

module.exports = AnalyticsSystem;
module.exports.AnalyticsSystem = AnalyticsSystem;
module.exports.default = AnalyticsSystem;
