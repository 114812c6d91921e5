// The page in a real browser: served with given figures, or as a file.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { filedPage } = require('../../lib/dashboard/page.js');
const { serve } = require('../../lib/dashboard/server.js');
const { findChromium, launch } = require('../../scripts/lib/browser');

/** Their ids, in their order. */
const SECTIONS = [
  'now',
  'players',
  'retention',
  'sessions',
  'economy',
  'revenue',
  'funnels',
  'events',
  'health',
];
const TOKEN = 'a token of the tests'.replaceAll(' ', '-');
const ABOUT = { version: '0.1.0', days: 30 };
const WIDE = { width: 1280, height: 800 };
const NARROW = { width: 390, height: 844 };
const WAIT_MS = 10_000;
/** Pictures for whoever looks at a run. */
const PICTURES =
  process.env.GSO_ANALYTICS_PICTURES ?? path.join(os.tmpdir(), 'gso-analytics-pictures');

/** Serves figures on loopback; `figures` may be changed while it runs, and an `Error` is an answer, too. */
async function serveFigures(figures) {
  const section = async (name) => {
    if (figures[name] instanceof Error) throw figures[name];
    return figures[name];
  };
  const server = await serve({
    figures: { section },
    about: ABOUT,
    token: TOKEN,
    host: '127.0.0.1',
    port: 0,
  });
  return { ...server, origin: `http://127.0.0.1:${server.port}` };
}

/** A page that remembers what went wrong in it, and what it asked for. */
async function openPage(browser, url, { viewport = WIDE, colorScheme = 'light' } = {}) {
  const page = await browser.newPage({ viewport, colorScheme });
  const seen = { problems: [], requests: [] };
  page.on(
    'console',
    (message) =>
      ['error', 'warning'].includes(message.type()) && seen.problems.push(message.text()),
  );
  page.on('pageerror', (error) => seen.problems.push(String(error)));
  page.on('request', (request) => seen.requests.push(request.url()));
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(url);
  return { page, ...seen };
}

/** Waits until every section has its figures. */
const drawn = (page) =>
  page.waitForFunction(
    (sections) =>
      document.querySelectorAll('section').length === sections &&
      !document.getElementById('main').textContent.includes('Reading …'),
    SECTIONS.length,
  );

/** The text of a section, in one line. */
async function textOf(page, id) {
  return (await page.locator(`#${id}`).innerText()).replace(/\s+/g, ' ');
}

/** The report with these figures, as a file. */
function writeReport(sections) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-report-'));
  const file = path.join(folder, 'report.html');
  fs.writeFileSync(file, filedPage({ generatedAt: new Date(), ...ABOUT, sections }));
  return {
    file,
    url: pathToFileURL(file).href,
    remove: () => fs.rmSync(folder, { recursive: true }),
  };
}

/** Draws the report with these figures, and passes its page on, and what `openPage` has seen. */
async function withReport(browser, sections, look) {
  const report = writeReport(sections);
  const { page, ...seen } = await openPage(browser, report.url);
  await drawn(page);
  await look(page, seen);
  await page.close();
  report.remove();
}

/** Of the whole page, or of one section. */
async function picture(page, name, id) {
  fs.mkdirSync(PICTURES, { recursive: true });
  const file = path.join(PICTURES, `${name}.png`);
  if (id) await page.locator(`#${id}`).screenshot({ path: file });
  else await page.screenshot({ path: file, fullPage: true });
}

module.exports = {
  NARROW,
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
  writeReport,
};
