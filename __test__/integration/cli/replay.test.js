// `replay` sends what is stored as the game has sent it: the same bodies, ids and times, without what a
// destination is not to know, whatever the receiver answers and whenever the command is killed.
'use strict';

const assert = require('node:assert');
const { createHmac } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { startHost } = require('../../support/host');
const { QUICK, RECEIVERS, create, faults, range, startReceiver, useMongod, waitFor } =
  require('../forwarding/setup');
const { MAIN, cli, linesOf, watchedCli } = require('./command');

const mongo = useMongod();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-replay-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const HOUR_MS = 3_600_000;
const SECRET = 's3cr3t';
const secret = 'a secret of the game, never told';
const signingSecrets = ['whsec_YW4gZXhhbXBsZSB0aGF0IGlzIG5vIHNlY3JldA=='];
const PRIVATE = { redactKeys: ['email', 'deep.secret'], hashUserId: { secret } };
const hashOf = (user) => createHmac('sha256', secret).update(user).digest('hex');
const textOf = ({ requests }) =>
  requests.map(({ path: at, headers, text }) => at + JSON.stringify(headers) + text).join('\n');

let files = 0;
function fileOf(options) {
  files += 1;
  const file = path.join(folder, `options-${files}.json`);
  fs.writeFileSync(file, JSON.stringify(options));
  return file;
}

/** `{ receiver, to, args(more) }`: a destination, and the arguments that replay the last hours to it. */
async function replayTo(format, fields = {}) {
  const receiver = await startReceiver(format);
  const name = 'again';
  const to = { ...RECEIVERS[format].at(receiver), ...QUICK, ...fields, name };
  const options = fileOf({ destinations: [{ url: 'http://127.0.0.1:1/', name: 'other' }, to] });
  const state = path.join(folder, `state-${files}.json`);
  const args = (more = []) => [
    ...['replay', '--options', options, '--destination', name, '--state', state],
    ...['--from', at(-3 * HOUR_MS), '--to', at(HOUR_MS), ...more],
  ];
  return { receiver, to, args, state, options };
}

const begun = Date.now();
const at = (ms) => new Date(begun + ms).toISOString();

/** Stores numbered events. */
async function storeNumbers(count, event = 'quest.done') {
  const database = mongo.database();
  const { analytics } = create({ uri: database.uri });
  for (const n of range(count)) analytics.track(event, `u${n % 7}`, { n, email: SECRET });
  await analytics.flush();
  return { database, analytics };
}

const numbersOf = ({ distinct }) => distinct.map(({ data }) => data.n).sort((a, b) => a - b);

/** What a request says of each event, by its id; the time of sending aside. */
function eventsIn(receiver) {
  const all = receiver.requests.flatMap(({ text, headers }) => {
    const id = headers['webhook-id'];
    if (id !== undefined) return [[id, text]];
    const body = JSON.parse(text);
    const events = Array.isArray(body) ? body : (body.batch ?? body.events);
    return events.map((event) => [idOf(event), JSON.stringify(event)]);
  });
  return Object.fromEntries(all.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function idOf(event) {
  const ids = [event.properties?.$insert_id, event.messageId, event.uuid, event.insert_id];
  return [...ids, event.event_uuid].find((id) => id !== undefined);
}

describe('replay', { concurrency: 2 }, () => {
  for (const format of Object.keys(RECEIVERS)) {
    it(`sends the bodies that the game has sent, byte for byte: ${format}`, async () => {
      const fields = { ...PRIVATE, ...(format === 'raw' && { signingSecrets }) };
      const live = await startReceiver(format);
      const { receiver, args } = await replayTo(format, fields);
      const database = mongo.database();
      const destinations = [{ ...RECEIVERS[format].at(live), ...QUICK, ...fields }];
      const { analytics } = create({ uri: database.uri, destinations });
      const deep = { secret: SECRET, n: 2, list: [{ email: [SECRET] }, 'ü'] };
      await analytics.onLogin('ann@home', 'Ann');
      analytics.track('quest.done', 'ann@home', { n: 1.5, email: SECRET, deep, big: 1e21 });
      analytics.track('credits.earn', 'ann@home', { amount: 5, reason: 'quest' });
      await analytics.onLogout('ann@home');
      analytics.track('quest.done', 'bob', { at: new Date(0), id: Buffer.from('x'), no: NaN });
      analytics.track('quest.done', undefined, [1, { email: SECRET }]);
      analytics.track('quest.done', null);
      const timestamp = begun - HOUR_MS;
      analytics.track('stripe.payment', 'eve', { amountCents: 5 }, { dedupeKey: 'k1', timestamp });
      await analytics.stop();
      const sent = eventsIn(live);
      const { code, stdout, problems, writes } = await watchedCli(args(['--json']), {
        server: mongo.server,
        database,
      });
      assert.deepStrictEqual([code, problems, writes], [0, [], []]);
      const again = eventsIn(receiver);
      assert.strictEqual(Object.keys(again).length, 6);
      for (const [id, body] of Object.entries(again)) assert.strictEqual(body, sent[id]);
      assert.deepStrictEqual(receiver.violations, []);
      assert.doesNotMatch(textOf(receiver), /s3cr3t|ann@home/);
      assert.ok(receiver.taken.some(({ user }) => user === hashOf('ann@home')));
      const { from, to, ...counts } = JSON.parse(stdout);
      assert.deepStrictEqual([from, to], [at(-3 * HOUR_MS), at(HOUR_MS)]);
      assert.deepStrictEqual(counts, {
        ...{ destination: 'again', sent: 6, sentAgain: 0, refused: 0, notWanted: 0 },
        lastError: null,
      });
    });
  }

  it('sends every event of a span, and no other, in the order of their times', async () => {
    const { receiver, args, state } = await replayTo('segment', { deny: ['chat'] });
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    // More than a page, more than fit into one moment of a page, and hours without any.
    for (const n of range(2_500)) {
      const timestamp = begun - 2 * HOUR_MS + Math.floor(n / 1_250) * 90 * 60_000;
      analytics.track(n % 100 === 0 ? 'chat' : 'quest.done', `u${n % 7}`, { n }, { timestamp });
    }
    analytics.track('quest.done', 'u', { n: -1 }, { timestamp: begun - 3 * HOUR_MS - 1 });
    await analytics.flush();
    const { code, stdout } = await cli(args(), { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.strictEqual(
      stdout,
      `again: 2475 sent, 0 sent again, 0 refused, 25 not wanted by allow and deny\n`,
    );
    assert.deepStrictEqual(
      numbersOf(receiver),
      range(2_500).filter((n) => n % 100 !== 0),
    );
    const times = receiver.taken.map((event) => event.at);
    assert.deepStrictEqual(
      times,
      times.toSorted((one, other) => one - other),
    );
    assert.ok(!fs.existsSync(state), 'the state is removed');
    assert.ok(receiver.requests.length < 10, `${receiver.requests.length} requests`);
  });

  it('sends the events that are named, no faster than it may', async () => {
    const { receiver, args } = await replayTo('raw');
    const { database, analytics } = await storeNumbers(30, 'chat');
    for (const n of range(30)) analytics.track(n % 2 === 0 ? 'a' : 'b', 'u', { n });
    await analytics.flush();
    const more = ['--event', 'a', '--event', 'b', '--rate', '20'];
    const { code } = await cli(args(more), { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(numbersOf(receiver), range(30));
    const [first, last] = [receiver.requests[0], receiver.requests.at(-1)].map((one) => one.atMs);
    assert.ok(last - first > 1_000, `${last - first} ms`);
  });

  it('waits for a receiver that is away', async () => {
    const { receiver, args } = await replayTo('posthog');
    receiver.fail(faults.status(503), faults.reset, faults.loseAnswer);
    const { database } = await storeNumbers(20);
    const { code, stdout } = await cli(args(['--json']), { uri: database.uri });
    const { sent, sentAgain } = JSON.parse(stdout);
    assert.deepStrictEqual([code, sent, sentAgain], [0, 20, 60]);
    assert.deepStrictEqual(numbersOf(receiver), range(20));
  });

  it('counts what would be sent without sending it', async () => {
    const { receiver, args, state } = await replayTo('mixpanel', { deny: ['chat'] });
    const { database, analytics } = await storeNumbers(5);
    analytics.track('chat', 'u', {});
    analytics.track('new\nline', 'u', {});
    await analytics.flush();
    const { code, stdout, problems } = await cli(args(['--dry-run']), { uri: database.uri });
    assert.deepStrictEqual([code, problems], [0, []]);
    assert.deepStrictEqual(linesOf(stdout), [
      'again: 6 would be sent, 1 are not wanted by allow and deny',
      ...['5 "quest.done"', '1 "new\\nline"'],
    ]);
    const json = await cli(args(['--dry-run', '--json']), { uri: database.uri });
    const events = [
      { event: 'quest.done', count: 5 },
      { event: 'new\nline', count: 1 },
    ];
    const { events: counted, notWanted } = JSON.parse(json.stdout);
    assert.deepStrictEqual([counted, notWanted], [events, 1]);
    assert.deepStrictEqual([receiver.requests.length, fs.existsSync(state)], [0, false]);
  });
});

describe('a replay that ends early', { concurrency: 2 }, () => {
  it('goes on after a kill where it ended: every event arrives, few arrive twice', async () => {
    const { receiver, args, state } = await replayTo('raw');
    const { database } = await storeNumbers(3_000);
    const env = { ANALYTICS_MONGODB_URI: database.uri };
    const host = startHost(MAIN, { args: args(['--rate', '600']), env });
    await waitFor(() => fs.existsSync(state) && JSON.parse(fs.readFileSync(state)).done.passed[0], {
      ...{ what: 'a state with events that are done', timeoutMs: 20_000 },
    });
    host.child.kill('SIGKILL');
    await host.finished;
    const before = receiver.taken.length;
    assert.ok(before >= 1_000 && before < 3_000, `${before}`);
    const other = args().map((arg) => (arg === at(HOUR_MS) ? at(2 * HOUR_MS) : arg));
    const refused = await cli(other, { uri: database.uri });
    assert.strictEqual(refused.code, 2);
    assert.match(refused.stderr, /is the state of another replay, with other arguments: finish/);
    const { code, stderr, stdout } = await cli(args(['--json']), { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.match(stderr, /^goes on at \d{4}-.*Z, where .* says that it ended$/m);
    assert.deepStrictEqual(numbersOf(receiver), range(3_000));
    const { sent } = JSON.parse(stdout);
    assert.ok(sent <= 2_000, `${sent} sent the second time`);
    assert.ok(!fs.existsSync(state));
  });

  for (const [what, code, says] of [
    [
      'a wrong key',
      401,
      /again: it answered 401\. It takes nothing as it is set: no event is lost/,
    ],
    ['a receiver that is gone', 410, /again: it answered 410\. It takes nothing as it is set/],
  ]) {
    it(`tells of ${what} at once, and goes on when that is corrected`, async () => {
      const { receiver, args, state } = await replayTo('amplitude');
      receiver.fail(faults.status(code));
      const { database } = await storeNumbers(10);
      const first = await cli(args(), { uri: database.uri });
      assert.deepStrictEqual([first.code, first.stdout], [1, '']);
      assert.match(first.stderr, says);
      assert.ok(fs.existsSync(state));
      const second = await cli(args(), { uri: database.uri });
      assert.strictEqual(second.code, 0);
      assert.deepStrictEqual(numbersOf(receiver), range(10));
    });
  }

  it('tells of events that are refused', async () => {
    const { args } = await replayTo('segment');
    const { database, analytics } = await storeNumbers(3);
    analytics.track('', 'u', {});
    await analytics.flush();
    const { code, stdout, stderr } = await cli(args(), { uri: database.uri });
    assert.strictEqual(code, 1);
    assert.match(stdout, /^again: 3 sent, 0 sent again, 1 refused/);
    assert.match(stderr, /never taken as they are: it has no name that is text/);
  });
});

describe('a destination', { concurrency: 2 }, () => {
  const span = ['--from', '2026-11-23', '--to', '2026-11-24'];

  it('is found by its name, and by no secret', async () => {
    const { options } = await replayTo('segment');
    const { uri } = mongo.database();
    const args = ['replay', '--options', options, '--destination', 'nobody', ...span];
    const { code, stderr } = await cli(args, { uri });
    assert.strictEqual(code, 2);
    assert.match(stderr, /destination: must be one of other, again$/m);
    const none = await cli(['replay', '--destination', 'webhook', ...span], { uri });
    assert.strictEqual(none.code, 2);
    assert.match(none.stderr, /destination: no destination is configured: give --options/);
  });

  it('may be that of the environment', async () => {
    const receiver = await startReceiver('raw');
    const { database } = await storeNumbers(3);
    const state = path.join(folder, 'environment.json');
    const args = ['replay', '--destination', 'webhook', '--state', state];
    const { code } = await cli([...args, '--from', at(-HOUR_MS), '--to', at(HOUR_MS)], {
      uri: database.uri,
      env: { ANALYTICS_WEBHOOK_URL: `${receiver.url}/hook` },
    });
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(numbersOf(receiver), range(3));
  });

  for (const [args, says] of [
    [span, /where to\? Give the name of a destination/],
    [['--destination', 'a', '--to', '2026-11-24'], /--from must be a UTC day/],
    [['--destination', 'a', ...span, '--to', '2026-02-30'], /--to must be a UTC day/],
    [['--destination', 'a', ...span, '--to', '2026-11-23T10:00'], /--to must be .* with its zone/],
    [['--destination', 'a', ...span, '--to', '2026-11-23'], /--from must be before --to/],
    [['--destination', 'a', ...span, '--rate', '0'], /--rate must be a whole number/],
  ]) {
    it(`needs a span and a rate: ${args.join(' ')}`, async () => {
      const { code, stderr } = await cli(['replay', ...args], { uri: mongo.database().uri });
      assert.strictEqual(code, 2);
      assert.match(stderr, says);
    });
  }
});
