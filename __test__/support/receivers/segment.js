// Segment's /v1/batch as documented, and what it does in silence: more than 2 500 events are answered
// with 200 and not taken.
'use strict';

const { Receiver, basic, isObject, isText } = require('./receiver');

const WRITE_KEY = 'segment-key';
const MAX_EVENTS = 2_500;
const MAX_BYTES = 500 * 1000;
const MAX_EVENT_BYTES = 32 * 1000;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function answer(request, receiver) {
  if (request.path !== '/v1/batch') return { status: 404 };
  if (basic(request) !== `${WRITE_KEY}:`) return { status: 401 };
  if (!/^application\/json/.test(request.headers['content-type'])) return { status: 400 };
  const { batch, sentAt } = JSON.parse(request.text);
  const sizes = batch.map((event) => Buffer.byteLength(JSON.stringify(event)));
  const isTooLarge = request.body.length > MAX_BYTES || Math.max(...sizes) > MAX_EVENT_BYTES;
  if (isTooLarge || batch.length > MAX_EVENTS) {
    receiver.violations.push(`${batch.length} events, ${request.body.length} bytes`);
    return isTooLarge ? refusal('too large') : { status: 200, body: { success: true } };
  }
  if (!TIME.test(sentAt)) receiver.violations.push(`sentAt ${sentAt}`);
  if (!batch.every(isValid)) return refusal('malformed');
  return { status: 200, body: { success: true }, events: batch.map(plain) };
}

function isValid({ type, event, userId, anonymousId, messageId, timestamp, properties }) {
  const isWhole = isText(event) && isText(userId ?? anonymousId) && isText(messageId);
  return type === 'track' && isWhole && TIME.test(timestamp) && isObject(properties);
}

function plain({ event, userId = '', messageId, timestamp, properties }) {
  return { id: messageId, event, user: userId, data: properties, at: Date.parse(timestamp) };
}

function refusal(message) {
  return { status: 400, body: { success: false, message } };
}

const startSegment = () => new Receiver(answer).start();

/** The destination that it is. */
const segmentAt = ({ url }) => ({ format: 'segment', writeKey: WRITE_KEY, url });

module.exports = { segmentAt, startSegment };
