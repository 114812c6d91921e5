// Text for Prometheus: what each line looks like, whatever names and values hold.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { exposition } = require('../../lib/metrics/exposition');
const { gameFamilies } = require('../../lib/metrics/game');
const reasons = require('../../lib/metrics/process');

const declarations = fs.readFileSync(path.join(__dirname, '../../index.d.ts'), 'utf8');

const FAMILIES = [
  { name: 'a_build', type: 'info', help: 'A.', samples: [{ labels: { version: '1' }, value: 1 }] },
  { name: 'a_wait_seconds', type: 'gauge', help: 'B.', samples: [{ value: 0.25 }] },
  { name: 'a_sent', type: 'counter', help: 'C.', samples: [{ labels: { to: 'x' }, value: 3 }] },
  { name: 'a_none', type: 'gauge', help: 'D.', samples: [] },
  {
    name: 'a_state',
    type: 'stateset',
    help: 'E.',
    samples: [{ labels: { a_state: 'open' }, value: 0 }],
  },
];

describe('families of metrics', () => {
  it('are text of OpenMetrics', () => {
    assert.strictEqual(
      exposition(FAMILIES, 'openmetrics'),
      `# TYPE a_build info
# HELP a_build A.
a_build_info{version="1"} 1
# TYPE a_wait_seconds gauge
# UNIT a_wait_seconds seconds
# HELP a_wait_seconds B.
a_wait_seconds 0.25
# TYPE a_sent counter
# HELP a_sent C.
a_sent_total{to="x"} 3
# TYPE a_state stateset
# HELP a_state E.
a_state{a_state="open"} 0
# EOF
`,
    );
  });

  it('are text of the older format, to which other text may be added', () => {
    assert.strictEqual(
      exposition(FAMILIES, 'prometheus'),
      `# HELP a_build_info A.
# TYPE a_build_info gauge
a_build_info{version="1"} 1
# HELP a_wait_seconds B.
# TYPE a_wait_seconds gauge
a_wait_seconds 0.25
# HELP a_sent_total C.
# TYPE a_sent_total counter
a_sent_total{to="x"} 3
# HELP a_state E.
# TYPE a_state gauge
a_state{a_state="open"} 0
`,
    );
  });

  it('keep every value of a label in its line', () => {
    const labels = { name: 'a"b\\c\nd\u2028}' };
    const family = { name: 'a', type: 'gauge', help: 'q"\\\n', samples: [{ labels, value: 1 }] };
    const lines = exposition([family], 'openmetrics').split('\n');
    assert.strictEqual(lines[1], '# HELP a q\\"\\\\\\n');
    assert.strictEqual(lines[2], 'a{name="a\\"b\\\\c\\nd\u2028}"} 1');
    assert.strictEqual(exposition([family], 'prometheus').split('\n')[0], '# HELP a q"\\\\\\n');
  });
});

describe('the reasons of counters', () => {
  for (const [name, list] of [
    ['DropReason', reasons.DROPPED],
    ['RejectReason', reasons.REJECTED],
    ['WarningReason', reasons.WARNINGS],
  ]) {
    it(`are those of ${name}`, () => {
      const [, union] = new RegExp(`export type ${name} =([^;]*);`).exec(declarations);
      const declared = [...union.matchAll(/'(\w+)'/g)].map(([, reason]) => reason);
      assert.deepStrictEqual([...list].sort(), declared.sort());
    });
  }
});

describe('the families of the game', () => {
  const settings = {
    events: ['chat', 'constructor'],
    flows: [
      { currency: 'gems', flow: 'source', total: 'gemsEarned' },
      { currency: 'gems', flow: 'source', total: 'gemsPurchased' },
      { currency: 'gems', flow: 'sink', total: 'gemsSpent' },
    ],
  };
  const samplesOf = (figures, name) =>
    gameFamilies({ totals: {}, ...figures }, settings).find((one) => one.name === name).samples;

  it('have no sample for what is not known', () => {
    const figures = { now: null, payers: 0, mau30: null, retention: [] };
    for (const name of ['gso_players_online', 'gso_players_online_peak', 'gso_month_users']) {
      assert.deepStrictEqual(samplesOf(figures, name), []);
    }
    const { samples } = gameFamilies({ totals: {}, ...figures }, settings).find(({ name }) => {
      return name === 'gso_today_payers';
    });
    assert.deepStrictEqual(samples, [{ labels: undefined, value: 0 }]);
  });

  it('add up the totals of a currency, whatever is stored in them', () => {
    const totals = { gemsEarned: 5, gemsPurchased: 7, gemsSpent: 'nothing' };
    assert.deepStrictEqual(samplesOf({ totals }, 'gso_today_currency_amount'), [
      { labels: { currency: 'gems', flow: 'source' }, value: 12 },
      { labels: { currency: 'gems', flow: 'sink' }, value: 0 },
    ]);
  });

  it('show events that are counted only', () => {
    const events = [
      { k: 'chat', n: 3 },
      { k: 'made.up', n: 9 },
      { k: 'constructor', n: 1 },
      { k: null, n: 1 },
      { other: 4, n: 5 },
    ];
    const shown = samplesOf({ events }, 'gso_today_events').map(({ labels, value }) => [
      labels.event,
      value,
    ]);
    assert.deepStrictEqual(shown, [
      ['chat', 3],
      ['constructor', 1],
    ]);
  });
});
