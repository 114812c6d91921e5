/**
 * Client of one instance's native pipeline: records go in through the stage, answers come out through
 * pending promises.
 *
 * Methods for the host never throw for what they are given, unless `strict` is set. Code that reads the
 * host's mongoose may run code that is not ours; an error there becomes a warning.
 */
'use strict';

const { Stage } = require('./encode/stage.js');
const { flushAtExit } = require('./exit.js');
const { loadBinary } = require('./loader.js');
const { lineWriter, warnOnce } = require('./logger.js');
const { messageHandler } = require('./messages.js');
const { OpenMetrics } = require('./metrics/index.js');
const { HostConnection } = require('./mongoose/connection.js');
const { registerModelsNow } = require('./mongoose/models.js');
const { environmentJson, optionsJson, plainJson } = require('./options.js');
const { PendingPromises, requestError } = require('./pending.js');
const { authorities, untrusted } = require('./trust.js');

/**
 * @typedef {import('../index.js').Options} Options
 * @typedef {import('../native.js').RejectReason} RejectReason
 * @typedef {import('./mongoose/settings.js').Settings} Settings
 */

/**
 * Key of the client of an instance. Not a private field: those cannot be reached through a Proxy or a derived
 * object.
 */
const CLIENT = Symbol('client');
/** Key of an option, which makes an instance that writes nothing of its own accord. */
const READER = Symbol('reader');

const native = loadBinary();

registerModelsNow();

class Client {
  /** @param {Options} options as the host gave them, not validated yet */
  constructor(options) {
    const json = optionsJson(options);
    this.strict = options.strict === true;
    this.write = lineWriter(options.logger);
    this.warnAbout = warnOnce(this.write);
    this.pending = new PendingPromises();
    const onMessage = messageHandler(this, { isDebugBuild: native.IS_DEBUG_BUILD });
    try {
      this.native = new native.NativeAnalytics(
        json,
        environmentJson(options),
        onMessage,
        () => this.authorities(),
        /** @type {any} */ (options)[READER],
      );
    } catch (error) {
      throw constructorError(/** @type {any} */ (error));
    }
    for (const name of this.native.unknownOptions) {
      this.write('warn', `unknown option ${name}: it has no effect; see the type Options`);
    }
    this.isConnectionKnown = this.native.hasUri;
    this.host = new HostConnection(options, this.warnAbout, {
      harmless: native.harmlessOptions(),
      ownTotals: this.native.ownTotals,
    });
    this.openMetrics = new OpenMetrics(this);
    this.stage = this.createStage();
    this.isStarted = false;
    this.wasStopped = false;
    /** @type {(() => void) | undefined} */
    this.stopTimer = undefined;
    /** Whether records were enqueued since the flush interval ended last. */
    this.hasNews = false;
    /** @type {RejectReason | null} */
    this.lastRejection = null;
    flushAtExit(this);
  }

  /** The native side asks when a setting uses TLS. */
  authorities() {
    const line = untrusted();
    if (line !== undefined) this.warnAbout(line);
    return authorities() ?? null;
  }

  createStage() {
    const { native: pipeline, host } = this;
    return new Stage({
      counters: pipeline.countedEvents(),
      maxEventBytes: pipeline.maxEventBytes,
      forwarding: pipeline.isForwarding,
      bson: () => host.bson(),
      allBsons: () => host.allBsons(),
      handOver: (bytes, length, records) => {
        if (this.isConnectionKnown) this.followHost();
        else this.pending.seeker = this;
        this.hasNews = true;
        pipeline.enqueue(bytes, length, records);
      },
      reject: (reason) => {
        this.lastRejection = reason;
        pipeline.countRejected(reason);
      },
      warn: (reason) => pipeline.countWarning(reason),
    });
  }

  start() {
    if (this.isStarted) return;
    this.isStarted = true;
    // A host that stopped it may have left its connection since, and may be about to make another.
    const isAnew = this.wasStopped && !this.host.isInUse();
    if (isAnew) this.isConnectionKnown = this.native.hasUri;
    else if (this.isConnectionKnown) this.followHost();
    this.native.start(isAnew);
    this.stopTimer = everyInterval(this.native.flushIntervalMs, () => this.intervalOver());
    // Without it, the host's timer keeps the process alive.
    if (this.stopTimer === undefined) this.pending.ref(this.native);
    this.write('info', 'System started');
  }

  /** @returns {Promise<void>} never rejects */
  stop() {
    this.stage.flush();
    this.lookForConnectionLast();
    this.native.stopAccepting();
    const stopped = this.request((id) => this.native.requestStop(id), { mayFail: false });
    this.wasStopped = true;
    if (this.isStarted) {
      this.isStarted = false;
      if (this.stopTimer === undefined) this.pending.unref();
      else this.stopTimer();
    }
    return stopped;
  }

  /**
   * @param {unknown} event
   * @param {unknown} userId
   * @param {unknown} data
   * @param {unknown} options
   */
  track(event, userId, data, options) {
    const isTaken = this.stage.event(Date.now(), event, userId, data, options);
    if (!isTaken && this.strict) throw this.strictError();
  }

  /**
   * @param {unknown} userId
   * @param {unknown} username
   */
  login(userId, username) {
    const time = Date.now();
    return this.acknowledged((ack) => this.stage.login(time, ack, userId, username));
  }

  /** @param {unknown} userId */
  logout(userId) {
    const time = Date.now();
    return this.acknowledged((ack) => this.stage.logout(time, ack, userId));
  }

  /**
   * @param {(ack: number) => boolean} stage
   * @returns {Promise<void>}
   */
  acknowledged(stage) {
    const { id, promise } = this.pending.create(this.native, { mayFail: false });
    let isAccepted = false;
    try {
      isAccepted = stage(id);
    } finally {
      // Also when the caller left no stack to run on: a pending promise would keep the process alive.
      if (!isAccepted) this.pending.settle(id, this.strict ? this.strictError() : undefined);
    }
    return promise;
  }

  strictError() {
    return new TypeError(`rejected: ${this.lastRejection}`);
  }

  /** @returns {Promise<void>} */
  flush() {
    return this.request((id) => this.native.requestFlush(id));
  }

  async metrics() {
    // A mocked clock may give anything.
    const time = Number(Date.now());
    return this.read((id) => this.native.requestMetrics(id, time));
  }

  async days() {
    return (await this.read((id) => this.native.requestDays(id))).days;
  }

  /** @param {{ day?: unknown } | null | undefined} options */
  async concurrency(options) {
    const day = options?.day ?? null;
    return this.read((id) => {
      const isDay = day === null || typeof day === 'string';
      if (!isDay || !this.native.requestConcurrency(id, day)) throw invalidDay();
    });
  }

  /**
   * The answer of a method that reads reports.
   *
   * @param {string} method
   * @param {unknown} options
   */
  async report(method, options) {
    const json = plainJson(options ?? {});
    return this.read((id) => {
      const problem = this.native.requestReport(id, method, json);
      if (problem !== null) throw new TypeError(problem);
    });
  }

  /**
   * The document that answers a request.
   *
   * @param {(id: number) => void} send
   * @returns {Promise<any>}
   */
  async read(send) {
    const bytes = await this.request(send);
    this.host.meet();
    return this.host.bson().deserialize(bytes);
  }

  health() {
    this.stage.flush();
    return this.native.health();
  }

  /**
   * Sends a request after everything that was staged before it.
   *
   * @param {(id: number) => void} send
   */
  request(send, { mayFail = true } = {}) {
    this.stage.flush();
    if (this.isConnectionKnown) this.followHost();
    const { id, promise } = this.pending.create(this.native, { mayFail });
    try {
      send(id);
    } catch (error) {
      this.pending.settle(id, error);
    }
    return promise;
  }

  /** The native side keeps time too; a host that fakes its timers expects theirs to count. */
  intervalOver() {
    this.stage.turnEnded();
    if (this.isConnectionKnown) this.followHost();
    if (!this.hasNews) return;
    this.hasNews = false;
    this.native.totalsDue();
  }

  lookForConnection({ isLast = false } = {}) {
    if (this.isConnectionKnown) return;
    const wasRead = this.readHost(() => this.adopt(this.host.find({ isLast })));
    if (!wasRead) this.native.nothingFound(isLast ? 'noTime' : 'connecting');
  }

  /** @param {import('./mongoose/connection.js').Found | import('./mongoose/connection.js').NotFound} found */
  adopt(found) {
    if (found.connection !== undefined) {
      this.native.connect(this.settingsJson(found.connection));
      this.connectionKnown();
    } else {
      this.native.nothingFound(found.outlook, found.other && this.settingsJson(found.other));
    }
  }

  /** A host that connects to another database takes its records there. */
  followHost() {
    const { adopted } = this.host;
    const wasRead = this.readHost(() => {
      const settings = this.host.switched();
      if (settings !== undefined) this.native.switchDatabase(this.settingsJson(settings));
    });
    // So that the switch is met again.
    if (!wasRead) this.host.adopted = adopted;
  }

  /**
   * Reads the host's mongoose, which may throw for reasons of its own, and hands over what was read, which the
   * native side may refuse.
   *
   * @param {() => void} read
   * @returns {boolean} whether that went well
   */
  readHost(read) {
    try {
      read();
      return true;
    } catch (error) {
      const meanwhile = this.isConnectionKnown ? 'go to the database before' : 'wait';
      this.warnAbout(
        `the settings of mongoose cannot be read (${nameOf(error)}): records ${meanwhile} until they ` +
          'can be; if that lasts, set options.uri',
      );
      return false;
    }
  }

  /** @param {Settings} settings */
  settingsJson(settings) {
    const database = this.native.database ?? settings.database;
    return JSON.stringify({ ...settings, database });
  }

  connectionKnown() {
    this.isConnectionKnown = true;
    this.pending.seeker = undefined;
  }

  adoptOther() {
    this.host.adoptOther();
  }

  /** Hands over what is staged in the last turn of the process, where any connection will do. */
  handOverLast() {
    this.stage.flush();
    this.lookForConnectionLast();
  }

  lookForConnectionLast() {
    if (this.isConnectionKnown) this.followHost();
    else this.lookForConnection({ isLast: true });
  }
}

/**
 * Calls by the host's timers as they are now, faked ones included.
 *
 * @param {number} ms
 * @param {() => void} call
 * @returns {(() => void) | undefined} stops the timer; nothing when there are no timers
 */
function everyInterval(ms, call) {
  const { setInterval, clearInterval } = globalThis;
  // Contexts of `vm` have none, unless they were given some.
  if (typeof setInterval !== 'function') return undefined;
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}

/**
 * The name of an error that the host's code has thrown, which may be anything.
 *
 * @param {any} error
 */
function nameOf(error) {
  const name = error?.name;
  return typeof name === 'string' && /^\w{1,60}$/.test(name) ? name : 'an error without a name';
}

function invalidDay() {
  return new TypeError("day: must be a day of the calendar, as '2026-11-28'");
}

/**
 * Tells a bad option from what the machine refuses.
 *
 * @param {{ code: string, message: string }} error of the native constructor
 */
function constructorError({ code, message }) {
  if (code === 'InvalidArg') return new TypeError(message);
  if (code === 'ANALYTICS_INVALID_URI') return Object.assign(new TypeError(message), { code });
  return requestError({ code, text: message });
}

module.exports = { CLIENT, Client, READER, invalidDay };
