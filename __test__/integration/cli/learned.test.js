// Commands without the options of the game: what its reports tell of them is used, and nothing is guessed.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { after, before, describe, it } = require('node:test');
const { drawn, findChromium, launch, openPage, picture } = require('../../dashboard/pages');
const { create, useMongod } = require('../../support/setup');
const { dayOf, event, session, store } = require('../reports/days');
const { cli, linesOf } = require('./command');

const OWN = {
  currencies: ['gold'],
  counters: { 'gold.earn': { total: 'goldEarned', amount: 'amount' } },
  excludeUsers: ['bot-*'],
  funnels: { first: { steps: ['start', 'win'], windowS: 3_600 } },
};
const USERS = ['u1', 'bot-1'];
const { file: chromium, missing } = findChromium();
const mongo = useMongod();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-learned-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const out = path.join(folder, 'report.html');

/** The sections of a report of three days. */
async function sectionsOf(database, options) {
  const file = path.join(folder, 'options.json');
  if (options) fs.writeFileSync(file, JSON.stringify(options));
  const more = options ? ['--options', file, '--no-rollup'] : [];
  const args = ['report', '--out', out, '--days', '3', ...more];
  const { code, stderr } = await cli(args, { uri: database.uri });
  assert.strictEqual(code, 0, stderr);
  const html = fs.readFileSync(out, 'utf8');
  const found = /<script type="application\/json" id="figures">(.*)<\/script>/.exec(html)[1];
  return JSON.parse(found).sections;
}

describe('a command without the options of the game', () => {
  let database;
  let analytics;
  before(async () => {
    database = mongo.database();
    const steps = (user, daysAgo) =>
      OWN.funnels.first.steps.map((name) => event(name, daysAgo, {}, { userId: user, atMs: 1 }));
    await store(database, {
      sessions: USERS.map((user) => session(user, 1)),
      events: [
        event('gold.earn', 1, { amount: 5, reason: 'quest' }),
        ...USERS.flatMap((user) => [...steps(user, 1), ...steps(user, 0)]),
      ],
      days: [{ day: dayOf(2), stripeRevenue: 1_000 }],
    });
    ({ analytics } = create({ uri: database.uri, operationTimeoutMs: 60_000, ...OWN }));
    analytics.start();
    analytics.track('gold.earn', 'u1', { amount: 7 });
    analytics.track('stripe.payment', 'u1', { amountCents: 499, currency: 'krone' });
    await analytics.flush();
    await analytics.getActivity();
    await analytics.getFunnel('first', { days: 1, to: dayOf(1) });
  });
  after(() => analytics?.stop());

  it('gives the series of a game with counters and currencies of its own', async () => {
    const { code, stdout } = await cli(['metrics'], { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.match(stdout, /^gso_today_currency_amount\{currency="gold",flow="source"\} 7$/m);
    assert.match(stdout, /^gso_today_events\{event="gold.earn"\} 1$/m);
    const own = (await analytics.getOpenMetrics()).split('\n');
    const missing = linesOf(stdout).filter((line) => line.includes('{') && !own.includes(line));
    assert.deepStrictEqual(missing, []);
  });

  it('shows its currencies, and no part of a funnel that may hold users who are left out', async () => {
    const { economy, funnels } = await sectionsOf(database);
    assert.deepStrictEqual(
      economy.map(({ currency, sourced, coverage }) => [currency, sourced, coverage[0].total]),
      [['gold', 12, 'goldEarned']],
    );
    const [{ isKeptOnly, days }] = funnels;
    assert.strictEqual(isKeptOnly, true);
    assert.deepStrictEqual(
      days.map(({ users }) => users),
      [[0, 0], [1, 1], null],
    );
    const [given] = (await sectionsOf(database, OWN)).funnels;
    assert.deepStrictEqual([given.isKeptOnly, given.days[2].users], [undefined, [1, 1]]);
  });

  it('shows on the page what is known of them, and nothing of what is not', {
    skip: missing,
  }, async () => {
    await sectionsOf(database);
    const browser = await launch(chromium);
    try {
      const { page, problems } = await openPage(browser, pathToFileURL(out).href);
      await drawn(page);
      const textOf = async (id) => (await page.locator(`#${id}`).innerText()).replace(/\s+/g, ' ');
      assert.match(await textOf('economy'), /gold Came in 12/i);
      assert.match(await textOf('funnels'), /give --options, which say whom the game leaves out/);
      const revenue = await textOf('revenue');
      assert.match(revenue, /Revenue \$10\.00/);
      assert.match(revenue, /Purchases 0 – on average, in 1 known day/);
      assert.match(revenue, /1 purchase of these days has no currency/);
      assert.match(revenue, /\(no currency\) 499 in minor units 1/);
      assert.deepStrictEqual(problems, []);
      await picture(page, 'learned');
    } finally {
      await browser.close();
    }
  });

  it('knows currencies by their amounts alone where an earlier version has reported', async () => {
    await database.db.collection('gsoreports').updateMany({}, { $unset: { settings: 1 } });
    const { economy, funnels } = await sectionsOf(database);
    assert.deepStrictEqual(
      economy.map(({ currency, sourced, coverage }) => [currency, sourced, coverage]),
      [['gold', 12, []]],
    );
    assert.strictEqual(funnels[0].isKeptOnly, true);
  });

  it('names no currency where nothing is reported', async () => {
    const { economy } = await sectionsOf(mongo.database());
    assert.deepStrictEqual(economy, []);
  });
});
