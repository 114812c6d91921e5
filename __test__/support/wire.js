// MongoDB's wire protocol, as much of it as one who stands between driver and server needs: where a
// message ends, which one it answers, what a command is called, and, when asked, what it holds.
'use strict';

const { deserialize, serialize } = require('bson');

const HEADER = 16;
const LONGEST = 48 << 20;
const OP_MSG = 2013;
const HAS_CHECKSUM = 1;

/** Cuts what comes in on a socket into whole messages. */
class Messages {
  #chunks = [];
  #size = 0;
  #wanted = HEADER;

  take(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    // A large message comes in many pieces, which are put together once.
    if (this.#size < this.#wanted) return [];
    const messages = [];
    let bytes = Buffer.concat(this.#chunks);
    this.#wanted = lengthOf(bytes);
    while (bytes.length >= this.#wanted) {
      messages.push(new Message(bytes.subarray(0, this.#wanted)));
      bytes = bytes.subarray(this.#wanted);
      this.#wanted = lengthOf(bytes);
    }
    this.#chunks = [bytes];
    this.#size = bytes.length;
    return messages;
  }
}

/** Of the message that begins here; as much as says it, when that is not there yet. */
function lengthOf(bytes) {
  if (bytes.length < HEADER) return HEADER;
  const length = bytes.readInt32LE(0);
  if (length < HEADER || length > LONGEST) throw new Error(`a message of ${length} bytes`);
  return length;
}

/** One message. Only the header is read, until more is asked for. */
class Message {
  #body;

  constructor(bytes) {
    this.bytes = bytes;
    this.id = bytes.readInt32LE(4);
    this.answers = bytes.readInt32LE(8);
    this.isReadable = bytes.readInt32LE(12) === OP_MSG;
  }

  /** The name of the command; undefined for the old form, in which a connection begins. */
  get command() {
    const main = this.isReadable && [...this.sections()].find(({ kind }) => kind === 0);
    // Four bytes of length, one of a type, then the first key.
    return main ? this.text(main.start + 5) : undefined;
  }

  /** The whole command or reply, its document sequences as arrays; an empty one in the old form. */
  get body() {
    this.#body ??= this.isReadable ? this.read() : {};
    return this.#body;
  }

  read() {
    const body = {};
    for (const { kind, start, end } of this.sections()) {
      if (kind === 0) Object.assign(body, this.document(start));
      else Object.assign(body, this.sequence(start, end));
    }
    return body;
  }

  *sections() {
    const flags = this.bytes.readUInt32LE(HEADER);
    const end = this.bytes.length - (flags & HAS_CHECKSUM ? 4 : 0);
    for (let at = HEADER + 4; at < end; ) {
      const section = { kind: this.bytes[at], start: at + 1, end: at + 1 + this.length(at + 1) };
      yield section;
      at = section.end;
    }
  }

  sequence(start, end) {
    const name = this.text(start + 4);
    const documents = [];
    for (let at = start + 4 + Buffer.byteLength(name) + 1; at < end; at += this.length(at)) {
      documents.push(this.document(at));
    }
    return { [name]: documents };
  }

  length(at) {
    return this.bytes.readInt32LE(at);
  }

  document(at) {
    return deserialize(this.bytes.subarray(at, at + this.length(at)), { promoteLongs: false });
  }

  text(at) {
    return this.bytes.toString('utf8', at, this.bytes.indexOf(0, at));
  }
}

/** The bytes of a reply to a request. */
function replyTo(request, document) {
  const body = serialize(document);
  const head = Buffer.alloc(HEADER + 5);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(request.id, 8);
  head.writeInt32LE(OP_MSG, 12);
  return Buffer.concat([head, body]);
}

module.exports = { Messages, replyTo };
