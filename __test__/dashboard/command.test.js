// `dashboard` and `report` as commands, on a database of six weeks: what the page gets is what the methods answer.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { planMonth } = require('../../examples/month');
const { MAIN, cli } = require('../integration/cli/command');
const { startHost } = require('../support/host');
const { create, useMongod } = require('../support/setup');
const { waitFor } = require('../support/wait');
const { drawn, findChromium, launch, openPage, picture } = require('./pages');

const TOKEN = 'token-of-the-tests';
const { file, missing } = findChromium();
const mongo = useMongod();
/** The figures in a report. */
const inside = (html) =>
  JSON.parse(/<script type="application\/json" id="figures">(.*)<\/script>/.exec(html)[1]);
const plain = (value) => JSON.parse(JSON.stringify(value));

describe('the commands of the page', () => {
  let uri;
  let analytics;
  before(async () => {
    const database = mongo.database();
    uri = database.uri;
    const { sessions, events, days } = planMonth(Math.floor(Date.now() / 86_400_000) * 86_400_000);
    await database.db.collection('gsosessions').insertMany(sessions);
    await database.db.collection('gsoevents').insertMany(events);
    await database.db.collection('gsodailies').insertMany(days);
    const funnels = { first: { steps: ['user.register', 'dungeon.complete'], windowS: 86_400 } };
    ({ analytics } = create({
      uri,
      instanceName: 'eu-1',
      operationTimeoutMs: 60_000,
      funnels,
    }));
    analytics.start();
    await analytics.onLogin('ann', 'ann');
    await analytics.getActivity();
    await waitFor(async () => (await analytics.getConcurrency()).now === 1);
  });
  after(() => analytics?.stop());

  /** Serves the page until `use` is done, then ends it by a signal. */
  async function whileServed(use, { args = [], signal = 'SIGTERM' } = {}) {
    const env = { ANALYTICS_MONGODB_URI: uri, ANALYTICS_DASHBOARD_TOKEN: TOKEN };
    const host = startHost(MAIN, { args: ['dashboard', '--port', '0', ...args], env });
    await waitFor(() => host.output.stdout.includes('\n'));
    const url = host.output.stdout.trim();
    await use(url);
    host.child.kill(signal);
    return { url, ...(await host.finished) };
  }

  it('gives each section what the methods answer, and ends by a signal', async () => {
    const { url, code } = await whileServed(async (address) => {
      const { origin } = new URL(address);
      const read = async (name) => {
        const headers = { authorization: `Bearer ${TOKEN}` };
        return (await fetch(`${origin}/data/${name}`, { headers })).json();
      };
      const whole = (rows) => rows.filter(({ state }) => state !== 'open');
      const same = async (name, rows) =>
        assert.deepStrictEqual(whole(await read(name)), plain(whole(rows)), name);
      await same('players', await analytics.getActivity({ days: 30 }));
      await same('sessions', await analytics.getSessionLengths({ days: 30 }));
      await same('retention', await analytics.getRetention({ cohorts: 39 }));
      const [credits] = await read('economy');
      const [expected] = await analytics.getEconomy({ days: 30, limit: 8 });
      assert.deepStrictEqual(
        [credits.sourced, credits.sinks],
        plain([expected.sourced, expected.sinks]),
      );
      const { rows } = await read('events');
      const top = await analytics.getTopEvents({ days: 7 });
      assert.deepStrictEqual(
        rows.map(({ event, count }) => [event, count]),
        top.map(({ event, count }) => [event, count]),
      );
      assert.strictEqual((await read('live')).now, 1);
      const { instances } = await read('health');
      assert.deepStrictEqual(
        instances.map(({ state, health }) => [state, health.instance]),
        [['here', 'eu-1']],
      );
      const revenue = await read('revenue');
      assert.strictEqual(revenue[0].length, 30);
      // Only the game knows its funnels.
      const { steps } = await analytics.getFunnel('first');
      assert.ok(steps[1].users > 0);
      assert.deepStrictEqual(
        (await read('funnels')).map((funnel) => [funnel.name, funnel.steps]),
        [['first', plain(steps)]],
      );
    });
    assert.strictEqual(code, 0);
    assert.match(url, new RegExp(`^http://127\\.0\\.0\\.1:\\d+/#token=${TOKEN}$`));
  });

  it('shows them in a browser', { skip: missing }, async () => {
    const browser = await launch(file);
    try {
      await whileServed(
        async (url) => {
          const { page, problems } = await openPage(browser, url);
          await drawn(page);
          assert.strictEqual(await page.locator('#online').innerText(), '1');
          assert.deepStrictEqual(problems, []);
          await picture(page, 'command');
        },
        { signal: 'SIGINT' },
      );
    } finally {
      await browser.close();
    }
  });

  it('writes the report, and says where', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-report-'));
    const out = path.join(folder, 'report.html');
    const { code, stdout } = await cli(['report', '--out', out, '--days', '14'], { uri });
    assert.deepStrictEqual([code, stdout], [0, `${out}\n`]);
    const html = fs.readFileSync(out, 'utf8');
    const { days, sections } = inside(html);
    assert.deepStrictEqual([days, sections.players.length], [14, 14]);
    assert.ok(!html.includes('player1"') && !html.includes('mongodb://'), 'no ids, no secrets');
    fs.rmSync(folder, { recursive: true });
  });

  it('calls no day of an empty database normal', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-report-'));
    const out = path.join(folder, 'report.html');
    await cli(['report', '--out', out], { uri: mongo.database().uri });
    const { live } = inside(fs.readFileSync(out, 'utf8')).sections;
    assert.deepStrictEqual([live.now, live.normal.verdict], [null, 'unknown']);
    fs.rmSync(folder, { recursive: true });
  });

  it('refuses what would be open to everybody', async () => {
    const wrong = {
      '--host 0.0.0.0': /needs a token of yours/,
      '--token short': /at least 16/,
      '--port 70000': /--port must be/,
    };
    for (const [args, message] of Object.entries(wrong)) {
      const { code, stderr } = await cli(['dashboard', ...args.split(' ')], { uri });
      assert.strictEqual(code, 2, args);
      assert.match(stderr, message);
    }
  });
});
