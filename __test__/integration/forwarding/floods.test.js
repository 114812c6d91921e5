// A receiver that never comes to the end of an answer costs itself: what is read of it is bounded, and other
// receivers and MongoDB do not notice.
'use strict';

const assert = require('node:assert');
const net = require('node:net');
const { after, describe, it } = require('node:test');
const setup = require('./setup');

const { QUICK, RECEIVERS, create, startReceiver, trackNumbers, waitFor } = setup;

const mongo = setup.useMongod();

const MIB = 2 ** 20;
/** What a sender reads of one answer, with what lies in buffers of the system. */
const MOST_READ = 16 * MIB;
const EVENTS = 20;
const ok = 'HTTP/1.1 200 OK\r\n';

/** How answers begin, and what they go on with for ever. */
const FLOODS = {
  'early hints': ['', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  'continue, with a header': ['', `HTTP/1.1 100 Continue\r\nx: ${'y'.repeat(500)}\r\n\r\n`],
  processing: ['', 'HTTP/1.1 102 Processing\r\n\r\n'],
  headers: [ok, 'x-more: and more\r\n'],
  'one header': [`${ok}x-long: `, 'and longer'],
  'a body': [`${ok}content-length: 99999999999\r\n\r\n`, 'more'],
  chunks: [`${ok}transfer-encoding: chunked\r\n\r\n`, '1\r\nx\r\n'],
  'the extension of a chunk': [`${ok}transfer-encoding: chunked\r\n\r\n1;`, 'longer'],
  trailers: [`${ok}transfer-encoding: chunked\r\n\r\n0\r\n`, 'x-more: and more\r\n'],
  'bytes that are no HTTP': ['', 'nothing'],
};

const servers = [];
after(() => {
  for (const { server, sockets } of servers) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
});

/** Answers each request with a flood; `most` is what was written to one connection. */
async function startFlood([head, more]) {
  const block = more.repeat(Math.ceil(65_536 / more.length));
  const flood = { most: 0, requests: 0, sockets: new Set() };
  flood.server = net.createServer((socket) => {
    flood.sockets.add(socket);
    socket.on('error', () => {}).on('close', () => flood.sockets.delete(socket));
    const pour = () => {
      while (!socket.destroyed && socket.write(block));
      flood.most = Math.max(flood.most, socket.bytesWritten - socket.writableLength);
    };
    socket.once('data', () => {
      flood.requests += 1;
      socket.write(head);
      socket.on('drain', pour);
      pour();
    });
    socket.resume();
  });
  servers.push(flood);
  await new Promise((resolve) => flood.server.listen(0, '127.0.0.1', resolve));
  flood.url = `http://127.0.0.1:${flood.server.address().port}/`;
  return flood;
}

describe('a receiver that floods', { concurrency: true }, () => {
  for (const [what, kind] of Object.entries(FLOODS)) {
    it(`is left, and costs nothing but itself: ${what}`, async () => {
      const flood = await startFlood(kind);
      const other = await startReceiver('raw');
      const database = mongo.database();
      const { analytics } = create({
        ...{ uri: database.uri, shutdownTimeoutMs: 500 },
        destinations: [
          { name: 'flood', url: flood.url, ...QUICK, maxRetryDelayMs: 1_000 },
          { ...RECEIVERS.raw.at(other), name: 'other' },
        ],
      });
      analytics.start();
      trackNumbers(analytics, EVENTS);
      await waitFor(() => flood.requests > 2, { what: 'requests to the one that floods' });
      await waitFor(() => other.taken.length === EVENTS, { what: 'all events at the other one' });
      await analytics.flush();
      assert.strictEqual(await database.count('gsoevents'), EVENTS);
      assert.ok(flood.most < MOST_READ, `${flood.most} bytes were read of one answer`);
      await analytics.stop();
    });
  }
});
