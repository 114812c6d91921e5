/**
 * Funnels for `getFunnel()`: the name of a declared one, or a definition.
 */
'use strict';

const { plainJson, snapshotOf } = require('./options.js');

/**
 * @param {import('./client.js').Client} client
 * @param {unknown} funnel
 * @param {unknown} options
 */
async function getFunnel(client, funnel, options) {
  const json = plainJson({ funnel: snapshotOf(funnel), options });
  const bytes = await client.request((request) => {
    const problem = client.native.requestFunnel(request, json);
    if (problem !== null) throw new TypeError(problem);
  });
  return client.deserialize(bytes);
}

module.exports = { getFunnel };
