// The page: it reads its figures from the process that served it, or out of the file that it is.

import { events, funnels, health } from './deeds.mjs';
import { el, isFile, refill } from './dom.mjs';
import { dayFull, moment, timeS } from './format.mjs';
import { economy, revenue } from './money.mjs';
import { HEAD, now, topTiles } from './now.mjs';
import { failure, section } from './parts.mjs';
import { players, retention, sessions } from './people.mjs';

const DRAW = { players, retention, sessions, economy, revenue, funnels, events, health };
const TITLES = {
  now: 'Now',
  players: 'Players',
  retention: 'Retention',
  sessions: 'Sessions',
  economy: 'Economy',
  revenue: 'Revenue',
  funnels: 'Funnels',
  events: 'Events',
  health: 'Health',
};
/** What the first screen is made of. */
const FIRST = ['live', 'past', 'changes', 'players', 'retention', 'sessions', 'revenue'];
/** What changes by the day, and not by the second. */
const SLOW = ['past', 'changes', ...Object.keys(DRAW).filter((name) => name !== 'health')];
const LIVE_MS = 10_000;
const REST_MS = 300_000;
/** The command waits 30 s for the database. */
const REQUEST_MS = 45_000;
const TOKEN_KEY = 'gso-analytics token';

const figures = {};
const places = new Map();
const status = document.getElementById('status');

function begin() {
  for (const [id, title] of Object.entries(TITLES)) {
    const place = el(
      'section',
      { id, 'aria-labelledby': `${id}-title`, tabindex: '-1' },
      section({ id, title, definition: 'Reading …' }),
    );
    places.set(id, place);
    document.getElementById('main').append(place);
    document.getElementById('sections').append(el('li', {}, el('a', { href: `#${id}` }, title)));
  }
  if (isFile) showFile(JSON.parse(document.getElementById('figures').textContent));
  else live();
}

/** The report: the figures stand in the file. */
function showFile({ generatedAt, version, days, sections }) {
  Object.assign(figures, sections);
  for (const name of Object.keys(sections)) draw(name);
  say('still', `Report of ${moment(generatedAt)}`);
  foot(version, days);
}

function foot(version, days) {
  document
    .getElementById('foot')
    .replaceChildren(
      el(
        'p',
        {},
        `gso-analytics ${version} · ${days} days · all days and times are UTC · “–” is not known`,
      ),
    );
}

function draw(name) {
  const found = figures[name];
  if (FIRST.includes(name)) drawFirst();
  if (!DRAW[name] || !found) return;
  const title = TITLES[name];
  refill(
    places.get(name),
    ...(found.error
      ? section({ id: name, title, definition: '' }, failure(found.error))
      : DRAW[name](found)),
  );
}

function drawFirst() {
  const place = places.get('now');
  const { live, past } = figures;
  if (!live) return;
  // Without the days before today, what else is known may be of another day.
  refill(place, ...now(past ? { ...figures, tops: topTiles(figures) } : { live }));
  if (live.day) place.querySelector('h2').replaceChildren(dayFull(live.day));
}

function say(kind, text) {
  if (status.textContent !== text)
    status.replaceChildren(el('span', { class: `light ${kind}`, 'aria-hidden': 'true' }), text);
}

const tokenInAddress = () => /^#token=(.+)$/.exec(location.hash)?.[1];

/** The token stands in the address once; then the tab keeps it, so that anchors and reloading work. */
function takeToken() {
  const given = tokenInAddress();
  if (given) {
    sessionStorage.setItem(TOKEN_KEY, decodeURIComponent(given));
    history.replaceState(null, '', location.pathname);
  }
  return sessionStorage.getItem(TOKEN_KEY);
}

async function fetchJson(name, token) {
  const response = await fetch(`/data/${name}`, {
    headers: { authorization: `Bearer ${token}` },
    cache: 'no-store',
    signal: AbortSignal.timeout(REQUEST_MS),
  });
  const body = await response.json();
  if (response.status === 401)
    throw Object.assign(new Error(body.error.message), { isRefused: true });
  return body;
}

const isMissing = (name) => !figures[name] || figures[name].error;

/** Whether figures of two days would stand beside each other. */
const isOtherDay = () =>
  Boolean(figures.live?.day && figures.past?.day && figures.live.day !== figures.past.day);

function sayHowItGoes() {
  const { error, asOf } = figures.live;
  if (error) return say('off', 'Players online could not be read. Figures may be old');
  const at = `Live · ${timeS(asOf)}`;
  if (['health', ...SLOW].some(isMissing)) return say('still', `${at} · not all could be read`);
  say('on', at);
}

async function live() {
  addEventListener('hashchange', () => tokenInAddress() && location.reload());
  const token = takeToken();
  if (!token) return refused('This page needs the token of the command that serves it.');
  let readAt = 0;
  const read = async (name) => {
    figures[name] = await fetchJson(name, token);
    if (isOtherDay()) {
      for (const one of SLOW) delete figures[one];
      readAt = 0;
    }
    draw(name);
  };
  let isReading = false;
  const round = async () => {
    if (document.hidden || isReading) return;
    isReading = true;
    try {
      const isDue = Date.now() - readAt >= REST_MS;
      if (isDue) readAt = Date.now();
      await Promise.all(['live', 'health', ...(isDue ? SLOW : SLOW.filter(isMissing))].map(read));
      // A new day has begun.
      await Promise.all(SLOW.filter((name) => !figures[name]).map(read));
      admitted(token);
      sayHowItGoes();
    } catch (error) {
      readAt = 0;
      if (error.isRefused) refused(error.message);
      else
        say(
          'off',
          'No connection: the command that serves this page does not answer. Figures may be old',
        );
    } finally {
      isReading = false;
    }
  };
  document.addEventListener('visibilitychange', () =>
    document.hidden ? say('still', 'Paused while hidden') : round(),
  );
  setInterval(round, LIVE_MS);
  const { version, days } = await fetchJson('about', token).catch(() => ({
    version: '',
    days: 30,
  }));
  foot(version, days);
  await round();
}

/** The command may have been started again, with this token. */
function admitted(token) {
  sessionStorage.setItem(TOKEN_KEY, token);
  for (const place of places.values()) place.hidden = false;
}

function refused(message) {
  sessionStorage.removeItem(TOKEN_KEY);
  say('off', 'Not allowed');
  const advice =
    'Open the address that “gso-analytics dashboard” has printed: it ends with #token=…';
  const place = places.get('now');
  refill(
    place,
    ...section(
      HEAD,
      el('div', { class: 'empty' }, el('p', {}, message), el('p', { class: 'note' }, advice)),
    ),
  );
  for (const [id, other] of places) other.hidden = id !== 'now';
}

begin();
