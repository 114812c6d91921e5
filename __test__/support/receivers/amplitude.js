// Amplitude's /batch as documented: takes a batch or nothing of it, and lists what is wrong with its events, or the
// users who send too much.
'use strict';

const { Receiver, isObject, isText } = require('./receiver');

const API_KEY = 'amplitude-key';
const MAX_EVENTS = 2_000;
const MAX_BYTES = 20_000_000;
const MAX_DEPTH = 40;
/** Events of one user or device in a second; a request is taken as one. */
const MAX_PER_USER = 1_000;
const PLACEHOLDERS = ['anonymous', 'nil', 'none', 'null', 'n/a', 'na', 'undefined', 'unknown'];
PLACEHOLDERS.push('0', '-1', '{}', 'lmy47d', '00000000-0000-0000-0000-000000000000');

const isId = (id) => isText(id) && !PLACEHOLDERS.includes(id.toLowerCase());

const RULES = {
  user_id: ({ user_id: user }) => user === undefined || isId(user),
  device_id: ({ device_id: device }) => device === undefined || isId(device),
  time: ({ time }) => Number.isInteger(time) && time > 0,
  event_type: ({ event_type: type }) => !type.startsWith('[Amplitude]'),
  event_properties: ({ event_properties: given }) => isObject(given) && depthOf(given) <= MAX_DEPTH,
};

function answer(request, receiver) {
  if (request.path !== '/batch') return { status: 404 };
  if (!/^application\/json/.test(request.headers['content-type'])) return failure(400, 'type');
  const bytes = Buffer.byteLength(request.text);
  const { api_key: key, events, options = {} } = JSON.parse(request.text);
  if (key !== API_KEY) return failure(400, 'Invalid API key', { missing_field: 'api_key' });
  if (bytes > MAX_BYTES || events.length > MAX_EVENTS) {
    receiver.violations.push(`${events.length} events, ${bytes} bytes`);
    return failure(413, 'Payload too large');
  }
  const throttled = tooMuch(events);
  if (Object.keys(throttled).length > 0) {
    return failure(429, 'Too many requests for some devices and users', {
      ...{ throttled_users: throttled, throttled_devices: {}, throttled_events: [] },
    });
  }
  const missing = listed(events, wholeness(options));
  const whole = events.filter((_, at) => !Object.values(missing).flat().includes(at));
  const invalid = listed(events, RULES, whole);
  if (Object.keys({ ...missing, ...invalid }).length > 0) {
    const lists = { events_with_missing_fields: missing, events_with_invalid_fields: invalid };
    return failure(400, 'Request has events that are not valid', lists);
  }
  const body = { code: 200, events_ingested: events.length, payload_size_bytes: bytes };
  return { status: 200, body, events: events.map(plain) };
}

/** What an event must have; ids that are too short are taken away before that is looked at. */
function wholeness({ min_id_length: shortest = 5 }) {
  const hasId = (id) => isText(id) && id.length >= shortest;
  return {
    event_type: ({ event_type: type }) => isText(type),
    user_id: ({ user_id: user, device_id: device }) => hasId(user) || hasId(device),
  };
}

/** `{ <field>: [positions of the events that break its rule] }` */
function listed(events, rules, among = events) {
  const lists = Object.entries(rules).map(([field, holds]) => {
    const bad = [...events.keys()].filter((at) => among.includes(events[at]) && !holds(events[at]));
    return [field, bad];
  });
  return Object.fromEntries(lists.filter(([, bad]) => bad.length > 0));
}

/** `{ <user>: events }` of those who send too much. */
function tooMuch(events) {
  const counts = {};
  for (const { user_id: user } of events) if (user) counts[user] = (counts[user] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > MAX_PER_USER));
}

function depthOf(value) {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

function plain({ insert_id: id, event_type: event, user_id: user = '', time, ...rest }) {
  return { id, event, user, data: rest.event_properties, at: time };
}

function failure(status, error, lists = {}) {
  return { status, body: { code: status, error, ...lists } };
}

const startAmplitude = () => new Receiver(answer).start();

/** The destination that it is. */
const amplitudeAt = ({ url }) => ({ format: 'amplitude', apiKey: API_KEY, url });

module.exports = { amplitudeAt, startAmplitude };
