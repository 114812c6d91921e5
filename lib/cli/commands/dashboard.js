/**
 * `dashboard`: the page with the figures of the game, served until it is stopped.
 */
'use strict';

const { UsageError } = require('../arguments.js');
const { NO_ROLLUP, openFigures } = require('../figures.js');

const DAYS = 30;
const HOST = '127.0.0.1';
const PORT = 8417;

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Serves a page with the figures of the game',
  description: `
Prints the address of the page, with the token that it needs, and serves it until Ctrl-C or SIGTERM.
It shows who is online, whether today is a normal day, what changed, and players, retention,
sessions, economy, revenue, funnels, events and the health of every process, over ${DAYS} days.

With --options, reports that are due are made, too, as the game makes them; without, days are shown
that the game has reported.

Only this computer can open it. For others, give --host and a token of 16 characters or more, and
put a server with TLS before it: without, the token and the figures pass the network in clear text.`,
  options: {
    host: { type: 'string', value: '<address>', help: `address to listen on, ${HOST} by default` },
    port: { type: 'string', value: '<port>', help: `port, ${PORT} by default; 0 takes a free one` },
    token: {
      type: 'string',
      value: '<token>',
      help: 'what a viewer must know, a random one by default. Better set ANALYTICS_DASHBOARD_TOKEN: lists of processes show arguments',
    },
    'no-rollup': NO_ROLLUP,
  },
  examples: ['gso-analytics dashboard', 'gso-analytics dashboard --port 0 --no-rollup'],
  async run(context) {
    // What the page needs is loaded by this command only.
    const { serve } = require('../../dashboard/server.js');
    const { isLoopback } = require('../../dashboard/guard.js');
    const host = context.values.host ?? HOST;
    const port = portOf(context.values.port);
    const token = tokenOf(context, isLoopback(host));
    const { figures, about } = openFigures(context, DAYS);
    const ended = untilSignal();
    const server = await serve({ figures, about, token, host, port }).catch((error) => {
      throw new Error(`the page cannot be served: ${error.message}; --port 0 takes a free port`);
    });
    // Whoever opens it finds the curves of past days read.
    figures.all();
    if (!isLoopback(host)) {
      context.progress(
        'without TLS everybody on the way can read the token and the figures: put a server with TLS before it',
      );
    }
    const shown = host.includes(':') ? `[${host}]` : host;
    await context.out(`http://${shown}:${server.port}/#token=${encodeURIComponent(token)}`);
    context.progress('open this address in a browser; Ctrl-C ends it');
    await ended;
    await server.close();
  },
};

/** @param {string | undefined} text */
function portOf(text) {
  const port = Number(text ?? PORT);
  if (text !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new UsageError('--port must be a whole number from 0 to 65535');
}

/** @type {(context: import('../context.js').Context, isLoopback: boolean) => string} */
function tokenOf({ values, env }, isLoopback) {
  const { randomToken, tokenProblem } = require('../../dashboard/guard.js');
  const token = values.token ?? (env.ANALYTICS_DASHBOARD_TOKEN || undefined);
  if (token === undefined) {
    if (isLoopback) return randomToken();
    throw new UsageError(
      'a page that others can open needs a token of yours: set ANALYTICS_DASHBOARD_TOKEN, to 16 characters or more',
    );
  }
  const problem = tokenProblem(token);
  if (problem !== null) throw new UsageError(`the token ${problem}`);
  return token;
}

/** Resolves at Ctrl-C or SIGTERM. @returns {Promise<void>} */
function untilSignal() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => resolve());
  });
}
