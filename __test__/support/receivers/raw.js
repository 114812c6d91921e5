// A webhook of the host's own: one event per request.
'use strict';

const { Receiver } = require('./receiver');

function answer(request) {
  const { event, userId: user = '', data, ts } = JSON.parse(request.text);
  // It has no id of its own in this format.
  const id = request.text;
  return { status: 204, events: [{ id, event, user, data, at: Date.parse(ts) }] };
}

const startRaw = () => new Receiver(answer).start();

/** The destination that it is. */
const rawAt = ({ url }) => ({ format: 'raw', url: `${url}/hook` });

module.exports = { rawAt, startRaw };
