// Revenue on the page: what is known, what is not, and every currency in which somebody paid.
'use strict';

const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { figuresOf } = require('./figures.js');
const { drawn, findChromium, launch, openPage, picture, writeReport } = require('./pages.js');

const { file, missing } = findChromium();
const NAMES = ['Boss kill', 'skin', 'eu-1'];

describe('revenue on the page', { skip: missing }, () => {
  let browser;
  before(async () => {
    browser = await launch(file);
  });
  after(() => browser?.close());

  /** Opens the page with these rows of revenue, and reads a section. */
  async function shown(revenue, { id = 'revenue', name } = {}) {
    const { url, remove } = writeReport({ ...figuresOf({ names: NAMES }), revenue });
    const { page, problems } = await openPage(browser, url);
    await drawn(page);
    for (const details of await page.locator('details').all())
      await details.evaluate((one) => (one.open = true));
    const text = (await page.locator(`#${id}`).innerText()).replace(/\s+/g, ' ');
    if (name) await picture(page, name, id);
    await page.close();
    remove();
    assert.deepStrictEqual(problems, []);
    return text;
  }

  const rowsOf = (change) => figuresOf({ names: NAMES }).revenue.map((rows) => rows.map(change));
  /** A day before the first stored purchase: the totals know its revenue, and nobody who paid. */
  const old = (row) => ({
    ...{ ...row, cents: 10_000, payments: null, payers: null, newPayers: null },
    ...{ payingShare: null, arppuCents: null },
  });

  it('takes no mean over days of which purchases are not known', async () => {
    const revenue = rowsOf((row, i) =>
      i < 29
        ? old(row)
        : { ...row, cents: 500, payments: 1, payers: 1, newPayers: 1, payingShare: 0.01 },
    );
    const text = await shown(revenue, { name: 'revenue-old-days' });
    assert.match(text, /Revenue \$2,905\.00 in 30 days/);
    assert.match(text, /Purchases 1 \$5\.00 on average, in 1 known day/);
    assert.match(text, /New payers 1 who had never paid before, in 1 known day/);
  });

  it('has a dash where no purchase is known, and never 0', async () => {
    const text = await shown(rowsOf(old));
    assert.match(text, /Purchases – – on average/);
    assert.match(text, /New payers –/);
    assert.match(await shown(rowsOf(old), { id: 'now' }), /Revenue yesterday \$100\.00 – payers/);
  });

  it('has a table of further currencies, and of purchases without one', async () => {
    const others = ['SEK', null, 'JPY'].map((currency, i) => {
      return { currency, cents: 1_000 * (i + 1), payments: i + 1 };
    });
    const text = await shown(
      rowsOf((row) => ({ ...row, otherCurrencies: others })),
      { name: 'revenue-currencies' },
    );
    assert.match(text, /Revenue \$3,703\.50 in 30 days/);
    assert.match(text, /60 purchases of these days have no currency/);
    assert.match(text, /JPY ¥90,000 90 \(no currency\) 60,000 in minor units 60 SEK/);
  });

  it('is not called empty where every purchase is without a currency', async () => {
    const none = { cents: 0, payments: 0, payers: 0, newPayers: 0 };
    const revenue = rowsOf((row, i) => ({
      ...{ ...row, ...none, otherCurrencies: [] },
      ...(i === 3 && { otherCurrencies: [{ currency: null, cents: 499, payments: 1 }] }),
    }));
    const text = await shown(revenue);
    assert.doesNotMatch(text, /No purchase is stored/);
    assert.match(text, /1 purchase of these days has no currency/);
  });
});
