// Makes a mongod behind a proxy look like the router of a sharded cluster, as far as a driver asks: the
// answer to `hello`, also in the old form in which a connection begins.
'use strict';

const { deserialize, serialize } = require('bson');
const { replyTo } = require('./wire');

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OPCODE_AT = 12;
/** The header of an OP_REPLY, with flags, cursor, offset and number of documents. */
const REPLY_HEAD = 36;
const GREETINGS = ['hello', 'isMaster', 'ismaster'];

/** What a member of a replica set says of itself, and a router does not. */
const OF_A_MEMBER = [
  ...['setName', 'setVersion', 'hosts', 'primary', 'me', 'electionId', 'secondary', 'lastWrite'],
  // With it the driver would wait for news, of which there are none.
  'topologyVersion',
];

const opcodeOf = (message) => message.bytes.readInt32LE(OPCODE_AT);

function asRouter(hello) {
  const shown = Object.entries(hello).filter(([name]) => !OF_A_MEMBER.includes(name));
  return { ...Object.fromEntries(shown), msg: 'isdbgrid', ismaster: true, isWritablePrimary: true };
}

function oldReply(request, reply, document) {
  const body = serialize(document);
  const head = Buffer.from(reply.bytes.subarray(0, REPLY_HEAD));
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(request.id, 8);
  return Buffer.concat([head, body]);
}

async function greet(exchange) {
  const { request } = exchange;
  const reply = await exchange.forward({ silently: true });
  if (!reply) return;
  const isOld = opcodeOf(reply) === OP_REPLY;
  const hello = isOld ? deserialize(reply.bytes.subarray(REPLY_HEAD)) : reply.body;
  const bytes = isOld
    ? oldReply(request, reply, asRouter(hello))
    : replyTo(request, asRouter(hello));
  exchange.connection.driver.write(bytes);
}

/** From now on the proxy greets as a router; answers the rule, whose `taken` are the greetings. */
function actAsRouter(proxy) {
  const isGreeting = (request) =>
    opcodeOf(request) === OP_QUERY || GREETINGS.includes(request.command);
  return proxy.rule({ when: isGreeting, fate: greet });
}

module.exports = { actAsRouter };
