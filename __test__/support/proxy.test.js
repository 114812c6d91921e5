// The proxy does to commands what it says, and nothing to those that no rule names.
'use strict';

const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { serialize } = require('bson');
const { MongoClient } = require('./driver');
const { dropDatabases, freshDatabaseName, startMongod } = require('./mongod');
const { fates, startProxy } = require('./proxy');
const { waitFor, within } = require('./wait');
const { Messages } = require('./wire');

const LATENCY_MS = 150;

const name = freshDatabaseName();
let server;
let direct;

const isInsert = ({ command }) => command === 'insert';
const stored = () => direct.db(name).collection('things').find().sort({ _id: 1 }).toArray();

/** Gives `work` a proxy and a collection behind it; answers what it answers. */
async function through(work, options) {
  const proxy = await startProxy(server.port, options);
  const client = new MongoClient(proxy.uri(name), { serverSelectionTimeoutMS: 5_000 });
  try {
    await direct.db(name).collection('things').deleteMany({});
    await client.connect();
    return await work({ proxy, client, things: client.db(name).collection('things') });
  } finally {
    await proxy.close();
    await client.close();
  }
}

describe('the proxy', () => {
  before(async () => {
    server = await startMongod({ own: true, say() {} });
    direct = new MongoClient(server.uri);
  });
  after(async () => {
    await direct.close();
    await dropDatabases(server.uri, [name]);
    await server.stop();
  });

  it('shows commands with their documents, and what was answered', async () => {
    const seen = [];
    const observe = (request, reply) => seen.push([request.command, request.body, reply.body]);
    await through(({ things }) => things.insertMany([{ _id: 1 }, { _id: 2, text: 'ä' }]), {
      observe,
    });
    const [, request, reply] = seen.find(([command]) => command === 'insert');
    assert.deepStrictEqual(request.documents, [{ _id: 1 }, { _id: 2, text: 'ä' }]);
    assert.deepStrictEqual([request.insert, request.$db], ['things', name]);
    assert.deepStrictEqual([reply.n, reply.ok], [2, 1]);
  });

  it('passes what is larger than one packet', async () => {
    const text = 'x'.repeat(3_000_000);
    await through(async ({ things }) => {
      await things.insertMany([1, 2, 3].map((_id) => ({ _id, text })));
      const sizes = (await things.find().toArray()).map((thing) => thing.text.length);
      assert.deepStrictEqual(sizes, Array(3).fill(text.length));
    });
  });

  it('carries so many bytes a second, and more as soon as it may', async () => {
    await through(async ({ proxy, things }) => {
      proxy.bytesPerSecond = 1_000_000;
      const begun = performance.now();
      await things.insertOne({ _id: 1, text: 'x'.repeat(500_000) });
      const slowMs = performance.now() - begun;
      assert.ok(slowMs >= 400, `${slowMs} ms`);
      proxy.bytesPerSecond = 1_000;
      const late = things.insertOne({ _id: 2, text: 'x'.repeat(500_000) });
      await delay(100);
      proxy.bytesPerSecond = Number.POSITIVE_INFINITY;
      await within(late, { timeoutMs: 5_000, what: 'what would have taken 500 s' });
    });
  });

  it('loses the reply to a command that was carried out, as often as the rule says', async () => {
    await through(async ({ proxy, things }) => {
      const { taken } = proxy.rule({ when: isInsert, fate: fates.loseReply, times: 2 });
      for (const _id of [1, 2]) await assert.rejects(things.insertOne({ _id }), /connection/);
      await things.insertOne({ _id: 3 });
      assert.deepStrictEqual(
        await Promise.all(taken.map(async ({ reply }) => (await reply).body.n)),
        [1, 1],
      );
    });
    assert.deepStrictEqual(await stored(), [{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  });

  for (const fate of ['loseRequest', 'reset']) {
    it(`${fate}: what is asked does not come to the server`, async () => {
      await through(async ({ proxy, things }) => {
        const rule = proxy.rule({ when: isInsert, fate: fates[fate] });
        await assert.rejects(things.insertOne({ _id: 1 }), /connection|ECONNRESET/);
        rule.remove();
        await things.insertOne({ _id: 2 });
      });
      assert.deepStrictEqual(await stored(), [{ _id: 2 }]);
    });
  }

  it('answers with an error: what is asked does not come to the server', async () => {
    await through(async ({ proxy, things }) => {
      const error = { code: 2, codeName: 'BadValue', errmsg: 'refused by the test' };
      const rule = proxy.rule({ when: isInsert, fate: fates.refuse(error) });
      await assert.rejects(things.insertOne({ _id: 1 }), { code: 2, message: /by the test/ });
      rule.remove();
      await things.insertOne({ _id: 2 });
    });
    assert.deepStrictEqual(await stored(), [{ _id: 2 }]);
  });

  it('delays commands, and replies', async () => {
    await through(async ({ proxy, things }) => {
      proxy.rule({ when: isInsert, fate: fates.delay(LATENCY_MS) });
      const begun = performance.now();
      await things.insertOne({ _id: 1 });
      assert.ok(performance.now() - begun >= LATENCY_MS - 2);
      proxy.latencyMs = LATENCY_MS;
      const asked = performance.now();
      await things.findOne();
      assert.ok(performance.now() - asked >= LATENCY_MS - 2);
    });
  });

  it('holds a command until the test releases it, while others pass', async () => {
    await through(async ({ proxy, things }) => {
      const { taken } = proxy.rule({ when: isInsert, fate: fates.hold, times: 1 });
      const first = things.insertOne({ _id: 1 });
      await waitFor(() => taken.length === 1);
      await things.insertOne({ _id: 2 });
      assert.deepStrictEqual(await stored(), [{ _id: 2 }]);
      taken[0].forward();
      assert.strictEqual((await first).insertedId, 1);
    });
  });

  it('lets a command be late: its driver has given it up', async () => {
    await through(async ({ proxy, things }) => {
      const { taken } = proxy.rule({ when: isInsert, fate: fates.late, times: 1 });
      await assert.rejects(things.insertOne({ _id: 1 }), /connection/);
      assert.deepStrictEqual(await stored(), []);
      assert.strictEqual((await taken[0].forward()).body.n, 1);
      assert.deepStrictEqual(await stored(), [{ _id: 1 }]);
    });
  });

  it('freezes everything, and loses nothing by it', async () => {
    await through(async ({ proxy, things }) => {
      proxy.freeze();
      const inserting = things.insertOne({ _id: 1 });
      await assert.rejects(within(inserting, { timeoutMs: LATENCY_MS }), /waited/);
      assert.deepStrictEqual(await stored(), []);
      proxy.thaw();
      await inserting;
    });
    assert.deepStrictEqual(await stored(), [{ _id: 1 }]);
  });

  it('cuts all connections, refuses new ones, and takes them again', async () => {
    await through(async ({ proxy, things }) => {
      proxy.isRefusing = true;
      proxy.cut();
      await assert.rejects(things.insertOne({ _id: 1 }));
      proxy.isRefusing = false;
      await things.insertOne({ _id: 2 });
    });
    assert.deepStrictEqual(await stored(), [{ _id: 2 }]);
  });

  it('draws by the generator it is given', async () => {
    await through(async ({ proxy, things }) => {
      const drawn = [0.9, 0.1, 0.9];
      const random = () => drawn.shift();
      proxy.rule({ when: isInsert, fate: fates.loseRequest, chance: 0.5, random });
      await things.insertOne({ _id: 1 });
      await assert.rejects(things.insertOne({ _id: 2 }), /connection/);
      await things.insertOne({ _id: 3 });
    });
    assert.deepStrictEqual(await stored(), [{ _id: 1 }, { _id: 3 }]);
  });
});

const DOCUMENTS = [{ _id: 1 }, { _id: 2, text: 'ä' }];

/** The bytes of a message of these sections. */
function message(...sections) {
  const body = Buffer.concat(sections);
  const header = Buffer.alloc(20);
  const numbers = [header.length + body.length, 7, 0, 2013];
  for (const [i, number] of numbers.entries()) header.writeInt32LE(number, 4 * i);
  return Buffer.concat([header, body]);
}

const main = (document) => Buffer.concat([Buffer.from([0]), serialize(document)]);

function sequence(name, documents) {
  const content = Buffer.concat([
    Buffer.from(`${name}\0`),
    ...documents.map((one) => serialize(one)),
  ]);
  const head = Buffer.from([1, 0, 0, 0, 0]);
  head.writeInt32LE(content.length + 4, 1);
  return Buffer.concat([head, content]);
}

describe('a message', () => {
  const FORMS = {
    'an array of its body': [main({ insert: 'things', documents: DOCUMENTS })],
    'a sequence after it': [main({ insert: 'things' }), sequence('documents', DOCUMENTS)],
    'a sequence before it': [sequence('documents', DOCUMENTS), main({ insert: 'things' })],
  };
  for (const [form, sections] of Object.entries(FORMS)) {
    it(`shows documents that are ${form}, cut anywhere`, () => {
      const bytes = message(...sections);
      const messages = new Messages();
      for (let cut = 0; cut < bytes.length; cut++) {
        assert.deepStrictEqual(messages.take(bytes.subarray(0, cut)), []);
        const [shown, ...more] = messages.take(bytes.subarray(cut));
        assert.deepStrictEqual([shown.id, shown.command, more], [7, 'insert', []]);
        assert.deepStrictEqual(shown.body, { insert: 'things', documents: DOCUMENTS });
      }
    });
  }
});
