// The webhook's receiver misbehaves, or is away: MongoDB gets every record, and memory is bounded. The
// delivery of events is tested in integration/forwarding.
'use strict';

const net = require('node:net');
const { conclude, delay, playHarmed, startPair } = require('./play');

const DRIP_MS = 200;

const respond = (status, headers = '') =>
  `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n${headers}\r\n`;

/** What the receiver does with a connection that has sent something. */
const WAYS = {
  'too many requests': (socket) =>
    socket.write(respond('429 Too Many Requests', 'retry-after: 1\r\n')),
  'an error': (socket) => socket.write(respond('500 Internal Server Error')),
  hangs() {},
  'drips slowly'(socket) {
    const bytes = Buffer.from(respond('200 OK'));
    let sent = 0;
    const timer = setInterval(() => {
      if (sent < bytes.length) socket.write(bytes.subarray(sent, ++sent));
    }, DRIP_MS);
    socket.once('close', () => clearInterval(timer));
  },
  'moved permanently': (socket) =>
    socket.write(respond('301 Moved Permanently', 'location: http://127.0.0.1:1/\r\n')),
  gone: (socket) => socket.write(respond('410 Gone')),
  'too large': (socket) => socket.write(respond('413 Content Too Large')),
  garbage: (socket) => socket.end('\0\0 this is no HTTP \r\n\r\n'),
  reset: (socket) => socket.resetAndDestroy(),
  well: (socket) => socket.write(respond('200 OK')),
};
const FAULTS = Object.keys(WAYS).filter((name) => name !== 'well');

async function startReceiver(context) {
  const receiver = { way: 'well', requests: 0, sockets: new Set() };
  const server = net.createServer((socket) => {
    receiver.sockets.add(socket);
    socket.on('close', () => receiver.sockets.delete(socket)).on('error', () => {});
    socket.on('data', () => {
      receiver.requests += 1;
      if (!socket.destroyed) WAYS[receiver.way](socket);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      for (const socket of receiver.sockets) socket.destroy();
    });
  context.onEnd(close);
  receiver.url = `http://127.0.0.1:${server.address().port}/hook`;
  return receiver;
}

async function withReceiver(context, { rounds, harm, webhookUrl, note }) {
  const mongo = await context.standalone();
  const database = mongo.database();
  // Events that the receiver does not take need not delay the end.
  const options = { webhookUrl, shutdownTimeoutMs: 2_000 };
  const servers = await startPair(context, database.uri, { options });
  const recoveryMs = await playHarmed(servers, { database, rounds, harm, compares: true });
  const row = await conclude(servers, database, { rounds, recoveryMs });
  return { ...row, note: note() };
}

async function misbehaves(context) {
  const receiver = await startReceiver(context);
  const harm = async (round) => {
    receiver.way = FAULTS[round % FAULTS.length];
    await delay(context.chosen(1_000, 4_000));
  };
  const rounds = context.rounds(FAULTS.length, FAULTS.length);
  const note = () => `${FAULTS.length} ways, ${receiver.requests} requests`;
  const row = await withReceiver(context, { rounds, harm, webhookUrl: receiver.url, note });
  if (receiver.requests === 0) row.problems.push('nothing came to the receiver');
  return row;
}

/** Nothing listens there. */
const NOBODY = 'http://127.0.0.1:1/hook';

function away(context) {
  const awayMs = context.chosen(5_000, 120_000);
  const harm = () => delay(awayMs);
  const note = () => `${awayMs / 1_000} s`;
  const rounds = context.rounds(1, 1);
  return withReceiver(context, { rounds, harm, webhookUrl: NOBODY, note });
}

module.exports = {
  28: { name: 'the webhook misbehaves', run: misbehaves },
  29: { name: 'the webhook is away', run: away },
};
