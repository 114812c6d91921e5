// Text of getOpenMetrics() is read by the parsers of Prometheus' own Python library, of which that of OpenMetrics
// refuses what the standard does not allow.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { toolEnvironment } = require('../../../scripts/lib/python');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');

const mongo = useMongod();
const READER = path.join(__dirname, 'read.py');

describe('the text of getOpenMetrics()', () => {
  let env;
  let analytics;
  before(async () => {
    env = await toolEnvironment();
    const database = mongo.database();
    ({ analytics } = create({
      uri: database.uri,
      destinations: [{ name: 'webhook', url: 'http://127.0.0.1:9/' }],
      counters: { 'a"b\\c\n}{ 1\n# EOF': 'odd' },
    }));
    analytics.start();
    await analytics.onLogin('ann', 'Ann');
    analytics.track('a"b\\c\n}{ 1\n# EOF', 'ann');
    await analytics.flush();
    await analytics.getTopEvents({ days: 1 });
    await waitFor(() => database.count('gsoreports', { _id: /^now:/ }));
  });

  const read = (format, input) =>
    spawnSync('python', [READER, format], { env, input, encoding: 'utf8' });

  for (const format of ['openmetrics', 'prometheus']) {
    it(`is read as ${format}`, async () => {
      const text = await analytics.getOpenMetrics({ format });
      const { status, stdout, stderr } = read(format, text);
      assert.strictEqual(status, 0, stderr);
      const families = JSON.parse(stdout);
      assert.deepStrictEqual(families.gso_analytics_records_written.slice(0, 1), ['counter']);
      assert.deepStrictEqual(families.gso_today_currency_amount, ['gauge', '', 4]);
      assert.strictEqual(families.gso_today_events[2], 1);
      if (format === 'openmetrics') {
        assert.deepStrictEqual(families.gso_analytics_queue_bytes, ['gauge', 'bytes', 1]);
        assert.deepStrictEqual(families.gso_analytics_destination_circuit[0], 'stateset');
      }
    });
  }

  it('is refused where it is wrong', async () => {
    const text = await analytics.getOpenMetrics();
    for (const wrong of [
      text.replace('# EOF\n', ''),
      text.replace('_accepted_total', '_accepted'),
    ]) {
      assert.notStrictEqual(read('openmetrics', wrong).status, 0);
    }
  });
});
