// An event that is delivered to several processes under one dedupe key is forwarded once, under an id that
// follows from its name and key.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const spools = require('../spool/setup');
const forwarding = require('./setup');

const { freshFolder, startServer, throughProxy, untilOnDisk } = spools;
const { QUICK, RECEIVERS, create, startReceiver, useMongod, waitFor } = forwarding;

const mongo = useMongod();

/** Twelve processes make the indexes of six new databases at once. */
const PATIENT = { operationTimeoutMs: 60_000 };
const KEYS = Array.from({ length: 200 }, (_, i) => `evt_${i}`);

/** The id that services get of the document with this `_id`. */
function idOf({ _id }) {
  const hex = _id.toHexString();
  const parts = [hex.slice(0, 8), hex.slice(8, 12), '4000', `80${hex.slice(12, 14)}`];
  return [...parts, `${hex.slice(14)}00`].join('-');
}

const isThrough = ({ destinations: [to] }) => to.queued === 0;

describe('an event with a dedupe key', { concurrency: true }, () => {
  for (const format of Object.keys(RECEIVERS)) {
    it(`is sent to ${format} once, by the process whose delivery counts`, async () => {
      const database = mongo.database();
      const receiver = await startReceiver(format);
      const destinations = [{ ...RECEIVERS[format].at(receiver), ...QUICK }];
      const options = { uri: database.uri, destinations, ...PATIENT };
      const [one, two] = [1, 2].map(() => create(options).analytics);
      for (const dedupeKey of KEYS) {
        for (const analytics of [one, two, one]) {
          analytics.track('paid', 'u', { n: 1 }, { dedupeKey });
          analytics.track('seen', 'u', { n: 1 });
        }
      }
      await Promise.all([one.flush(), two.flush()]);
      for (const analytics of [one, two]) {
        await waitFor(() => isThrough(analytics.getHealth()), { what: 'the events to be sent' });
      }
      const sent = receiver.taken.filter(({ event }) => event === 'paid');
      assert.deepStrictEqual([sent.length, receiver.taken.length], [KEYS.length, 4 * KEYS.length]);
      if (format !== 'raw') {
        const expected = (await database.events({ event: 'paid' })).map(idOf);
        assert.deepStrictEqual(sent.map(({ id }) => id).sort(), expected.sort());
      }
      assert.deepStrictEqual(receiver.violations, []);
    });
  }

  it('waits for MongoDB, and what comes behind it too', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const receiver = await startReceiver('posthog');
    const destinations = [{ ...RECEIVERS.posthog.at(receiver), ...QUICK }];
    const { analytics } = create({ uri, destinations, operationTimeoutMs: 500 });
    await analytics.flush();
    away();
    const names = () => receiver.taken.map(({ event }) => event);
    analytics.track('before', 'u');
    await waitFor(() => names().length === 1, { what: 'the event that nothing holds up' });
    analytics.track('paid', 'u', {}, { dedupeKey: 'evt' });
    analytics.track('behind', 'u');
    analytics.track('paid', 'u', {}, { dedupeKey: 'evt' });
    await assert.rejects(analytics.flush(), { code: 'ANALYTICS_TIMEOUT' });
    assert.deepStrictEqual(names(), ['before']);
    back();
    await waitFor(() => isThrough(analytics.getHealth()), { what: 'the rest to be sent' });
    assert.deepStrictEqual(names(), ['before', 'paid', 'behind']);
    await analytics.flush();
    assert.strictEqual(await database.count('gsoevents'), 3);
    await close();
  });

  it('is stored, counted and sent under one id by who comes after a kill -9', async () => {
    const { database, uri, away, back, close } = await throughProxy(mongo);
    const receiver = await startReceiver('posthog');
    const destinations = [{ ...RECEIVERS.posthog.at(receiver), ...QUICK }];
    const spoolDir = freshFolder();
    const order = { event: 'stripe.payment', data: { amountCents: 7 }, keys: KEYS };
    const first = await startServer({ uri, spoolDir, destinations, ...PATIENT });
    await first.tell('trackKeys', order);
    await first.tell('flush');
    away();
    const more = { ...order, first: KEYS.length, keys: KEYS.map((key) => `later ${key}`) };
    await first.tell('trackKeys', order);
    await first.tell('trackKeys', more);
    await untilOnDisk(spoolDir, 2 * KEYS.length - 1);
    await first.kill();

    back();
    const other = await startServer({ uri, destinations, ...PATIENT });
    await other.tell('trackKeys', more);
    const second = await startServer({ uri, spoolDir, destinations, ...PATIENT });
    for (const server of [other, second]) {
      await server.tell('flush');
      await server.until(isThrough);
    }
    assert.strictEqual(await database.count('gsoevents'), 2 * KEYS.length);
    const [day] = await database.days();
    assert.strictEqual(day.stripeRevenue, 2 * KEYS.length * 7);
    const ids = [...new Set(receiver.taken.map(({ id }) => id))];
    assert.deepStrictEqual(ids.sort(), (await database.events()).map(idOf).sort());
    const reports = [await other.leave(), await second.leave()];
    const redelivered = reports.reduce((sum, health) => sum + health.redelivered, 0);
    assert.strictEqual(redelivered, 2 * KEYS.length);
    await close();
  });
});
