// Of all deliveries of an event under one dedupe key one is stored and counted, whoever gets it and when.
'use strict';

const assert = require('node:assert');
const { createHash } = require('node:crypto');
const { describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { replyTo } = require('../../support/wire');

const mongo = useMongod();

const DAY_MS = 86_400_000;
const PAYMENT = 'stripe.payment';
const marksKeys = ({ command, body }) =>
  command === 'insert' &&
  body.insert === 'gsouniques' &&
  body.documents.some(({ _id }) => _id.p.startsWith('k:'));

/** The first bytes of a hash of name and key. */
function idOf(event, key) {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(event));
  const hash = createHash('sha256').update(length).update(event).update(key);
  return hash.digest('hex').slice(0, 24);
}

/** The sums of all days. */
async function totalOf(database, field) {
  const days = await database.days();
  return days.reduce((sum, day) => sum + (day[field] ?? 0), 0);
}

function pay(analytics, dedupeKey, amountCents = 100, rest = {}) {
  analytics.track(PAYMENT, 'payer', { amountCents }, { dedupeKey, ...rest });
}

describe('a dedupe key', () => {
  it('lets one delivery count, of those to two processes at once and of all later ones', async () => {
    const database = mongo.database();
    const [one, two] = [1, 2].map(() => create({ uri: database.uri }).analytics);
    const keys = Array.from({ length: 3_000 }, (_, i) => `evt_${i}`);
    for (const key of keys) for (const analytics of [one, two, one]) pay(analytics, key);
    await Promise.all([one.flush(), two.flush()]);
    const later = create({ uri: database.uri }).analytics;
    for (const key of keys) pay(later, key);
    await later.flush();
    assert.strictEqual(await database.count('gsoevents'), keys.length);
    assert.strictEqual(await totalOf(database, 'stripeRevenue'), keys.length * 100);
    const reports = [one, two, later].map((analytics) => analytics.getHealth());
    const redelivered = reports.reduce((sum, health) => sum + health.redelivered, 0);
    assert.strictEqual(redelivered, 3 * keys.length);
    assert.strictEqual(reports[2].redelivered, keys.length);
    for (const { accepted, written, dropped, warnings } of reports) {
      assert.deepStrictEqual([written, dropped, warnings], [accepted, {}, {}]);
    }
  });

  it('is one of its event only, and the id of the document follows from both', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    const long = 'ö'.repeat(128);
    for (const key of ['evt', long, '__proto__', 'a\0b']) {
      pay(analytics, key);
      analytics.track('gems.purchase', 'payer', { gems: 5 }, { dedupeKey: key });
      analytics.track('not counted', null, [1], { dedupeKey: key });
    }
    analytics.track('gems.purchase', 'payer', { gems: 5 }, { dedupeKey: null });
    await analytics.flush();
    const events = await database.events();
    assert.strictEqual(events.length, 13);
    for (const { _id, event, dedupeKey } of events.filter((one) => 'dedupeKey' in one)) {
      assert.strictEqual(_id.toHexString(), idOf(event, dedupeKey));
    }
    const fields = ['_id', 'userId', 'event', 'dedupeKey', 'data', 'day', 'ts', 'amount', '__v'];
    const paid = events.find(({ event }) => event === PAYMENT);
    assert.deepStrictEqual([Object.keys(paid), paid.amount], [fields, 100]);
    const uncounted = events.find(({ event }) => event === 'not counted');
    const isLeftOut = (field) => field === 'amount';
    assert.deepStrictEqual(
      Object.keys(uncounted),
      fields.filter((field) => !isLeftOut(field)),
    );
    const [day] = await database.days();
    assert.deepStrictEqual([day.stripeRevenue, day.gemsPurchased], [400, 25]);
  });

  it('counts the first amount on its day, and tells of another one', async () => {
    const database = mongo.database();
    const { analytics, lines } = create({ uri: database.uri });
    pay(analytics, 'evt', 100, { timestamp: Date.now() - 2 * DAY_MS });
    await analytics.flush();
    pay(analytics, 'evt', 250);
    await analytics.flush();
    const [event, ...others] = await database.events();
    assert.deepStrictEqual([event.data.amountCents, others], [100, []]);
    const [day] = await database.days({ day: event.day });
    assert.strictEqual(day.stripeRevenue, 100);
    assert.strictEqual(await totalOf(database, 'stripeRevenue'), 100);
    const { warnings, redelivered } = analytics.getHealth();
    assert.deepStrictEqual([warnings, redelivered], [{ redelivered_otherwise: 1 }, 1]);
    assert.match(lines.join('\n'), /warn .*came again under its dedupeKey with another amount/);
  });

  it('is known when the event itself has expired, and is not for ever', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    pay(analytics, 'evt');
    await analytics.flush();
    const [marker] = await database.all('gsouniques', { '_id.p': `k:${PAYMENT}` });
    const kept = marker.x - Date.now();
    assert.ok(kept > 89 * DAY_MS && kept <= 90 * DAY_MS, `${kept} ms`);
    await database.db.collection('gsoevents').deleteMany({});
    pay(analytics, 'evt');
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 0);
    assert.strictEqual(await totalOf(database, 'stripeRevenue'), 100);
  });

  it('expires by the clock of the server, whatever that of the host says', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const shift = async (exchange) => {
      const reply = await exchange.forward({ silently: true });
      const localTime = new Date(reply.body.localTime.getTime() + 100 * DAY_MS);
      exchange.connection.driver.write(replyTo(exchange.request, { ...reply.body, localTime }));
    };
    const isOurs = ({ command, body }) => command === 'hello' && body.$db === database.name;
    proxy.rule({ when: isOurs, fate: shift });
    const { analytics } = create({ uri: proxy.uri(database.name) });
    pay(analytics, 'evt');
    await analytics.flush();
    const [marker] = await database.all('gsouniques', { '_id.p': `k:${PAYMENT}` });
    const kept = marker.x - Date.now();
    assert.ok(kept > 189 * DAY_MS && kept <= 190 * DAY_MS, `${kept} ms`);
    await proxy.close();
  });

  it('of an event that was stored by a process that died then: it counts as it is stored', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const lost = proxy.rule({ when: marksKeys, fate: fates.loseRequest });
    const uri = proxy.uri(database.name);
    const dying = create({ uri, shutdownTimeoutMs: 100 }).analytics;
    pay(dying, 'evt', 100, { timestamp: Date.now() - DAY_MS });
    await waitFor(() => lost.taken.length > 0, { what: 'the marker to be sent' });
    await dying.stop();
    assert.strictEqual(await totalOf(database, 'stripeRevenue'), 0);
    const { analytics } = create({ uri: database.uri });
    pay(analytics, 'evt', 250);
    await analytics.flush();
    const [event, ...others] = await database.events();
    assert.deepStrictEqual([event.data.amountCents, others], [100, []]);
    const [day] = await database.days({ day: event.day });
    assert.strictEqual(day.stripeRevenue, 100);
    assert.strictEqual(await totalOf(database, 'stripeRevenue'), 100);
    assert.deepStrictEqual(analytics.getHealth().warnings, { redelivered_otherwise: 1 });
    await proxy.close();
  });

  it('costs a batch two round trips more, and three where others have stored its events', async () => {
    const database = mongo.database();
    const proxy = await startProxy(mongo.server.port);
    const { analytics } = create({ uri: proxy.uri(database.name) });
    await analytics.flush();
    const asked = proxy.rule({
      when: ({ command, body }) =>
        ['find', 'insert'].includes(command) && ['gsoevents', 'gsouniques'].includes(body[command]),
      fate: fates.forward,
    });
    const commandsOf = async (count) => {
      const before = asked.taken.length;
      for (let i = 0; i < count; i++) {
        analytics.track('gems.purchase', 'payer', { gems: 5 }, { dedupeKey: `evt_${i}` });
      }
      await analytics.flush();
      const taken = asked.taken.slice(before).map(({ request }) => request);
      return taken.map(({ command, body }) => `${command} ${body[command]}`);
    };
    const fresh = ['find gsouniques', 'insert gsoevents', 'insert gsouniques'];
    assert.deepStrictEqual(await commandsOf(50), fresh);
    assert.deepStrictEqual(await commandsOf(50), ['find gsouniques']);
    // As a process has left them that died.
    await database.db.collection('gsouniques').deleteMany({});
    const left = await commandsOf(50);
    const together = left.splice(2, 2).sort();
    assert.deepStrictEqual(together, ['find gsoevents', 'find gsouniques']);
    assert.deepStrictEqual(left, fresh);
    await proxy.close();
  });
});
