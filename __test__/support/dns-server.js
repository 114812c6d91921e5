// A name server on loopback that knows a few records and nothing else.
'use strict';

const dgram = require('node:dgram');
const { once } = require('node:events');
const { decode, encode, AUTHORITATIVE_ANSWER } = require('dns-packet');

const NO_SUCH_NAME = 3;
const TTL_S = 60;

/** `records`: `{ type, name, data }` as dns-packet takes them. `{ address, asked, close() }`. */
async function startDnsServer(records) {
  const socket = dgram.createSocket('udp4');
  const asked = [];
  socket.on('message', (message, from) => {
    const { id, questions } = decode(message);
    const [{ name, type }] = questions;
    asked.push(`${type} ${name}`);
    const known = records.filter((record) => record.name === name);
    const answers = known.filter((record) => record.type === type);
    const reply = encode({
      id,
      type: 'response',
      flags: AUTHORITATIVE_ANSWER | (known.length > 0 ? 0 : NO_SUCH_NAME),
      questions,
      answers: answers.map((record) => ({ ttl: TTL_S, ...record })),
    });
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

module.exports = { startDnsServer };
