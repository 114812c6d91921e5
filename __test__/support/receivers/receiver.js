// What all receivers of events share: a server on a free loopback port that keeps what it was sent,
// answers as its service does, and can be told to fail instead.
'use strict';

const http = require('node:http');
const zlib = require('node:zlib');
const { waitFor } = require('../wait');

class Receiver {
  /** @param {(request: object) => { status: number, body?: unknown, events?: object[] }} answer */
  constructor(answer) {
    this.answer = answer;
    /** Everything that came in full, in order: `{ method, path, headers, body, text, atMs }`. */
    this.requests = [];
    /** Events that were taken, repeated ones included, in order: `{ id, event, user, data, at }`. */
    this.taken = [];
    /** What a client that keeps to the documentation never does. */
    this.violations = [];
    this.sockets = new Set();
    this.faults = [];
    this.constantFault = undefined;
  }

  async start() {
    this.server = http.createServer((request, response) => this.receive(request, response));
    this.server.on('connection', (socket) => this.sockets.add(socket));
    await new Promise((resolve, reject) => {
      this.server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    return this;
  }

  /** The next requests meet these faults, one each. */
  fail(...faults) {
    this.faults.push(...faults);
  }

  /** All requests meet this fault, until `failAlways(undefined)`. */
  failAlways(fault) {
    this.constantFault = fault;
  }

  async receive(message, response) {
    const request = await completed(message);
    if (request === undefined) return;
    this.requests.push(request);
    const behave = () => this.reply(request, response);
    const fault = this.faults.shift() ?? this.constantFault;
    if (fault) fault({ request, response, behave, receiver: this });
    else behave();
  }

  reply(request, response) {
    const { status, body = '', events = [] } = this.answer(request, this);
    this.taken.push(...events);
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  }

  /** Each event the first time it was taken. */
  get distinct() {
    const first = new Map();
    for (const event of this.taken) if (!first.has(event.id)) first.set(event.id, event);
    return [...first.values()];
  }

  waitForRequests(count, timeoutMs = 10_000) {
    const what = `${count} requests (${this.requests.length} came)`;
    return waitFor(() => this.requests.length >= count, { timeoutMs, what });
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** `undefined` if the sender went away half-way. */
async function completed(message) {
  const chunks = [];
  try {
    for await (const chunk of message) chunks.push(chunk);
  } catch {
    return undefined;
  }
  const { method, url: path, headers } = message;
  const body = Buffer.concat(chunks);
  const text = headers['content-encoding'] === 'gzip' ? zlib.gunzipSync(body) : body;
  return { method, path, headers, body, text: text.toString('utf8'), atMs: performance.now() };
}

function basic(request) {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(' ');
  return scheme === 'Basic' ? Buffer.from(value, 'base64').toString('utf8') : undefined;
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === 'string' && value !== '';

module.exports = { Receiver, basic, isObject, isText };
