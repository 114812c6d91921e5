// The page while it is open: whoever reads in it, failures that pass, midnight, and another token.
'use strict';

const assert = require('node:assert');
const { after, before, beforeEach, afterEach, describe, it } = require('node:test');
const { figuresOf } = require('./figures.js');
const {
  NARROW,
  TOKEN,
  drawn,
  findChromium,
  launch,
  openPage,
  serveFigures,
  writeReport,
} = require('./pages.js');

const PLAIN = ['Boss kill', 'skin', 'eu-1'];
const ROUND_MS = 11_000;
const { file, missing } = findChromium();

describe('an open page', { skip: missing }, () => {
  let browser;
  let figures;
  let server;
  let page;
  before(async () => {
    browser = await launch(file);
  });
  after(() => browser?.close());
  beforeEach(async () => {
    figures = figuresOf({ names: PLAIN });
    server = await serveFigures(figures);
    ({ page } = await openPage(browser, `${server.origin}/#token=${TOKEN}`, { viewport: NARROW }));
    await page.clock.install();
    await page.reload();
    await drawn(page);
  });
  afterEach(async () => {
    await page?.close();
    await server?.close();
  });

  const says = (id, text) =>
    page.waitForFunction(
      ([place, part]) => document.getElementById(place).textContent.includes(part),
      [id, text],
    );
  const isLive = () => page.locator('#status .light.on').count();
  const nextRound = () => page.clock.runFor(ROUND_MS);

  it('is drawn again where somebody reads, who stays in place', async () => {
    const table = page.locator('#health .scroll').first();
    await table.focus();
    await table.evaluate((one) => {
      one.scrollLeft = 40;
    });
    figures.health.instances[0].health.queued = 4_711;
    await nextRound();
    await says('health', '4,711');
    const { className, scrollLeft, label } = await page.evaluate(() => {
      const { className, scrollLeft, ariaLabel: label } = document.activeElement;
      return { className, scrollLeft, label };
    });
    assert.deepStrictEqual(
      { className, scrollLeft, label },
      { className: 'scroll', scrollLeft: 40, label: 'Processes of the game' },
    );
  });

  it('is not called live without the figures of now', async () => {
    assert.strictEqual(await isLive(), 1);
    const { live } = figures;
    figures.live = new Error('away');
    await nextRound();
    await says('status', 'could not be read');
    assert.strictEqual(await isLive(), 0);
    figures.live = live;
    await nextRound();
    await says('status', 'Live');
    assert.strictEqual(await isLive(), 1);
  });

  it('reads a section that failed again in the next round', async () => {
    const { players } = figures;
    figures.players = new Error('away');
    await page.reload();
    await drawn(page);
    await says('players', 'This page tries again by itself');
    await says('status', 'not all could be read');
    assert.strictEqual(await isLive(), 0);
    figures.players = players;
    await nextRound();
    await says('players', 'Distinct users');
    await says('status', 'Live');
  });

  it('reads every section again when a new day begins, and mixes no days', async () => {
    await says('now', 'yesterday');
    const next = figuresOf({ names: PLAIN, today: '2026-12-01' });
    figures.live = next.live;
    await nextRound();
    await says('now', '1 December 2026');
    await page.waitForFunction(() => !/yesterday/i.test(document.querySelector('#now').innerText));
    Object.assign(figures, next);
    await nextRound();
    await says('now', '30 Nov, beside the mean');
    await says('players', '1 Dec');
  });

  it('takes a new token out of the address of the open tab', async () => {
    const goTo = (token) => page.evaluate((hash) => (location.hash = hash), `#token=${token}`);
    await goTo('another-token-of-tests');
    await says('now', 'Open the address');
    await goTo(TOKEN);
    await says('now', 'Players online');
    await drawn(page);
  });

  it('is shown again when a token that was refused is taken', async () => {
    const refusal = { status: 401, json: { error: { code: null, message: 'Not this token.' } } };
    await page.route('**/data/*', (route) => route.fulfill(refusal));
    await nextRound();
    await says('now', 'Not this token.');
    assert.strictEqual(await page.locator('#players').isVisible(), false);
    await page.unroute('**/data/*');
    await nextRound();
    await page.locator('#players').waitFor({ state: 'visible' });
    await says('now', 'Players online');
  });
});

describe('a report', { skip: missing }, () => {
  it('does not promise to read again what is missing', async () => {
    const browser = await launch(file);
    const figures = figuresOf({ names: PLAIN });
    figures.players = { error: { code: 'ANALYTICS_TIMEOUT', message: 'not in time' } };
    const report = writeReport(figures);
    const { page } = await openPage(browser, report.url);
    await drawn(page);
    const text = await page.locator('#players').innerText();
    assert.match(text, /write the report again/);
    assert.doesNotMatch(text, /by itself/);
    await browser.close();
    report.remove();
  });
});
