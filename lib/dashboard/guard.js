/**
 * Who may read the figures: whoever has the token, by the name under which this process listens, so that a page of
 * another host, whose name is made to lead here, reads nothing.
 */
'use strict';

const crypto = require('node:crypto');

const LEAST_TOKEN = 16;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/;

/** @param {string} host */
const isLoopback = (host) => LOOPBACK.test(host);

const randomToken = () => crypto.randomBytes(24).toString('base64url');

/**
 * What is wrong with a token.
 *
 * @param {string} token
 */
function tokenProblem(token) {
  if (token.length < LEAST_TOKEN) return `must have at least ${LEAST_TOKEN} characters`;
  // It stands in an address and in a header.
  return /^[\x21-\x7e]+$/.test(token)
    ? null
    : 'must have printable ASCII characters only, without spaces';
}

class Guard {
  /**
   * @param {{ token: string, host: string }} settings `host`: to which the server is bound
   */
  constructor({ token, host }) {
    this.digest = digestOf(`Bearer ${token}`);
    this.host = host;
  }

  /** @param {import('node:http').IncomingMessage} request */
  isForUs({ headers, socket }) {
    const { localPort } = socket;
    const names = isLoopback(this.host)
      ? ['127.0.0.1', 'localhost', '[::1]', this.host]
      : [bracketed(this.host)];
    const wildcard = this.host === '0.0.0.0' || this.host === '::';
    if (wildcard && socket.localAddress) {
      names.push('localhost', '127.0.0.1', '[::1]');
      names.push(bracketed(socket.localAddress.replace(/^::ffff:/, '')));
    }
    const asked = headers.host?.toLowerCase();
    return names.some(
      (name) => asked === `${name}:${localPort}` || (localPort === 80 && asked === name),
    );
  }

  /** Takes as long for any wrong token. @param {import('node:http').IncomingMessage} request */
  hasToken({ headers }) {
    return crypto.timingSafeEqual(digestOf(headers.authorization ?? ''), this.digest);
  }
}

/** @param {string} host */
const bracketed = (host) =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]` : host.toLowerCase();

/** @param {string} text */
const digestOf = (text) => crypto.createHash('sha256').update(text).digest();

module.exports = { Guard, isLoopback, randomToken, tokenProblem };
