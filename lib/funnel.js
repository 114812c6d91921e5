/**
 * Funnels for `getFunnel()`: the name of a declared one, or a definition.
 */
'use strict';

const { plainJson } = require('./options.js');

/** Events are kept for 7 days. */
const MOST_DAYS = 6;

/**
 * @param {import('./client.js').Client} client
 * @param {unknown} funnel
 * @param {any} options
 */
async function getFunnel(client, funnel, options) {
  const days = options?.days ?? MOST_DAYS;
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
    throw new TypeError(`days: must be a whole number from 1 to ${MOST_DAYS}`);
  }
  const json = plainJson(funnel);
  const bytes = await client.request((request) => {
    const problem = client.native.requestFunnel(request, json, days);
    if (problem != null) throw new TypeError(problem);
  });
  return client.deserialize(bytes);
}

module.exports = { getFunnel };
