// A game server that plays scenarios as they arrive, each with the class loaded anew on a database of its
// own. Settings: `kind` and `file` of the implementation.
'use strict';

const path = require('node:path');

const ROOT = path.join(__dirname, '..', '..', '..');
const WAIT_MS = 20_000;

/** The orders of the server: `play(job)` plays one scenario. */
function ordersOf({ kind, file }) {
  // Before anything else is loaded; see clock.js.
  const clock = require('../../support/clock').installClock('2036-01-01T00:00:00.000Z');
  const mongoose = require('mongoose');
  return { play: (job) => new Player({ kind, file, clock, mongoose, job }).play() };
}

class Player {
  constructor({ kind, file, clock, mongoose, job }) {
    const { makeValue } = require('./values');
    Object.assign(this, { file, clock, mongoose, job });
    this.isReference = kind === 'reference';
    this.make = (spec) => makeValue(spec, mongoose.mongo.BSON);
    this.describe = require('../describe').describeWith(mongoose.Types.ObjectId);
    this.systems = [];
    /** What the reference writes and sends without telling anybody. */
    this.unheard = [];
    this.pending = [];
    this.users = new Map();
    this.returned = {};
    this.printed = '';
  }

  async play() {
    const { uri, webhookUrl, fault, program } = this.job;
    const { nameOf } = require('./model');
    if (webhookUrl) process.env.ANALYTICS_WEBHOOK_URL = webhookUrl;
    else delete process.env.ANALYTICS_WEBHOOK_URL;
    const release = this.capture();
    try {
      this.clock.set(new Date(program.calls[0].at).toISOString());
      await this.mongoose.connect(uri);
      await this.load();
      this.disturb = fault && require('./faults').install(fault, { root: ROOT });
      for (const [index, call] of program.calls.entries()) {
        await this.makeCall(nameOf(call, index), call);
      }
      await this.finish();
    } finally {
      release();
    }
    return { returned: this.returned, printed: this.printed.split('\n').filter(Boolean) };
  }

  /** Everything that goes to stdout belongs to the scenario. */
  capture() {
    const write = process.stdout.write;
    process.stdout.write = (text) => {
      this.printed += text;
      return true;
    };
    return () => {
      process.stdout.write = write;
    };
  }

  /**
   * Models and class are made anew, so that indexes and state are those of this database. Two
   * instances of the reference that write a day before its unique index stands make two documents
   * of it, at times; so the index is waited for.
   */
  async load() {
    for (const name of this.mongoose.modelNames()) this.mongoose.deleteModel(name);
    const isOurs = (file) => file === this.file || file.startsWith(path.join(ROOT, 'lib'));
    for (const file of Object.keys(require.cache)) {
      if (isOurs(file) || file === path.join(ROOT, 'index.js')) delete require.cache[file];
    }
    this.AnalyticsSystem = require(this.file);
    if (!this.isReference) return;
    this.listen(this.mongoose.models.GSOEvent, 'create');
    this.listen(this.AnalyticsSystem.prototype, '_forwardExternal');
    await this.indexed();
  }

  listen(object, method) {
    const original = object[method];
    const { unheard } = this;
    object[method] = function (...args) {
      const promise = original.apply(this, args);
      unheard.push(promise);
      return promise;
    };
  }

  async makeCall(name, call) {
    this.clock.set(new Date(call.at).toISOString());
    if (call.op === 'join') await this.join();
    else if (call.op === 'create') this.systems[call.on] = new this.AnalyticsSystem();
    else await this[call.op](this.systems[call.on], call, name);
  }

  start(system, _call, name) {
    this.returned[name] = this.describe(system.start());
  }

  async stop(system, _call, name) {
    await this.note(name, system.stop());
  }

  async login(system, call, name) {
    await this.began(call, name, system.onLogin(this.idOf(call), this.make(call.name)));
  }

  async logout(system, call, name) {
    await this.began(call, name, system.onLogout(this.idOf(call)));
  }

  /** A caller has an id at hand and passes the same value each time. */
  idOf({ user, id }) {
    if (user === undefined) return this.make(id);
    if (!this.users.has(user)) this.users.set(user, this.make(id));
    return this.users.get(user);
  }

  async began({ wait }, name, promise) {
    const noted = this.note(name, promise);
    if (wait) await noted;
    else this.pending.push(noted);
  }

  async note(name, promise) {
    const isPromise = typeof promise?.then === 'function';
    const how = isPromise ? 'resolved' : 'returned';
    this.returned[name] = { [how]: this.describe(await promise) };
  }

  async track(system, call, name) {
    const data = this.make(call.data);
    try {
      this.returned[name] = this.describe(
        system.track(this.make(call.event), this.make(call.id), data),
      );
    } catch (error) {
      this.returned[name] = { '<threw>': error.name };
    }
    if (call.change) Object.assign(data, call.change);
    // The reference reads the clock and the data once more when it sends.
    if (this.job.webhookUrl && !call.sameTurn) await Promise.allSettled(this.unheard);
  }

  async metrics(system, _call, name) {
    await this.allWritten();
    await this.note(name, system.getMetrics());
  }

  async days(system, _call, name) {
    await this.allWritten();
    await this.note(name, system.getLast30Days());
  }

  /** Only the class's own memory is asked by it; what other instances hold has to be written. */
  allWritten() {
    const flush = (system) => (this.isReference ? system._flush() : system.flush());
    return Promise.all(this.systems.map(flush));
  }

  async join() {
    await Promise.all(this.pending);
    this.pending = [];
  }

  async finish() {
    await this.join();
    await Promise.allSettled(this.unheard);
    await this.allWritten();
    if (!this.isReference) await this.allSent();
    for (const system of this.systems) await system.stop();
    await this.indexed();
    await this.disturb?.(this.mongoose.connection.db);
    await this.mongoose.disconnect();
  }

  async indexed() {
    const models = this.mongoose.modelNames().map((name) => this.mongoose.model(name));
    await Promise.allSettled(models.map((model) => model.init()));
  }

  async allSent() {
    const { waitFor } = require('../../support/wait');
    const isSent = () =>
      this.systems.every((one) => one.getHealth().destinations.every((to) => to.queued === 0));
    await waitFor(isSent, { timeoutMs: WAIT_MS, everyMs: 5, what: 'the posts to be sent' });
  }
}

module.exports = ordersOf;
