// What the sample of presence says of each destination, for the dashboard.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { QUICK, RECEIVERS, create, faults, startReceiver, through, useMongod, waitFor } =
  require('./setup');

const mongo = useMongod();

describe('the sample of presence', () => {
  it('says how fast and how late events arrive, what was refused and why', async () => {
    const receiver = await startReceiver('raw');
    const database = mongo.database();
    const destinations = [{ ...RECEIVERS.raw.at(receiver), ...QUICK }];
    const { analytics } = create({ uri: database.uri, destinations });
    const sample = async () => {
      const [{ h } = {}] = await database.all('gsoreports', { _id: /^now:/ });
      return h?.destinations[0];
    };
    analytics.start();
    const first = await waitFor(sample, { what: 'a sample', timeoutMs: 10_000 });
    assert.deepStrictEqual(first, {
      ...{ name: 'webhook', queued: 0, oldestWaitingMs: 0, sent: 0, retried: 0, refused: 0 },
      ...{ notSent: 0, sentPerS: null, lagMs: null, circuit: 'closed' },
      ...{ lastRefusal: null, lastError: null },
    });
    receiver.fail(faults.status(503), faults.status(422));
    analytics.track('quest.done', 'ann', { n: 1 });
    analytics.track('quest.done', 'ann', { n: 2 });
    await waitFor(() => through(analytics.getHealth().destinations[0]) === 2, { what: 'both' });
    // The last sample is written now.
    await analytics.stop();
    const { sentPerS, lagMs, ...last } = await sample();
    assert.ok(sentPerS > 0 && sentPerS < 100, `${sentPerS}`);
    assert.ok(lagMs >= 0 && lagMs < 10_000, `${lagMs}`);
    const expected = { sent: 1, refused: 1, retried: 1, lastRefusal: 'it answered 422' };
    for (const [field, value] of Object.entries(expected)) {
      assert.strictEqual(last[field], value, field);
    }
  });
});
