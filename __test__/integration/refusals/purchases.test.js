// Purchases that the server refuses cost nothing else: events, totals and sessions never wait for them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');

const mongo = useMongod();

function pay(analytics, amountCents, options) {
  analytics.track('stripe.payment', 'payer', { amountCents }, options);
}

/** The prices of the purchases that are stored, sorted. */
async function prices(database) {
  const purchases = await database.all('gsopurchases');
  return purchases.map(({ cents }) => cents).sort((one, other) => one - other);
}

describe('purchases that the server refuses', { concurrency: 2 }, () => {
  const guarded = useMongod({ own: true, auth: true });

  async function play(analytics) {
    for (let i = 0; i < 20; i++) pay(analytics, 1);
    for (let i = 0; i < 20; i++) pay(analytics, 1, { dedupeKey: `evt_${i}` });
    await analytics.onLogin('ann', 'Ann');
    analytics.track('credits.earn', 'ann', { amount: 5 });
    await analytics.flush();
  }

  async function assertWhole(database) {
    const [day] = await database.days();
    assert.deepStrictEqual([day.stripeRevenue, day.dau, day.creditsEarned], [40, 1, 5]);
  }

  it('for a missing right: one line and the report say so, nothing else waits', async () => {
    const database = guarded.database();
    const grant = (verb, names) => {
      const actions = ['insert', 'update', 'find', 'createIndex', 'listIndexes'];
      const privileges = names.map((collection) => ({
        resource: { db: database.name, collection },
        actions,
      }));
      return database.db.command({ [verb]: 'shop', privileges, roles: [] });
    };
    const names = ['gsoevents', 'gsosessions', 'gsodailies', 'gsouniques', 'gsoreports'];
    await grant('createRole', names);
    const roles = [{ role: 'shop', db: database.name }];
    await database.db.command({ createUser: 'shop', pwd: 'secret', roles });
    const host = `127.0.0.1:${guarded.server.port}`;
    const uri = `mongodb://shop:secret@${host}/${database.name}`;
    const { analytics, lines } = create({ uri });
    const refused = () => analytics.getHealth().refusedCollections;
    await play(analytics);
    await assertWhole(database);
    const [{ collection, code, missingPrivilege }] = refused();
    assert.deepStrictEqual([collection, code, missingPrivilege], ['purchases', 13, 'insert']);
    assert.deepStrictEqual(analytics.getHealth().warnings, { purchase_lost: 40 });
    const told = () => lines.filter((line) => line.includes('gsopurchases'));
    await waitFor(() => told().length > 0, { what: 'the line' });
    assert.strictEqual(told().length, 1, told().join('\n'));
    assert.match(told()[0], /purchases are not stored there .*grant the privilege for insert/);
    await grant('updateRole', [...names, 'gsopurchases']);
    pay(analytics, 7);
    await analytics.flush();
    assert.deepStrictEqual(await prices(database), [7]);
    assert.deepStrictEqual(refused(), []);
    await waitFor(() => told().length === 2, { what: 'the line of the end' });
    assert.match(told()[1], /info .*takes writes again: purchases are stored from now on/);
  });

  it('as a view is: events, totals and sessions go on', async () => {
    const database = mongo.database();
    await database.db.createCollection('source');
    await database.db.createCollection('gsopurchases', { viewOn: 'source', pipeline: [] });
    const { analytics } = create({ uri: database.uri });
    await play(analytics);
    await assertWhole(database);
    const { refusedCollections, warnings, retried } = analytics.getHealth();
    assert.deepStrictEqual([refusedCollections[0].code, warnings], [166, { purchase_lost: 40 }]);
    assert.strictEqual(retried, 0);
  });

  it('for the content of one: the others are stored, and every event', async () => {
    const database = mongo.database();
    const validator = { cents: { $ne: 13 } };
    await database.db.createCollection('gsopurchases', { validator });
    const { analytics, lines } = create({ uri: database.uri });
    for (const cents of [12, 13, 14]) {
      pay(analytics, cents);
      pay(analytics, cents, { dedupeKey: `evt_${cents}` });
    }
    await analytics.flush();
    assert.deepStrictEqual(await prices(database), [12, 12, 14, 14]);
    assert.strictEqual((await database.days())[0].stripeRevenue, 78);
    assert.strictEqual(await database.count('gsoevents'), 6);
    const { warnings, dropped, refusedCollections } = analytics.getHealth();
    assert.deepStrictEqual([warnings, dropped], [{ purchase_lost: 2 }, {}]);
    assert.deepStrictEqual(refusedCollections, []);
    assert.match(lines.join('\n'), /warn .*refused a purchase in gsopurchases for its content/);
  });
});
