// The page where something is missing: nothing to show yet, a part of a day, days of other options, a section that
// cannot be read.
'use strict';

const assert = require('node:assert');
const { after, before, describe, it } = require('node:test');
const { figuresOf } = require('./figures.js');
const {
  SECTIONS,
  TOKEN,
  drawn,
  findChromium,
  launch,
  openPage,
  picture,
  serveFigures,
  textOf,
  withReport,
} = require('./pages.js');

const PLAIN = ['Boss kill', 'skin', 'eu-1', 'dungeon', 'shop', 'arena', 'quest', 'craft'];
const { file, missing } = findChromium();

describe('the page without all of its figures', { skip: missing }, () => {
  let browser;
  before(async () => {
    browser = await launch(file);
  });
  after(() => browser?.close());

  it('says what to do where there is nothing yet', async () => {
    const none = figuresOf({ names: PLAIN });
    const empty = (rows, field) => rows.map((row) => ({ ...row, [field]: null }));
    Object.assign(none, {
      live: {
        ...none.live,
        now: null,
        peak: null,
        byInstance: [],
        curve: none.live.curve.map(() => null),
        normal: { upTo: none.live.asOf, players: null, days: [], verdict: 'unknown' },
      },
      past: { ...none.past, yesterday: { curve: none.live.curve.map(() => null) }, weekdays: [] },
      ...{
        players: empty(none.players, 'dau'),
        retention: empty(none.retention, 'size'),
        sessions: empty(none.sessions, 'ended'),
      },
      ...{ economy: [], revenue: [[]], funnels: [], events: { ...none.events, rows: [] } },
      ...{ changes: { ...none.changes, rows: [] }, health: { ...none.health, instances: [] } },
    });
    await withReport(browser, none, async (page, { problems }) => {
      for (const id of SECTIONS) assert.ok((await page.locator(`#${id} .empty`).count()) > 0, id);
      assert.match(await textOf(page, 'funnels'), /option “funnels”/);
      assert.match(await textOf(page, 'economy'), /not known\. No report .* give --options/);
      assert.deepStrictEqual(problems, []);
      await picture(page, 'empty');
    });
  });

  it('says which days were reported under other options', async () => {
    const own = figuresOf({ names: PLAIN });
    const { players, retention, sessions, economy, revenue, funnels, events } = own;
    const days = [players, retention, sessions, economy[0].days, revenue[0], funnels[0].days];
    for (const rows of days) rows[10].otherOptions = true;
    events.rows[0].otherOptions = true;
    await withReport(browser, own, async (page) => {
      const ids = ['players', 'retention', 'sessions', 'economy', 'revenue', 'funnels'];
      for (const id of ids) {
        assert.match(await textOf(page, id), /Days up to 11 Nov were reported under other/, id);
      }
      assert.match(await textOf(page, 'events'), /Some of these days were reported under other/);
    });
    await withReport(browser, figuresOf({ names: PLAIN }), async (page) =>
      assert.doesNotMatch(await page.locator('body').innerText(), /under other options/),
    );
  });

  it('shows no part of yesterday as the whole of it', async () => {
    const early = figuresOf({ names: PLAIN });
    for (const rows of [early.players, early.sessions, early.revenue[0]])
      rows[rows.length - 2].state = 'open';
    await withReport(browser, early, async (page) => {
      const first = await textOf(page, 'now');
      assert.match(first, /Players yesterday – not reported yet; that takes until 00:15 UTC/);
      assert.match(first, /Median session yesterday – not reported yet/);
      assert.match(first, /Revenue yesterday \$123\.45 8 payers, – of the players/);
    });
  });

  it('does not take what is unknown for nothing', async () => {
    const own = figuresOf({ names: PLAIN });
    for (const row of own.economy) Object.assign(row, { daysKnown: 0, sourced: null, sunk: null });
    own.funnels[0].isKeptOnly = true;
    await withReport(browser, own, async (page) => {
      const economy = await textOf(page, 'economy');
      assert.match(economy, /What moved in this range is not known\. A day is known as soon as/);
      assert.doesNotMatch(economy, /No currency moved/);
      assert.match(await textOf(page, 'funnels'), /not known: give --options, which say whom/);
    });
  });

  it('calls nothing well while a process that is gone has lost records', async () => {
    const own = figuresOf({ names: PLAIN });
    const [here, , ended] = own.health.instances;
    Object.assign(here.health, { dropped: 0, totals: 'ok', destinations: [] });
    const healthOf = async (dropped) => {
      ended.health = { ...ended.health, dropped, destinations: [] };
      own.health.instances = [here, ended];
      let text;
      await withReport(browser, own, async (page) => {
        text = await textOf(page, 'health');
      });
      return text;
    };
    assert.match(await healthOf(0), /All well: 1 process runs, nothing is lost/);
    const text = await healthOf(7);
    assert.doesNotMatch(text, /All well/);
    assert.match(text, /eu-1, which stopped 0 s ago, had lost 7 records\. Its log says why/);
  });

  it('shows the other sections when one cannot be read', async () => {
    const own = figuresOf({ names: PLAIN });
    own.players = Object.assign(new Error('reports are off'), { code: 'ANALYTICS_REPORTS_OFF' });
    const failing = await serveFigures(own);
    const { page } = await openPage(browser, `${failing.origin}/#token=${TOKEN}`);
    await drawn(page);
    assert.match(await textOf(page, 'players'), /No report is made here/);
    assert.match(await textOf(page, 'economy'), /Came in/);
    await page.close();
    await failing.close();
  });
});
