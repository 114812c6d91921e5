// Stands between a driver and one mongod on loopback, knows commands from replies, and does to them
// what networks do: loses the reply of a command that was carried out, or the command; delays; resets;
// freezes; cuts connections. Rules decide the fate of commands.
'use strict';

const net = require('node:net');
const { setTimeout: delay } = require('node:timers/promises');
const { Messages, replyTo } = require('./wire');

/** How long a rate holds at least, in milliseconds. */
const CARRIED_MS = 50;

/** Fates of a command: functions of its exchange, for `proxy.rule({ fate })`. */
const fates = {
  forward: (exchange) => exchange.forward(),
  /** The server carries it out and answers; then the connection is cut, and nobody hears of it. */
  async loseReply(exchange) {
    await exchange.forward({ silently: true });
    exchange.cut();
  },
  /** The connection is cut before the server hears of it. */
  loseRequest: (exchange) => exchange.cut(),
  reset: (exchange) => exchange.cut({ reset: true }),
  /** The server never hears of it; the driver is answered with an error: `{ code, codeName, errmsg }`. */
  refuse: (error) => (exchange) => exchange.refuse(error),
  delay: (milliseconds) => async (exchange) => {
    await delay(milliseconds);
    await exchange.forward();
  },
  /** It waits until somebody forwards it; the driver waits too. */
  hold() {},
  /** It waits until somebody forwards it; the driver sees its connection cut. */
  late: (exchange) => exchange.leaveDriver(),
};

/** A command, and its reply once there is one. */
class Exchange {
  constructor(connection, request) {
    this.connection = connection;
    this.request = request;
    /** Resolves with the reply; with nothing when the connection ends before it comes. */
    this.reply = new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  /** Sends it to the server, and the reply to the driver unless `silently`; resolves with it. */
  forward({ silently = false } = {}) {
    this.isSilent = silently;
    this.connection.send(this);
    return this.reply;
  }

  cut(how) {
    this.connection.cut(how);
  }

  refuse(error) {
    this.connection.driver.write(replyTo(this.request, { ok: 0, ...error }));
  }

  leaveDriver() {
    this.connection.isWithoutDriver = true;
    this.connection.driver.destroy();
  }
}

/** What a driver has opened to us, and what we have opened to the server for it. */
class Connection {
  constructor(proxy, driver) {
    this.proxy = proxy;
    this.driver = driver;
    this.server = net.connect(proxy.target, '127.0.0.1');
    this.unanswered = new Map();
    this.isWithoutDriver = false;
    this.pass(driver, (message) => this.onRequest(message));
    this.pass(this.server, (message) => this.onReply(message));
    driver.on('close', () => this.isWithoutDriver || this.cut());
    this.server.on('close', () => this.cut());
  }

  /** Hands the messages of a socket on, one by one and in order. */
  pass(socket, handle) {
    const messages = new Messages();
    let before = Promise.resolve();
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      for (const message of messages.take(chunk)) {
        before = before
          .then(() => this.proxy.thawed)
          .then(() => this.proxy.carried(message.bytes.length))
          .then(() => handle(message));
      }
    });
  }

  onRequest(request) {
    const exchange = new Exchange(this, request);
    // Not awaited: who waits for a reply must not be in the way of it.
    this.proxy.fateOf(exchange)(exchange);
  }

  send(exchange) {
    if (this.server.destroyed) return exchange.answer(undefined);
    this.unanswered.set(exchange.request.id, exchange);
    this.server.write(exchange.request.bytes);
  }

  async onReply(reply) {
    const exchange = this.unanswered.get(reply.answers);
    this.unanswered.delete(reply.answers);
    if (exchange) this.proxy.observe(exchange.request, reply);
    if (this.proxy.latencyMs > 0) await delay(this.proxy.latencyMs);
    if (!exchange?.isSilent && !this.driver.destroyed) this.driver.write(reply.bytes);
    exchange?.answer(reply);
  }

  cut({ reset = false } = {}) {
    if (reset) this.driver.resetAndDestroy();
    this.driver.destroy();
    this.server.destroy();
    this.proxy.connections.delete(this);
    for (const exchange of this.unanswered.values()) exchange.answer(undefined);
    this.unanswered.clear();
  }
}

class MongoProxy {
  constructor(target, observe) {
    this.target = target;
    this.observe = observe;
    this.connections = new Set();
    this.rules = [];
    this.thawed = Promise.resolve();
    /** Milliseconds that every reply takes longer. */
    this.latencyMs = 0;
    /** What a connection carries in each direction. */
    this.bytesPerSecond = Number.POSITIVE_INFINITY;
    /** New connections are closed at once. */
    this.isRefusing = false;
    /** How often somebody has connected, or tried to. */
    this.attempts = 0;
    this.listener = net.createServer((driver) => {
      this.attempts += 1;
      if (this.isRefusing) driver.destroy();
      else this.connections.add(new Connection(this, driver));
    });
  }

  get port() {
    return this.listener.address().port;
  }

  uri(database = '') {
    return `mongodb://127.0.0.1:${this.port}/${database}?directConnection=true`;
  }

  /**
   * `fate` is that of the first `times` commands for which `when(request)` holds, each with the
   * probability `chance`. The first rule that applies counts. Answers the rule: `taken` grows by
   * each exchange, `remove()` ends it.
   */
  rule({ when, fate, times = Number.POSITIVE_INFINITY, chance = 1, random = Math.random }) {
    const rule = { taken: [], fate, when, times, isDrawn: () => chance === 1 || random() < chance };
    rule.remove = () => {
      this.rules = this.rules.filter((other) => other !== rule);
    };
    this.rules.push(rule);
    return rule;
  }

  fateOf(exchange) {
    const applies = ({ when, taken, times, isDrawn }) =>
      taken.length < times && when(exchange.request) && isDrawn();
    const rule = this.rules.find(applies);
    rule?.taken.push(exchange);
    return rule?.fate ?? fates.forward;
  }

  /** Resolves when so many bytes are carried, at the rate of each moment. */
  async carried(bytes) {
    for (let left = bytes; left > 0 && this.bytesPerSecond !== Number.POSITIVE_INFINITY; ) {
      const share = Math.min(left, (this.bytesPerSecond * CARRIED_MS) / 1_000);
      await delay((share / this.bytesPerSecond) * 1_000);
      left -= share;
    }
  }

  /** Nothing passes, in neither direction, and nothing ends either. */
  freeze() {
    this.thaw();
    this.thawed = new Promise((resolve) => {
      this.thaw = resolve;
    });
  }

  /** Everything that was held passes. */
  thaw() {}

  /** Cuts the connections for which `chosen` holds, all of them by default. */
  cut({ chosen = () => true, reset } = {}) {
    for (const connection of [...this.connections].filter(chosen)) connection.cut({ reset });
  }

  async close() {
    this.thaw();
    const closed = new Promise((resolve) => this.listener.close(resolve));
    this.cut();
    await closed;
  }
}

/** A proxy to the mongod on port `target`; `observe(request, reply)` sees every reply. */
async function startProxy(target, { observe = () => {} } = {}) {
  const proxy = new MongoProxy(target, observe);
  await new Promise((resolve, reject) => {
    proxy.listener.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  // A test that fails does not close it.
  proxy.listener.unref();
  return proxy;
}

module.exports = { fates, startProxy };
