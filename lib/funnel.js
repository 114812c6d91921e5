/**
 * Funnels for `getFunnel()`: the name of a declared one, or a definition. A process beside the game has the names of
 * funnels that the game declares, with their definitions.
 */
'use strict';

const { plainJson, snapshotOf } = require('./options.js');

/**
 * @param {import('./client.js').Client} client
 * @param {unknown} funnel
 * @param {unknown} options
 * @param {string} [name] of a definition that the game declares
 */
async function getFunnel(client, funnel, options, name) {
  const json = plainJson({ funnel: snapshotOf(funnel), name, options });
  return client.read((request) => {
    const problem = client.native.requestFunnel(request, json);
    if (problem !== null) throw new TypeError(problem);
  });
}

module.exports = { getFunnel };
