// The test infrastructure keeps its own promises: nothing outlives a test, nothing foreign is
// dropped, deadlines hold.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { MongoClient } = require('./driver');
const { childEnvironment, cleanEnvironment } = require('./environment');
const { startHost } = require('./host');
const { dropDatabases, freshDatabaseName, startMongod, withDatabase } = require('./mongod');
const { waitFor, within } = require('./wait');
const { startWebhook } = require('./webhook');

cleanEnvironment();

function isAlive(pid) {
  // A killed process that nobody has waited for yet still has its id.
  const status = `/proc/${pid}/stat`;
  if (process.platform === 'linux') {
    return fs.existsSync(status) && !/^\d+ \(.*\) Z/.test(fs.readFileSync(status, 'utf8'));
  }
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a mongod of its own', () => {
  let server;
  before(async () => {
    server = await startMongod({ own: true, say() {} });
  });
  after(() => server.stop());

  it('keeps its data and its port over a kill and a restart', async () => {
    const client = new MongoClient(server.uri);
    const collection = client.db(freshDatabaseName()).collection('kept');
    await collection.insertOne({ _id: 1 }, { writeConcern: { j: true } });
    const { pid, port } = server;
    await server.kill('SIGKILL');
    assert.strictEqual(isAlive(pid), false);
    await server.restart();
    assert.strictEqual(server.port, port);
    assert.notStrictEqual(server.pid, pid);
    assert.deepStrictEqual(await collection.findOne(), { _id: 1 });
    await client.close();
  });

  it('drops databases of tests only', async () => {
    await assert.rejects(dropDatabases(server.uri, ['production']), /not a database of the tests/);
  });
});

describe('a test process that is killed', () => {
  it('leaves no mongod and no folder behind', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-killed-'));
    const script = path.join(folder, 'killed.js');
    const start = `require(${JSON.stringify(path.join(__dirname, 'mongod.js'))}).startMongod`;
    fs.writeFileSync(
      script,
      `${start}({ own: true }).then(({ pid }) => console.log('mongod', pid, '.'));`,
    );
    // Its temporary folder is ours, so what it leaves there can be seen.
    const host = startHost(script, { env: { TMPDIR: folder } });
    const told = () => /mongod (\d+) \.\n/.exec(host.output.stdout);
    const pid = Number((await waitFor(told, { timeoutMs: 60_000, what: 'the mongod' }))[1]);
    assert.ok(isAlive(pid));
    host.child.kill('SIGKILL');
    await waitFor(() => !isAlive(pid), { what: 'the mongod to be gone' });
    const left = () => fs.readdirSync(folder).filter((name) => name.startsWith('gso-mongod-'));
    await waitFor(() => left().length === 0, { what: 'its folder to be gone' });
    fs.rmSync(folder, { recursive: true });
  });
});

describe('the environment of tests', () => {
  it('holds nothing that points at a live database', () => {
    const kept = process.env.ANALYTICS_TEST_MONGODB_URI;
    Object.assign(process.env, { MONGODB_URI: 'x', MONGO_URI: 'x', ANALYTICS_WEBHOOK_URL: 'x' });
    cleanEnvironment();
    const names = Object.keys(process.env).filter((name) =>
      /^ANALYTICS_|^MONGO(DB)?_URI/.test(name),
    );
    assert.deepStrictEqual(names, kept ? ['ANALYTICS_TEST_MONGODB_URI'] : []);
    assert.strictEqual(childEnvironment().ANALYTICS_TEST_MONGODB_URI, undefined);
  });

  it('puts a database into a URI and keeps the rest of it', () => {
    assert.strictEqual(withDatabase('mongodb://h:1', 'd'), 'mongodb://h:1/d');
    assert.strictEqual(withDatabase('mongodb://h,i/x?w=1', 'd'), 'mongodb://h,i/d?w=1');
    assert.strictEqual(withDatabase('mongodb://u:p@h/x', 'd'), 'mongodb://u:p@h/d?authSource=x');
  });
});

describe('deadlines', () => {
  it('end a wait for a condition and say what it was for', async () => {
    const never = waitFor(() => false, { timeoutMs: 30, what: 'the moon' });
    await assert.rejects(never, /waited 30 ms in vain for the moon/);
    await assert.rejects(within(new Promise(() => {}), { timeoutMs: 30 }), /waited 30 ms/);
  });

  it('end a host that hangs', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-hangs-'));
    const script = path.join(folder, 'hangs.js');
    fs.writeFileSync(script, "console.log('begun'); setInterval(() => {}, 1000);");
    const result = await startHost(script, { timeoutMs: 500 }).finished;
    assert.deepStrictEqual([result.timedOut, result.signal], [true, 'SIGKILL']);
    fs.rmSync(folder, { recursive: true });
  });
});

describe('the webhook receiver', () => {
  it('records requests as they came and answers as the test says', async () => {
    const webhook = await startWebhook({ status: 503 });
    const post = (signal) => fetch(webhook.url, { method: 'POST', body: '{"ä":1}', signal });
    assert.strictEqual((await post()).status, 503);
    webhook.answerWith(204);
    assert.strictEqual((await post()).status, 204);
    webhook.hang();
    const hanging = new AbortController();
    const refused = assert.rejects(post(hanging.signal), { name: 'AbortError' });
    await webhook.waitForRequests(3);
    hanging.abort();
    await refused;
    assert.deepStrictEqual(
      webhook.requests.map(({ method, path: target, text }) => [method, target, text]),
      Array(3).fill(['POST', '/hook', '{"ä":1}']),
    );
    await webhook.close();
  });
});
