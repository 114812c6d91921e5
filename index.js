'use strict';

const { CLIENT, Client } = require('./lib/client.js');
const { getFunnel } = require('./lib/funnel.js');
const { deleteUser, exportUser } = require('./lib/personal.js');

/** Drop-in for the mongoose-based class of the same name; see `index.d.ts` for the documentation. */
class AnalyticsSystem {
  constructor(options) {
    Object.defineProperty(this, CLIENT, { value: new Client(options ?? {}) });
  }

  start() {
    this[CLIENT].start();
  }

  stop() {
    return this[CLIENT].stop();
  }

  onLogin(userId, username) {
    return this[CLIENT].login(userId, username);
  }

  onLogout(userId) {
    return this[CLIENT].logout(userId);
  }

  track(event, userId, data, options) {
    this[CLIENT].track(event, userId, data, options);
  }

  getMetrics() {
    return this[CLIENT].metrics();
  }

  getLast30Days() {
    return this[CLIENT].days();
  }

  getConcurrency(options) {
    return this[CLIENT].concurrency(options);
  }

  getFunnel(funnel, options) {
    return getFunnel(this[CLIENT], funnel, options);
  }

  exportUser(userId) {
    return exportUser(this[CLIENT], userId);
  }

  deleteUser(userId, options) {
    return deleteUser(this[CLIENT], userId, options);
  }

  async getActivity(options) {
    return (await this[CLIENT].report('getActivity', options)).rows;
  }

  async getRetention(options) {
    return (await this[CLIENT].report('getRetention', options)).rows;
  }

  async getSessionLengths(options) {
    return (await this[CLIENT].report('getSessionLengths', options)).rows;
  }

  async getEconomy(options) {
    return (await this[CLIENT].report('getEconomy', options)).rows;
  }

  async getRevenue(options) {
    return (await this[CLIENT].report('getRevenue', options)).rows;
  }

  async getTopEvents(options) {
    return (await this[CLIENT].report('getTopEvents', options)).rows;
  }

  getOpenMetrics(options) {
    return this[CLIENT].openMetrics.text(options);
  }

  flush() {
    return this[CLIENT].flush();
  }

  getHealth() {
    return this[CLIENT].health();
  }
}

module.exports = AnalyticsSystem;
module.exports.AnalyticsSystem = AnalyticsSystem;
module.exports.default = AnalyticsSystem;
