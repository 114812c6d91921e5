// What may happen to a request instead of an answer that says yes.
'use strict';

/** Another status; nothing is taken. */
function status(code, { headers = {}, body = '' } = {}) {
  return ({ response }) => response.writeHead(code, headers).end(body);
}

/** Asks to be left alone, in seconds. */
function busyFor(seconds) {
  return status(429, { headers: { 'Retry-After': String(seconds) } });
}

/** The same, as a date: to the second. */
function busyUntil(inMs) {
  return ({ response }) => {
    const date = new Date(Date.now() + inMs).toUTCString();
    response.writeHead(503, { 'Retry-After': date }).end();
  };
}

function hang() {}

function reset({ response }) {
  response.socket.resetAndDestroy();
}

/** Everything is taken, and the client does not hear of it. */
function loseAnswer({ request, receiver, response }) {
  const { events = [] } = receiver.answer(request, receiver);
  receiver.taken.push(...events);
  response.socket.resetAndDestroy();
}

/** No HTTP at all. */
function garbage({ response }) {
  response.socket.end('\u0000\u0001garbage\r\n\r\nmore of it');
}

/** An answer whose head comes byte by byte and never ends. */
function drip({ response }) {
  const { socket } = response;
  socket.write('HTTP/1.1 200 OK\r\nX-Slow: ');
  const timer = setInterval(() => socket.write('x'), 10);
  socket.once('close', () => clearInterval(timer)).once('error', () => {});
}

/** Everything is taken, which the head of the answer says; its body never ends. */
function neverEnding({ request, receiver, response }) {
  const { events = [] } = receiver.answer(request, receiver);
  receiver.taken.push(...events);
  response.writeHead(200).write('{');
}

/** A failure whose body is endless. */
function endless({ response }) {
  response.writeHead(500);
  const write = () => {
    while (!response.destroyed && response.write('x'.repeat(16_384)));
    if (!response.destroyed) response.once('drain', write);
  };
  write();
}

module.exports = {
  ...{ busyFor, busyUntil, drip, endless, garbage, hang, loseAnswer, neverEnding, reset, status },
};
