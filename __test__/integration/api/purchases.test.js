// Each purchase has one document for ever, whatever becomes of its event.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { fates, startProxy } = require('../../support/proxy');
const { create, runProgram, startProgram, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');

const mongo = useMongod();

const DAY_MS = 86_400_000;
const PAYMENT = 'stripe.payment';
const FIELDS = ['_id', 'event', 'userId', 'cents', 'currency', 'day', 'ts'];

const purchasesOf = (database, filter) => database.all('gsopurchases', filter);

/** `cents currency` of each purchase, sorted. */
async function prices(database, filter) {
  const purchases = await purchasesOf(database, filter);
  return purchases.map(({ cents, currency }) => `${cents} ${currency}`).sort();
}

/** The revenue of all days. */
async function revenue(database) {
  const days = await database.days();
  return days.reduce((sum, day) => sum + (day.stripeRevenue ?? 0), 0);
}

function pay(analytics, amountCents, options, data = {}) {
  analytics.track(PAYMENT, 'payer', { amountCents, ...data }, options);
}

const sumOf = (purchases) => purchases.reduce((sum, { cents }) => sum + cents, 0);

const freshFolder = (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-purchases-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
};

/** A process that is killed once what it has tracked is on disk. */
function payAndDie({ uri, spoolDir, purchases }) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({ uri, spoolDir, purchases, logger: false });
  for (let i = 0; i < 10; i++) {
    analytics.track('stripe.payment', 'payer', { amountCents: i, currency: 'EUR' });
    const options = { dedupeKey: `evt_${i}` };
    analytics.track('stripe.payment', 'payer', { amountCents: 100 + i }, options);
    analytics.track('steam.buy', 'payer', { cents: i, currency: 'euros' });
  }
  let before = 0;
  setInterval(() => {
    const { bytes } = analytics.getHealth().spool;
    if (bytes > 4_000 && bytes === before) process.kill(process.pid, 'SIGKILL');
    before = bytes;
  }, 100);
}

describe('a purchase', { concurrency: 2 }, () => {
  it('is stored beside its event, field by field, and outlives it', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const timestamp = Date.now() - 2 * DAY_MS;
    pay(analytics, 499, { timestamp }, { currency: 'EUR' });
    analytics.track(PAYMENT, null, { amountCents: 0.5 }, { dedupeKey: 'evt' });
    analytics.track('dungeon.complete', 'payer', { amountCents: 7 });
    await analytics.flush();
    const events = await database.events({ event: PAYMENT });
    const [own, keyed] = [events[0].dedupeKey ? 1 : 0, events[0].dedupeKey ? 0 : 1].map(
      (at) => events[at],
    );
    const purchases = await purchasesOf(database);
    const bought = purchases.find(({ _id }) => 'i' in _id);
    assert.deepStrictEqual(Object.keys(bought), FIELDS);
    const day = new Date(timestamp).toISOString().slice(0, 10);
    assert.deepStrictEqual(bought, {
      _id: { i: own._id },
      event: PAYMENT,
      userId: 'payer',
      cents: 499,
      currency: 'EUR',
      day,
      ts: new Date(timestamp),
    });
    const other = purchases.find(({ _id }) => 'e' in _id);
    assert.deepStrictEqual(Object.keys(other), [...FIELDS, 'amount']);
    assert.deepStrictEqual(other._id, { e: PAYMENT, k: 'evt' });
    assert.deepStrictEqual(
      [other.userId, other.cents, other.currency, other.amount, other.ts],
      [null, 0.5, 'USD', 0.5, keyed.ts],
    );
    assert.strictEqual(purchases.length, 2);
    assert.strictEqual(await revenue(database), 499.5);
    assert.deepStrictEqual(analytics.getHealth().warnings, {});
    await database.db.collection('gsoevents').deleteMany({});
    assert.strictEqual(await database.count('gsopurchases'), 2);
  });

  it('may be a refund or in any currency; what is none is told, and nothing is added up', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    const given = [
      [100, {}],
      [-100, { currency: 'EUR' }],
      ...['JPY', null, undefined, 'usd', 'US', 'EURO', 'EUR\n', '', 5, ['EUR'], {}].map(
        (currency) => [1, { currency }],
      ),
    ];
    for (const [cents, data] of given) pay(analytics, cents, {}, data);
    await analytics.flush();
    const unknown = Array(7).fill('1 null');
    const expected = ['-100 EUR', '1 JPY', '1 USD', '1 USD', '1 USD', ...unknown, '100 USD'];
    assert.deepStrictEqual(await prices(database), expected.sort());
    assert.strictEqual(await revenue(database), 11);
    assert.deepStrictEqual(analytics.getHealth().warnings, { invalid_currency: 7 });
    assert.match(lines.join('\n'), /warn .*the currency of a purchase is no code of ISO 4217/);
  });

  it('has the amount that the total counts, whatever is passed', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const amount = fc.oneof(
      fc.double(),
      fc.bigInt(),
      fc.string(),
      fc.constantFrom(' 12 ', '0x10', 'Infinity', '1e3', 2 ** 53, 2 ** 53 + 2, -0, true, null),
      fc.anything({ withBigInt: true, withDate: true }),
    );
    const amounts = fc.sample(amount, { seed: 7, numRuns: 300 });
    const bson = require('bson');
    amounts.push(bson.Long.fromString('9007199254740993'), bson.Decimal128.fromString('1.5'));
    amounts.push(' 12 ', '0x10', 'Infinity', 2 ** 53);
    let reads = 0;
    const data = {
      get amountCents() {
        return ++reads;
      },
    };
    for (const [i, amountCents] of amounts.entries()) pay(analytics, amountCents, {}, { i });
    analytics.track(PAYMENT, 'getter', data);
    for (const nothing of [undefined, null, 5, 'text', []]) {
      analytics.track(PAYMENT, 'nobody', nothing);
    }
    await analytics.flush();
    const events = await database.events();
    const purchases = await purchasesOf(database);
    assert.strictEqual(purchases.length, events.length);
    const ids = new Set(events.map(({ _id }) => String(_id)));
    for (const { _id, cents } of purchases) {
      assert.ok(ids.has(String(_id.i)));
      assert.ok(Math.abs(cents) <= 2 ** 53, `${cents}`);
    }
    // One read for the total and the purchase, one for the document.
    assert.deepStrictEqual([await prices(database, { userId: 'getter' }), reads], [['1 USD'], 2]);
    assert.ok(analytics.getHealth().warnings.invalid_amount > 50);
    const of = (given) => {
      const event = events.find(({ data }) => data?.i === amounts.indexOf(given));
      return purchases.find(({ _id }) => _id.i.equals(event._id)).cents;
    };
    assert.deepStrictEqual(
      [of(' 12 '), of('0x10'), of('Infinity'), of(2 ** 53)],
      [12, 16, 0, 2 ** 53],
    );
  });

  it('sums up to the total in one currency', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    for (let i = 0; i < 2_000; i++) pay(analytics, i % 7, {}, { i });
    await analytics.flush();
    const purchases = await purchasesOf(database);
    assert.strictEqual(purchases.length, 2_000);
    assert.strictEqual(sumOf(purchases), await revenue(database));
  });

  it('is an event that the option names, whether it is counted or not', async () => {
    const database = mongo.database();
    const { analytics } = create({
      uri: database.uri,
      counters: { [PAYMENT]: null, 'steam.buy': 'buys', 'ad.seen': { total: 'ads', amount: 'n' } },
      purchases: {
        'steam.buy': { amount: 'cents', currency: 'iso' },
        'ad.seen': { amount: 'cents' },
        constructor: { amount: '__proto__' },
      },
    });
    for (const options of [{}, { dedupeKey: 'k' }]) {
      analytics.track('steam.buy', 'u', { cents: 5, iso: 'CHF', currency: 'EUR' }, options);
      analytics.track('ad.seen', 'u', { cents: 6, n: 2, currency: 'EUR' }, options);
      analytics.track('constructor', 'u', {}, options);
      analytics.track('toString', 'u', { cents: 8 }, options);
      pay(analytics, 9, options);
    }
    const { today } = await analytics.getMetrics();
    assert.deepStrictEqual([today.buys, today.ads, today.stripeRevenue], [2, 4, 0]);
    const twice = (texts) => [...texts, ...texts].sort();
    const all = await prices(database);
    assert.deepStrictEqual(all, twice(['0 USD', '5 CHF', '6 USD', '9 USD']));
    const keyed = await purchasesOf(database, { '_id.k': 'k' });
    const amounts = Object.fromEntries(keyed.map(({ event, amount }) => [event, amount]));
    assert.deepStrictEqual(amounts, {
      'steam.buy': 1,
      'ad.seen': 2,
      constructor: undefined,
      [PAYMENT]: undefined,
    });
  });

  it('is not one that is taken out, nor an event that is rejected', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, purchases: { [PAYMENT]: null } });
    pay(analytics, 5);
    await analytics.flush();
    const other = create({ uri: database.uri }).analytics;
    other.track(PAYMENT, Object.create(null), { amountCents: 5 });
    await other.flush();
    assert.deepStrictEqual(other.getHealth().rejected, { invalid_id: 1 });
    const names = (await database.db.listCollections().toArray()).map(({ name }) => name);
    assert.ok(!names.includes('gsopurchases'), 'a collection without need');
    assert.strictEqual(await revenue(database), 10);
  });

  it('has its indexes after the first one, also where the collection was dropped', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, collections: { purchases: 'paid' } });
    const keysOf = async () => {
      const indexes = await database.db.collection('paid').indexes();
      return indexes.map(({ key }) => JSON.stringify(key)).sort();
    };
    const expected = ['{"_id":1}', '{"day":1}', '{"userId":1,"ts":1}'];
    const areMade = async () => (await keysOf()).length === expected.length;
    for (let i = 0; i < 2; i++) {
      pay(analytics, 5);
      await analytics.flush();
      await waitFor(areMade, { timeoutMs: 20_000, what: 'the indexes' });
      assert.deepStrictEqual(await keysOf(), expected);
      await database.db.collection('paid').drop();
    }
  });
});

describe('a purchase with a dedupe key', { concurrency: 2 }, () => {
  it('is stored once, of deliveries to two processes at once and of later ones', async () => {
    const database = mongo.database();
    const play = ({ uri }, report) => {
      const AnalyticsSystem = require('.');
      const patient = { logger: false, shutdownTimeoutMs: 60_000 };
      const analytics = new AnalyticsSystem({ uri, ...patient });
      for (let i = 0; i < 200; i++) {
        const options = { dedupeKey: `evt_${i}` };
        for (let n = 0; n < 2; n++) {
          analytics.track('stripe.payment', 'payer', { amountCents: 100 }, options);
        }
      }
      analytics.stop().then(() => report(analytics.getHealth()));
    };
    const given = { uri: database.uri };
    const run = () => runProgram(play, { given, timeoutMs: 60_000 });
    const together = await Promise.all([run(), run()]);
    const ends = [...together, await run()].map(({ result }) => result);
    assert.strictEqual(await database.count('gsopurchases'), 200);
    assert.strictEqual(await database.count('gsoevents'), 200);
    assert.strictEqual(await revenue(database), 20_000);
    const redelivered = ends.reduce((sum, end) => sum + end.redelivered, 0);
    assert.strictEqual(redelivered, 5 * 200);
    for (const { accepted, written, warnings } of ends) {
      assert.deepStrictEqual([written, warnings], [accepted, {}]);
    }
  });

  it('counts as it is stored when its process died and its event has expired', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const isMarker = ({ command, body }) =>
      command === 'insert' && body.insert === 'gsouniques' && body.documents[0]._id.p !== 'base';
    const lost = proxy.rule({ when: isMarker, fate: fates.loseRequest });
    const dying = create({ uri: proxy.uri(database.name), shutdownTimeoutMs: 100 }).analytics;
    pay(dying, 100, { dedupeKey: 'evt', timestamp: Date.now() - 3 * DAY_MS });
    await waitFor(() => lost.taken.length > 0, { what: 'the marker to be sent' });
    await dying.stop();
    await database.db.collection('gsoevents').deleteMany({});
    const { analytics } = create({ uri: database.uri });
    pay(analytics, 250, { dedupeKey: 'evt' });
    await analytics.flush();
    const [purchase, ...others] = await purchasesOf(database);
    assert.deepStrictEqual([purchase.cents, others], [100, []]);
    const [day] = await database.days({ day: purchase.day });
    assert.strictEqual(day.stripeRevenue, 100);
    assert.strictEqual(await revenue(database), 100);
    const [event] = await database.events();
    assert.deepStrictEqual([event.day, event.ts], [purchase.day, purchase.ts]);
    assert.deepStrictEqual(analytics.getHealth().warnings, { redelivered_otherwise: 1 });
    await proxy.close();
  });

  it('is recognised when its marker has expired, too', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    pay(analytics, 100, { dedupeKey: 'evt' });
    await analytics.flush();
    for (const name of ['gsoevents', 'gsouniques']) {
      await database.db.collection(name).deleteMany({});
    }
    const purchases = database.db.collection('gsopurchases');
    await purchases.updateOne({}, { $set: { ts: new Date(Date.now() - 91 * DAY_MS) } });
    pay(analytics, 100, { dedupeKey: 'evt' });
    await analytics.flush();
    assert.strictEqual(await revenue(database), 100);
    assert.strictEqual(await database.count('gsoevents'), 0);
    assert.deepStrictEqual(analytics.getHealth().redelivered, 1);
  });

  it('costs one command more, and another one where it is there without its marker', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const { analytics } = create({ uri: proxy.uri(database.name) });
    const collections = ['gsoevents', 'gsouniques', 'gsopurchases'];
    const asked = proxy.rule({
      when: ({ command, body }) =>
        ['find', 'insert'].includes(command) && collections.includes(body[command]),
      fate: fates.forward,
    });
    const commandsOf = async (options) => {
      const before = asked.taken.length;
      for (let i = 0; i < 20; i++) pay(analytics, 1, options(i));
      await analytics.flush();
      const taken = asked.taken.slice(before).map(({ request }) => request);
      return taken.map(({ command, body }) => `${command} ${body[command]}`);
    };
    /** These are sent together, the rest one after the other. */
    const assertCommands = (commands, ...steps) => {
      for (const step of steps) {
        assert.deepStrictEqual(commands.splice(0, step.length).sort(), step);
      }
      assert.deepStrictEqual(commands, []);
    };
    const beside = ['insert gsoevents', 'insert gsopurchases'];
    assertCommands(await commandsOf(() => ({})), beside);
    const keyed = (i) => ({ dedupeKey: `evt_${i}` });
    const first = ['find gsouniques', 'insert gsopurchases'];
    const rest = [['insert gsoevents'], ['insert gsouniques']];
    assertCommands(await commandsOf(keyed), first, ...rest);
    assertCommands(await commandsOf(keyed), first);
    // As a process has left them that died.
    await database.db.collection('gsouniques').deleteMany({});
    const readBack = ['find gsopurchases', 'find gsouniques'];
    assertCommands(await commandsOf(keyed), first, readBack, ...rest);
    await proxy.close();
  });
});

describe('purchases in a spool', () => {
  it('are stored once after a crash, with the price that was read then', async (t) => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    t.after(() => proxy.close());
    const uri = proxy.uri(database.name);
    const spoolDir = freshFolder(t);
    proxy.isRefusing = true;
    const purchases = { 'steam.buy': { amount: 'cents', currency: 'currency' } };
    const given = { uri, spoolDir, purchases };
    const killed = await startProgram(payAndDie, { given, timeoutMs: 60_000 }).finished;
    assert.deepStrictEqual([killed.signal, killed.timedOut], ['SIGKILL', false], killed.stderr);
    proxy.isRefusing = false;
    // Replies are lost, so that everything is sent again.
    let left = 3;
    const isInsert = ({ command, body }) => command === 'insert' && body.insert === 'gsopurchases';
    const lossy = proxy.rule({
      when: (request) => isInsert(request) && left-- > 0,
      fate: fates.loseReply,
    });
    const others = { 'steam.buy': { amount: 'other' } };
    const { analytics } = create({ uri, spoolDir, purchases: others });
    analytics.start();
    const isDone = async () =>
      (await database.count('gsopurchases')) === 30 && analytics.getHealth().queued === 0;
    await waitFor(isDone, { timeoutMs: 60_000, what: 'the records of the killed process' });
    for (let i = 0; i < 10; i++) pay(analytics, 5, { dedupeKey: `evt_${i}` });
    await analytics.flush();
    const counted = Array.from({ length: 10 }, (_, i) => [
      `${i} EUR`,
      `${100 + i} USD`,
      `${i} null`,
    ]);
    assert.deepStrictEqual(await prices(database), counted.flat().sort());
    assert.strictEqual(await revenue(database), 45 + 1_045);
    assert.ok(lossy.taken.length > 0);
    const { dropped, redelivered } = analytics.getHealth();
    assert.deepStrictEqual([dropped, redelivered], [{}, 10]);
  });
});
