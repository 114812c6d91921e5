// The page: it reads its figures from the process that served it, or out of the file that it is.

import { events, funnels, health } from './deeds.mjs';
import { el, refill } from './dom.mjs';
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
const LIVE_MS = 10_000;
const REST_MS = 300_000;
const TOKEN_KEY = 'gso-analytics token';

const inlined = document.getElementById('figures');
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
  if (inlined) showFile(JSON.parse(inlined.textContent));
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
  if (!DRAW[name]) return;
  const place = places.get(name);
  // Whoever is in a table does not lose the place.
  if (
    place.childElementCount > 2 &&
    place.contains(document.activeElement) &&
    place !== document.activeElement
  )
    return;
  const title = TITLES[name];
  refill(
    place,
    ...(found.error
      ? section({ id: name, title, definition: '' }, failure(found.error))
      : DRAW[name](found)),
  );
}

function drawFirst() {
  const place = places.get('now');
  if (!figures.live) return;
  if (
    place.contains(document.activeElement) &&
    place !== document.activeElement &&
    place.querySelector('.first')
  )
    return;
  refill(place, ...now({ ...figures, tops: topTiles(figures) }));
  if (figures.live.day) place.querySelector('h2').replaceChildren(dayFull(figures.live.day));
}

function say(kind, text) {
  if (status.textContent !== text)
    status.replaceChildren(el('span', { class: `light ${kind}`, 'aria-hidden': 'true' }), text);
}

/** The token stands in the address once; then the tab keeps it, so that anchors and reloading work. */
function takeToken() {
  const given = /^#token=(.+)$/.exec(location.hash)?.[1];
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
  });
  const body = await response.json();
  if (response.status === 401)
    throw Object.assign(new Error(body.error.message), { isRefused: true });
  return body;
}

async function live() {
  const token = takeToken();
  if (!token) return refused('This page needs the token of the command that serves it.');
  const read = async (name) => {
    figures[name] = await fetchJson(name, token);
    draw(name);
  };
  let readAt = 0;
  let isReading = false;
  const round = async () => {
    if (document.hidden || isReading) return;
    isReading = true;
    try {
      const isDue = Date.now() - readAt >= REST_MS;
      const names = isDue
        ? ['past', 'changes', ...Object.keys(DRAW).filter((name) => name !== 'health')]
        : [];
      await Promise.all(['live', 'health', ...names].map(read));
      if (isDue) readAt = Date.now();
      say('on', `Live · ${timeS(figures.live.asOf ?? new Date().toISOString())}`);
    } catch (error) {
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
