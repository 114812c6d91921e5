/**
 * One instance's line to its native pipeline: the stage on the way in, promises on the way out.
 *
 * The native side keeps the `deliver` function for as long as its worker lives, so that function
 * refers to the open promises only and to the client weakly: a forgotten instance can be collected,
 * after which its worker writes what it has and ends.
 */
'use strict';

const { isMainThread } = require('node:worker_threads');
const { loadBinary } = require('./binary.js');
const { HostConnection, registerModelsNow } = require('./connection.js');
const { environmentJson, lineWriter, optionsJson } = require('./options.js');
const { Stage } = require('./stage.js');

const { NativeAnalytics, countedEvents, drain } = loadBinary();

const LAST_ID = 0xffffffff;

/** Clients of this environment, for the end of the process; shared by all copies of this module. */
const CLIENTS = Symbol.for('gso-analytics.clients');
const collected = new FinalizationRegistry((reference) => process[CLIENTS].delete(reference));

registerModelsNow();

class Client {
  constructor(options) {
    const json = optionsJson(options);
    this.strict = options.strict === true;
    this.write = lineWriter(options.logger);
    this.open = new OpenPromises();
    try {
      this.native = new NativeAnalytics(json, environmentJson(options), deliverTo(this));
    } catch (error) {
      throw constructorError(error);
    }
    for (const name of this.native.unknownOptions) this.write('warn', `unknown option ${name}`);
    this.isConnectionKnown = this.native.hasUri;
    this.host = new HostConnection(options, (text) => this.write('warn', text));
    this.stage = this.createStage();
    this.isStarted = false;
    this.wasStopped = false;
    this.stopTimer = undefined;
    /** Whether records were handed over since the flush interval was over last. */
    this.hasNews = false;
    this.refusal = null;
    remember(this);
  }

  createStage() {
    const { native, host } = this;
    return new Stage({
      counters: countedEvents(),
      maxEventBytes: native.maxEventBytes,
      forwarding: native.isForwarding,
      bson: () => host.bson(),
      allBsons: () => host.allBsons(),
      handOver: (bytes, length, records) => {
        if (this.isConnectionKnown) this.followHost();
        else this.open.seeker = this;
        this.hasNews = true;
        native.push(bytes, length, records);
      },
      reject: (reason) => {
        this.refusal = reason;
        native.reject(reason);
      },
      note: (reason) => native.note(reason),
    });
  }

  start() {
    if (this.isStarted) return;
    this.isStarted = true;
    // A host that stopped it may have left its connection since, and may be about to make another.
    const anew = this.wasStopped && !this.host.isThere();
    if (anew) this.isConnectionKnown = this.native.hasUri;
    else if (this.isConnectionKnown) this.followHost();
    this.native.start(anew);
    this.stopTimer = everyInterval(this.native.flushIntervalMs, () => this.intervalOver());
    // Else the timer of the host keeps the process alive.
    if (this.stopTimer === undefined) this.open.hold(this.native);
    this.write('info', 'System started');
  }

  stop() {
    this.stage.flush();
    this.lookForConnectionLast();
    this.native.refuse();
    const stopped = this.request((id) => this.native.requestStop(id), { mayFail: false });
    this.wasStopped = true;
    if (this.isStarted) {
      this.isStarted = false;
      if (this.stopTimer === undefined) this.open.release();
      else this.stopTimer();
    }
    return stopped;
  }

  track(event, userId, data) {
    if (!this.stage.event(Date.now(), event, userId, data) && this.strict) throw this.strictError();
  }

  login(userId, username) {
    const time = Date.now();
    return this.acknowledged((ack) => this.stage.login(time, ack, userId, username));
  }

  logout(userId) {
    const time = Date.now();
    return this.acknowledged((ack) => this.stage.logout(time, ack, userId));
  }

  acknowledged(stage) {
    const { id, promise } = this.open.create(this.native, { mayFail: false });
    let isAccepted = false;
    try {
      isAccepted = stage(id);
    } finally {
      // Also when the caller left no stack to run on: an open promise would keep the process alive.
      if (!isAccepted) this.open.settle(id, this.strict ? this.strictError() : undefined);
    }
    return promise;
  }

  strictError() {
    return new TypeError(`refused: ${this.refusal}`);
  }

  flush() {
    return this.request((id) => this.native.requestFlush(id));
  }

  async metrics() {
    // A mocked clock may give anything.
    const time = Number(Date.now());
    const bytes = await this.request((id) => this.native.requestMetrics(id, time));
    return this.deserialize(bytes);
  }

  async days() {
    const bytes = await this.request((id) => this.native.requestDays(id));
    return this.deserialize(bytes).days;
  }

  deserialize(bytes) {
    this.host.meet();
    return this.host.bson().deserialize(bytes);
  }

  health() {
    this.stage.flush();
    return this.native.health();
  }

  /** Sends a request after everything that was staged before it. */
  request(send, { mayFail = true } = {}) {
    this.stage.flush();
    if (this.isConnectionKnown) this.followHost();
    const { id, promise } = this.open.create(this.native, { mayFail });
    try {
      send(id);
    } catch (error) {
      this.open.settle(id, error);
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
    const { connection, prospect, other } = this.readHost(() => this.host.find({ isLast })) ?? {
      prospect: isLast ? 'last' : 'connecting',
    };
    if (connection === undefined) {
      this.native.nothingFound(prospect, other && this.settingsJson(other));
      return;
    }
    this.native.connect(this.settingsJson(connection));
    this.connectionKnown();
  }

  /** A host that connects to another place takes its records there. */
  followHost() {
    const settings = this.readHost(() => this.host.moved());
    if (settings !== undefined) this.native.relocate(this.settingsJson(settings));
  }

  /** Reading a mongoose runs code that is not ours; where that fails, nothing of the host may. */
  readHost(read) {
    try {
      return read();
    } catch (error) {
      this.host.warnAbout(`the settings of mongoose cannot be read (${error?.name})`);
      return undefined;
    }
  }

  settingsJson(settings) {
    const database = this.native.database ?? settings.database;
    return JSON.stringify({ ...settings, database });
  }

  connectionKnown() {
    this.isConnectionKnown = true;
    this.open.seeker = undefined;
  }

  /** The last turn of the process: what is staged goes over, and any connection will do. */
  handOverLast() {
    this.stage.flush();
    this.lookForConnectionLast();
  }

  lookForConnectionLast() {
    if (this.isConnectionKnown) this.followHost();
    else this.lookForConnection({ isLast: true });
  }
}

/** Promises that wait for the native side; as long as one is open the process stays alive. */
class OpenPromises {
  constructor() {
    this.byId = new Map();
    this.lastId = 0;
    this.holders = 0;
    this.native = undefined;
    /** A client with records, until it knows where to: it must be there to look for it. */
    this.seeker = undefined;
  }

  /** `mayFail` is false for promises that never reject. */
  create(native, { mayFail }) {
    do {
      this.lastId = this.lastId === LAST_ID ? 1 : this.lastId + 1;
    } while (this.byId.has(this.lastId));
    const id = this.lastId;
    const promise = new Promise((resolve, reject) =>
      this.byId.set(id, { resolve, reject, mayFail }),
    );
    this.hold(native);
    return { id, promise };
  }

  settle(id, error, result) {
    const waiting = this.byId.get(id);
    if (waiting === undefined) return;
    this.byId.delete(id);
    this.release();
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(error);
  }

  /** Nobody will answer any more. */
  abandon(message) {
    for (const [id, { mayFail }] of this.byId) {
      this.settle(id, mayFail ? requestError(message) : undefined);
    }
  }

  hold(native) {
    if (this.holders++ > 0) return;
    this.native = native;
    native.hold();
  }

  release() {
    if (--this.holders > 0) return;
    this.native.release();
    this.native = undefined;
  }
}

/** By the host's timers as they are now, faked ones included. */
function everyInterval(ms, call) {
  const { setInterval, clearInterval } = globalThis;
  // Contexts of `vm` have none, unless they were given some.
  if (typeof setInterval !== 'function') return undefined;
  const timer = setInterval(call, ms);
  return () => clearInterval(timer);
}

function deliverTo(client) {
  const { open, write } = client;
  const weak = new WeakRef(client);
  return (message) => {
    switch (message.kind) {
      case 'acknowledged':
        for (const id of message.acks) open.settle(id);
        break;
      case 'done':
        open.settle(message.request, undefined, message.result ?? undefined);
        break;
      case 'failed':
        open.settle(message.request, requestError(message));
        break;
      case 'log':
        write(message.code, message.text);
        break;
      case 'died':
        open.abandon(message);
        break;
      case 'otherAdopted':
        weak.deref()?.host.adoptOther();
        break;
      case 'connectionKnown':
        weak.deref()?.connectionKnown();
        break;
      default:
        weak.deref()?.lookForConnection();
    }
  };
}

/** Bad options are told from a folder that cannot be used. */
function constructorError({ code, message }) {
  if (code === 'InvalidArg') return new TypeError(message);
  return requestError({ code: 'ANALYTICS_SPOOL_UNAVAILABLE', text: message });
}

function requestError({ code, text }) {
  return Object.assign(new Error(text), { code });
}

function remember(client) {
  if (process[CLIENTS] === undefined) {
    Object.defineProperty(process, CLIENTS, { value: new Set() });
    process.on('exit', drainAll);
  }
  const reference = new WeakRef(client);
  process[CLIENTS].add(reference);
  collected.register(client, reference);
}

/** One listener for all instances: gives what is pending, of all threads, 1.5 s to be written. */
function drainAll() {
  const live = [...process[CLIENTS]].map((reference) => reference.deref()).filter(Boolean);
  for (const client of live) client.handOverLast();
  const { records, spooled, unforwarded, spooledEvents } = drain(isMainThread);
  if (records === 0 && unforwarded === 0) return;
  const write = live[0]?.write ?? lineWriter(undefined);
  const isLost = records > spooled || unforwarded > spooledEvents;
  const kept = isLost
    ? `, of these in the spool: ${spooled} records, ${spooledEvents} events`
    : ', all are in the spool';
  write(
    isLost ? 'error' : 'warn',
    `the process ends; records not written: ${records}, events not forwarded: ${unforwarded}` +
      `${spooled + spooledEvents > 0 ? kept : ''}`,
  );
}

module.exports = { Client };
