// Mixpanel's /import as documented: takes the good events of a batch and lists the others.
'use strict';

const { Receiver, basic, isObject, isText } = require('./receiver');

const TOKEN = 'mixpanel-token';
const MAX_EVENTS = 2_000;
const MAX_BYTES = 2_000_000;
const MAX_EVENT_BYTES = 1_000_000;
const MAX_PROPERTIES = 255;
const HOUR_MS = 3_600_000;
const PLACEHOLDERS = ['anon', 'anonymous', 'nil', 'none', 'null', 'n/a', 'undefined', '0'];

const RULES = [
  ['event', ({ event }) => isText(event)],
  ['properties', ({ properties }) => isObject(properties)],
  ['properties', ({ properties }) => Object.keys(properties).length < MAX_PROPERTIES],
  [
    'properties.time',
    ({ properties: { time } }) => Number.isInteger(time) && time > 31_536_000_000,
  ],
  ['properties.time', ({ properties: { time } }) => time < Date.now() + HOUR_MS],
  ['properties.distinct_id', ({ properties }) => typeof properties.distinct_id === 'string'],
  [
    'properties.distinct_id',
    ({ properties }) => !PLACEHOLDERS.includes(properties.distinct_id.toLowerCase()),
  ],
  ['properties.$insert_id', ({ properties }) => /^[\w-]{1,36}$/.test(properties.$insert_id)],
];

function answer(request, receiver) {
  const url = new URL(request.path, 'http://localhost');
  if (url.pathname !== '/import') return { status: 404 };
  if (basic(request) !== `${TOKEN}:`) return failure(401, 'Unauthorized');
  if (url.searchParams.get('strict') !== '1') receiver.violations.push('not strict');
  if (request.headers['content-encoding'] !== 'gzip') receiver.violations.push('not compressed');
  const bytes = Buffer.byteLength(request.text);
  const events = JSON.parse(request.text);
  if (bytes > MAX_BYTES || events.length > MAX_EVENTS) {
    receiver.violations.push(`${events.length} events, ${bytes} bytes`);
    return failure(413, 'request exceeds max limit');
  }
  return imported(events);
}

function imported(events) {
  const failed = events.flatMap((event, index) => {
    const field = wrongField(event);
    return field ? [{ index, insert_id: event.properties?.$insert_id, field, message: 'bad' }] : [];
  });
  const bad = new Set(failed.map(({ index }) => index));
  const good = events.filter((_, index) => !bad.has(index)).map(plain);
  if (failed.length === 0) {
    return { status: 200, events: good, body: report(200, 'OK', { n: good.length }) };
  }
  const error = 'some data points in the request failed validation';
  const body = { error, failed_records: failed, ...report(400, 'Bad Request', { n: good.length }) };
  return { status: 400, events: good, body };
}

function wrongField(event) {
  if (JSON.stringify(event).length >= MAX_EVENT_BYTES) return 'event';
  return RULES.find(([, holds]) => !holds(event))?.[0];
}

function plain({ event, properties: { time, distinct_id: user, $insert_id: id, ...data } }) {
  return { id, event, user, data, at: time };
}

function report(code, status, { n }) {
  return { code, status, num_records_imported: n };
}

function failure(status, error) {
  return { status, body: { code: status, error } };
}

const startMixpanel = () => new Receiver(answer).start();

/** The destination that it is. */
const mixpanelAt = ({ url }) => ({ format: 'mixpanel', token: TOKEN, url });

module.exports = { mixpanelAt, startMixpanel };
