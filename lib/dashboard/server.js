/**
 * The server of the page: the page at `/`, which holds no figures and needs no token, and each section at
 * `/data/<section>`, which does.
 */
'use strict';

const crypto = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const { SECTION_NAMES, told } = require('./figures.js');
const { Guard } = require('./guard.js');
const { servedPage } = require('./page.js');

const HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};
const NOTHING = "default-src 'none'; frame-ancestors 'none'";
/** A browser that sends nothing is not waited for. */
const HEADERS_MS = 10_000;
/** Of one request, in bytes. */
const MOST_HEADER = 8_192;

/** @param {string} nonce */
const policyOf = (nonce) =>
  [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');

/**
 * @param {{ figures: import('./figures.js').Figures, about: object, token: string, host: string, port: number }} settings
 *   `port` 0 takes a free one
 * @returns {Promise<{ port: number, close: () => Promise<void> }>} rejects when the port cannot be had
 */
async function serve({ figures, about, token, host, port }) {
  const guard = new Guard({ token, host });
  const options = {
    maxHeaderSize: MOST_HEADER,
    headersTimeout: HEADERS_MS,
    requestTimeout: HEADERS_MS,
  };
  const server = http.createServer(options, (request, response) => {
    answer({ guard, figures, about }, request).then(
      (found) => send(request, response, found),
      (error) => send(request, response, refusal(500, told(error).message)),
    );
  });
  server.listen(port, host);
  await once(server, 'listening');
  const bound = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    port: bound.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * @typedef {{ status: number, body: string, headers: Record<string, string> }} Answer
 *
 * @param {{ guard: Guard, figures: import('./figures.js').Figures, about: object }} served
 * @param {import('node:http').IncomingMessage} request
 * @returns {Promise<Answer>}
 */
async function answer({ guard, figures, about }, request) {
  if (!guard.isForUs(request)) {
    const port = request.socket.localPort;
    return refusal(
      421,
      'this process is not served under that name: open the address that it printed; where its port is forwarded, ' +
        `by ssh or docker, take port ${port} on both sides and open http://localhost:${port}`,
    );
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return refusal(405, 'figures can be read only', { allow: 'GET, HEAD' });
  }
  if (request.url === '/') return page();
  const section = /^\/data\/([a-z]+)$/.exec(request.url ?? '')?.[1];
  if (section === undefined) return refusal(404, 'there is no such page');
  if (!guard.hasToken(request)) {
    return refusal(401, 'The token is not that of the command that serves this page.', {
      'www-authenticate': 'Bearer',
    });
  }
  if (section === 'about') return json(200, about);
  if (!SECTION_NAMES.includes(section)) return refusal(404, 'there is no such section');
  return figures.section(section).then(
    (found) => json(200, found),
    (error) => json(503, { error: told(error) }),
  );
}

function page() {
  const nonce = crypto.randomBytes(16).toString('base64');
  const headers = {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policyOf(nonce),
  };
  return { status: 200, body: servedPage(nonce), headers };
}

/** @type {(status: number, value: any, headers?: Record<string, string>) => Answer} */
function json(status, value, headers = {}) {
  const type = {
    'content-type': 'application/json; charset=utf-8',
    'content-security-policy': NOTHING,
  };
  return { status, body: JSON.stringify(value), headers: { ...type, ...headers } };
}

/** @type {(status: number, message: string, headers?: Record<string, string>) => Answer} */
const refusal = (status, message, headers) =>
  json(status, { error: { code: null, message } }, headers);

/** @type {(request: import('node:http').IncomingMessage, response: import('node:http').ServerResponse, answer: Answer) => void} */
function send(request, response, { status, body, headers }) {
  response.writeHead(status, { ...HEADERS, ...headers, 'content-length': Buffer.byteLength(body) });
  response.end(request.method === 'HEAD' ? undefined : body);
}

module.exports = { serve };
