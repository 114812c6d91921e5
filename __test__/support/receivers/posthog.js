// PostHog's /batch/ as documented: one invalid event fails the whole batch.
'use strict';

const { Receiver, isObject, isText } = require('./receiver');

const API_KEY = 'posthog-key';
const MAX_BYTES = 20 * 2 ** 20;
const MAX_ID = 200;
const UUID = /^[\da-f]{8}-[\da-f]{4}-[47][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;
const LONE_SURROGATE = /(?<!\\)(?:\\\\)*\\ud[89a-f]/i;

function answer(request, receiver) {
  if (request.path !== '/batch/') return { status: 404 };
  if (request.headers['content-encoding'] !== 'gzip') receiver.violations.push('not compressed');
  if (Buffer.byteLength(request.text) > MAX_BYTES) {
    receiver.violations.push(`${request.text.length} characters`);
    return { status: 413 };
  }
  const { api_key: key, batch, sent_at: sentAt } = JSON.parse(request.text);
  if (key !== API_KEY) return { status: 401, body: { type: 'authentication_error' } };
  if (Number.isNaN(Date.parse(sentAt))) receiver.violations.push(`sent_at ${sentAt}`);
  if (LONE_SURROGATE.test(request.text) || !batch.every(isValid)) {
    return { status: 400, body: { type: 'validation_error', code: 'invalid_payload' } };
  }
  return { status: 200, body: { status: 1 }, events: batch.map(plain) };
}

function isValid({ event, distinct_id: user, timestamp, uuid, properties }) {
  const isWhole = isText(event) && isText(user) && user.length <= MAX_ID && isObject(properties);
  return isWhole && UUID.test(uuid) && !Number.isNaN(Date.parse(timestamp));
}

function plain({ event, distinct_id: distinctId, timestamp, uuid, properties }) {
  const { $geoip_disable: _, $process_person_profile: hasPerson, ...data } = properties;
  const user = hasPerson === false ? '' : distinctId;
  return { id: uuid, event, user, data, at: Date.parse(timestamp) };
}

const startPostHog = () => new Receiver(answer).start();

/** The destination that it is. */
const postHogAt = ({ url }) => ({ format: 'posthog', apiKey: API_KEY, url });

module.exports = { postHogAt, startPostHog };
