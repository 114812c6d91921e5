// GameAnalytics' /events as documented: checks the signature of the bytes as they came, takes the good events of a
// batch and lists the others.
'use strict';

const { createHmac } = require('node:crypto');
const { Receiver, isObject, isText } = require('./receiver');

const GAME_KEY = 'game-key-of-the-game';
const SECRET_KEY = 'secret-key-of-the-game';
const MAX_BYTES = 1_000_000;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;
const PART = '[A-Za-z0-9\\s\\-_.()!?]{1,64}';
const PLATFORM = 'linux|windows|mac_osx|ios|android|webgl|unknown';
const isCount = (value) => Number.isInteger(value) && value >= 0;
const isShort = (value) => isText(value) && value.length <= 32;
const matches = (pattern) => (value) => isText(value) && new RegExp(`^${pattern}$`).test(value);

const ANNOTATIONS = {
  category: (value) => Object.hasOwn(CATEGORIES, value),
  device: isShort,
  v: (value) => value === 2,
  user_id: isText,
  client_ts: (value) => isCount(value) && value < 99_999_999_999,
  sdk_version: matches('rest api v2'),
  os_version: matches(`(${PLATFORM}) \\d{0,5}(\\.\\d{0,5}){0,2}`),
  manufacturer: isShort,
  platform: matches(PLATFORM),
  session_id: (value) => isText(value) && UUID.test(value),
  session_num: (value) => isCount(value) && value > 0,
  event_uuid: (value) => isText(value) && UUID.test(value),
  custom_fields: (value = {}) => isObject(value) && areCustom(Object.entries(value)),
};

const CATEGORIES = {
  user: {},
  session_end: { length: (value) => isCount(value) && value <= 172_800 },
  business: {
    event_id: matches(`${PART}:${PART}`),
    amount: Number.isInteger,
    currency: matches('[A-Z]{3}'),
    transaction_num: isCount,
  },
  resource: {
    event_id: matches(`(Sink|Source):[A-Za-z]{1,64}:${PART}:${PART}`),
    amount: Number.isFinite,
  },
  design: {
    event_id: matches(`${PART}(:${PART}){0,4}`),
    value: (value = 0) => Number.isFinite(value),
  },
};

function areCustom(entries) {
  const isField = ([key, value]) =>
    matches('[A-Za-z0-9_]{1,64}')(key) &&
    (Number.isFinite(value) || (isText(value) && value.length <= 256));
  return entries.length <= 50 && entries.every(isField);
}

function answer(request, receiver) {
  if (request.path !== `/v2/${GAME_KEY}/events`) return { status: 404 };
  const signature = createHmac('sha256', SECRET_KEY).update(request.body).digest('base64');
  if (request.headers.authorization !== signature) return { status: 401 };
  if (request.headers['content-encoding'] !== 'gzip') receiver.violations.push('not compressed');
  if (Buffer.byteLength(request.text) > MAX_BYTES) {
    receiver.violations.push(`${request.text.length} characters`);
    return { status: 413 };
  }
  const events = JSON.parse(request.text);
  if (!Array.isArray(events)) return { status: 400, body: [] };
  const refused = events.flatMap((event) => {
    const errors = problemsOf(event);
    return errors.length > 0 ? [{ errors, event }] : [];
  });
  const good = events.filter((event) => problemsOf(event).length === 0).map(plain);
  if (refused.length > 0) return { status: 400, body: refused, events: good };
  return { status: 200, body: {}, events: good };
}

function problemsOf(event) {
  const rules = { ...ANNOTATIONS, ...CATEGORIES[event.category] };
  const bad = Object.keys(rules).filter((field) => !rules[field](event[field]));
  return bad.map((field) => ({ error_type: 'invalid', path: `/${field}` }));
}

/** An event without a user is that of a user of its own; design events have the name with dots. */
function plain({ event_uuid: id, user_id: userId, client_ts: seconds, ...fact }) {
  const user = userId === id ? '' : userId;
  const event = fact.event_id?.replaceAll(':', '.') ?? fact.category;
  return { id, event, user, data: fact.custom_fields ?? {}, at: seconds * 1_000, fact };
}

const startGameAnalytics = () => new Receiver(answer).start();

/** The destination that it is. */
const gameAnalyticsAt = ({ url }) => ({
  ...{ format: 'gameanalytics', gameKey: GAME_KEY, secretKey: SECRET_KEY, url },
});

module.exports = { gameAnalyticsAt, startGameAnalytics };
