// getOpenMetrics(): the same figures of the game from every process, in text that parsers of Prometheus read.
'use strict';

const assert = require('node:assert');
const { spawnSync } = require('node:child_process');
const { describe, it } = require('node:test');
const { fates, startProxy } = require('../../support/proxy');
const { NOBODY, create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { dayOf, session, store } = require('../reports/days');

const mongo = useMongod();
/** How long a scrape waits for the figures of the game. */
const SCRAPE_MS = 3_000;
const HOSTILE = 'a"b\\c\n}{ 1\n# EOF';

/** Its samples by name and labels, as they are written. */
function samplesOf(text) {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

const gameOf = (text) =>
  [...samplesOf(text)].filter(([name]) => !name.startsWith('gso_analytics_'));

/** A report of a day as it is stored, with what a scrape reads of it. */
const report = (daysAgo, { byFirstDay = [], events = [], ...rest } = {}) => ({
  _id: `d:${dayOf(daysAgo)}`,
  v: 1,
  asOf: new Date(),
  state: 'settling',
  users: { dau: 4, wau: 5, mau30: 6, byFirstDay },
  sessions: { count: 4, p50: 60, p90: 120, p99: 300 },
  events,
  ...rest,
});

describe('getOpenMetrics()', () => {
  it('says how this process is and what is stored of the game', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.start();
    await analytics.onLogin('ann', 'Ann');
    await analytics.onLogin('bob', 'Bob');
    await analytics.onLogout('bob');
    analytics.track('gems.earn', 'ann', { amount: 5 });
    analytics.track('gems.purchase', 'ann', { gems: 7 });
    analytics.track('credits.spend', 'ann', { amount: 3 });
    analytics.track('stripe.payment', 'ann', { amountCents: 499 });
    analytics.track('user.register', 'bob', {});
    analytics.track('chat', 'bob', { a: 2n ** 70n });
    await analytics.flush();
    await database.db.collection('gsoreports').insertMany([
      report(0, {
        events: [
          { k: 'gems.earn', n: 41 },
          { k: 'made.up', n: 5 },
        ],
      }),
      report(1, { byFirstDay: [{ f: dayOf(2), u: 3 }] }),
      report(2, { byFirstDay: [{ f: dayOf(2), u: 4 }] }),
      report(8, { byFirstDay: [{ f: dayOf(8), u: 2 }] }),
    ]);
    await waitFor(() => database.count('gsoreports', { _id: /^now:/ }));
    const samples = samplesOf(await analytics.getOpenMetrics());
    const expected = {
      gso_analytics_database_connected: 1,
      gso_analytics_totals_blocked: 0,
      gso_analytics_queue_records: 0,
      gso_analytics_queue_limit_bytes: 256 << 20,
      gso_analytics_active_sessions: 1,
      gso_analytics_records_accepted_total: 8,
      gso_analytics_records_written_total: 8,
      'gso_analytics_records_rejected_total{reason="bigint_out_of_range"}': 1,
      'gso_analytics_records_dropped_total{reason="malformed"}': 0,
      gso_players_online: 1,
      gso_today_users: 2,
      gso_today_new_users: 1,
      gso_today_logins: 2,
      gso_today_revenue_cents: 499,
      gso_today_payers: 1,
      gso_month_users: 6,
      'gso_today_events{event="gems.earn"}': 41,
      'gso_today_currency_amount{currency="gems",flow="source"}': 12,
      'gso_today_currency_amount{currency="gems",flow="sink"}': 0,
      'gso_today_currency_amount{currency="credits",flow="sink"}': 3,
      'gso_yesterday_session_length_seconds{percentile="90"}': 120,
      'gso_retention_ratio{day="1"}': 0.75,
      'gso_retention_ratio{day="7"}': 0,
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.strictEqual(samples.get(name), value, name);
    }
    for (const name of ['gso_today_events{event="made.up"}', 'gso_retention_ratio{day="3"}']) {
      assert.ok(!samples.has(name), name);
    }
    await analytics.stop();
  });

  it('takes no report for that of a whole day which was made before the day was over', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, reports: 'off' });
    const before = report(2, { users: { mau30: 70, byFirstDay: [] } });
    await database.db
      .collection('gsoreports')
      .insertMany([report(1, { state: 'open' }), { ...before, state: 'final' }]);
    const samples = samplesOf(await analytics.getOpenMetrics());
    assert.strictEqual(samples.get('gso_month_users'), 70);
    await analytics.stop();
  });

  it('tells no share of days that leave out different users', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, reports: 'off' });
    const cohort = { byFirstDay: [{ f: dayOf(2), u: 4 }] };
    await database.db
      .collection('gsoreports')
      .insertMany([
        report(1, { ...cohort, options: { users: 'some' } }),
        report(2, { ...cohort, options: { users: 'others' } }),
      ]);
    const samples = samplesOf(await analytics.getOpenMetrics());
    assert.ok(samples.has('gso_month_users'));
    assert.ok(!samples.has('gso_retention_ratio{day="1"}'));
    await analytics.stop();
  });

  it('gives the same series of the game from two processes', async () => {
    const database = mongo.database();
    const one = create({ uri: database.uri }).analytics;
    const other = create({ uri: database.uri }).analytics;
    one.start();
    other.start();
    await Promise.all([one.onLogin('ann', 'Ann'), other.onLogin('bob', 'Bob')]);
    one.track('credits.earn', 'ann', { amount: 5 });
    await Promise.all([one.flush(), other.flush()]);
    await waitFor(async () => (await database.count('gsoreports', { _id: /^now:/ })) === 2);
    const texts = [];
    for (const analytics of [one, other, one, other]) texts.push(await analytics.getOpenMetrics());
    const [first, ...others] = texts.map(gameOf);
    assert.strictEqual(new Map(first).get('gso_players_online'), 2);
    for (const game of others) assert.deepStrictEqual(game, first);
    await Promise.all([one.stop(), other.stop()]);
  });

  it('reads at most every 10 s, and only small documents', async () => {
    const database = mongo.database();
    await store(database, { sessions: [session('u1', 1)] });
    const seen = [];
    const proxy = await startProxy(mongo.server.port, {
      observe: ({ command, body }) => seen.push({ command, body }),
    });
    const { analytics } = create({
      uri: `mongodb://127.0.0.1:${proxy.port}/${database.name}?directConnection=true`,
      reports: 'off',
      presence: 'off',
    });
    await analytics.getOpenMetrics();
    await waitFor(() => seen.length > 0);
    const reads = () =>
      seen.filter(({ command }) => ['find', 'aggregate'].includes(command)).map(({ body }) => body);
    const first = reads();
    assert.ok(first.length <= 12, `${first.length} reads`);
    const touched = first.map((body) => body.find ?? body.aggregate);
    assert.ok(!touched.some((name) => ['gsoevents', 'gsosessions'].includes(name)), `${touched}`);
    await Promise.all(Array.from({ length: 20 }, () => analytics.getOpenMetrics()));
    assert.strictEqual(reads().length, first.length);
    await analytics.stop();
    await proxy.close();
  });

  it('reads nothing any more that no scraper waits for', async () => {
    const database = mongo.database();
    const seen = [];
    const proxy = await startProxy(mongo.server.port, {
      observe: ({ command, body }) => seen.push({ command, body }),
    });
    const { analytics } = create({
      uri: proxy.uri(database.name),
      reports: 'off',
      presence: 'off',
    });
    proxy.rule({
      when: ({ command }) => command === 'find',
      fate: fates.delay(SCRAPE_MS + 500),
      times: 1,
    });
    assert.deepStrictEqual(gameOf(await analytics.getOpenMetrics()), []);
    await waitFor(() => seen.some(({ command }) => command === 'find'));
    assert.notDeepStrictEqual(gameOf(await analytics.getOpenMetrics()), []);
    const payers = seen.filter(({ command }) => command === 'aggregate');
    assert.strictEqual(payers.length, 1);
    const { maxTimeMS } = payers[0].body;
    assert.ok(maxTimeMS > 0 && maxTimeMS <= SCRAPE_MS, `${maxTimeMS} ms`);
    await analytics.stop();
    await proxy.close();
  });

  it('leaves the game out while the database is away, and does not keep a scraper waiting', async () => {
    const { analytics } = create({ uri: NOBODY });
    analytics.start();
    const begun = performance.now();
    const text = await analytics.getOpenMetrics();
    assert.ok(performance.now() - begun < 8_000);
    assert.deepStrictEqual(gameOf(text), []);
    assert.strictEqual(samplesOf(text).get('gso_analytics_database_connected'), 0);
    assert.ok(text.endsWith('# EOF\n'));
    await analytics.stop();
  });

  it('rejects an unknown format', async () => {
    const { analytics } = create({ uri: NOBODY });
    await assert.rejects(analytics.getOpenMetrics({ format: 'xml' }), {
      name: 'TypeError',
      message: 'format: must be one of openmetrics, prometheus',
    });
    await analytics.stop();
  });
});

describe('the text', () => {
  /** What two parsers say about it: nothing, where it is right. */
  async function texts() {
    const database = mongo.database();
    const currencies = Array.from({ length: 10 }, (_, n) => `coin${n}`);
    const counters = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`${HOSTILE}${n}`, `own${n}`]),
    );
    const destinations = Array.from({ length: 5 }, (_, n) => ({
      name: `to${n}`,
      url: 'http://127.0.0.1:9/',
    }));
    for (const currency of currencies) counters[`${currency}.earn`] = `${currency}In`;
    const { analytics } = create({
      uri: database.uri,
      ...{ currencies, counters: trimmed(counters, 60), destinations },
    });
    analytics.start();
    await analytics.onLogin(HOSTILE, HOSTILE);
    await analytics.flush();
    const events = Object.keys(counters).map((k) => ({ k, n: 1 }));
    const days = [1, 2, 4, 8, 15, 31].map((daysAgo) =>
      report(daysAgo, { byFirstDay: [1, 2, 4, 8, 15, 31].map((ago) => ({ f: dayOf(ago), u: 1 })) }),
    );
    await database.db.collection('gsoreports').insertMany([report(0, { events }), ...days]);
    const found = {
      openmetrics: await analytics.getOpenMetrics(),
      prometheus: await analytics.getOpenMetrics({ format: 'prometheus' }),
    };
    await analytics.stop();
    return found;
  }

  const trimmed = (map, most) => Object.fromEntries(Object.entries(map).slice(-most));

  it('has less than 250 series, and each name once, whatever events are called', async () => {
    const { openmetrics, prometheus } = await texts();
    assert.ok(openmetrics.includes('gso_today_events{event="a\\"b\\\\c\\n}{ 1\\n# EOF'));
    for (const text of [openmetrics, prometheus]) {
      const names = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
      assert.ok(names.length < 250, `${names.length} series`);
      assert.strictEqual(samplesOf(text).size, names.length);
    }
    assert.strictEqual(openmetrics.match(/^# EOF$/gm).length, 1);
  });

  it('is read by promtool, where there is one', async (t) => {
    const { prometheus } = await texts();
    const { error, status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
      input: prometheus,
      encoding: 'utf8',
    });
    if (error) return t.skip('promtool is not installed');
    // A note of style, 3, is no mistake.
    assert.ok([0, 3].includes(status), stderr + stdout);
    assert.doesNotMatch(stderr, /error while linting/);
  });
});
