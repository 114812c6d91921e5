// The parity suite: every scenario gives what was recorded from the mongoose-based class, or, on
// the addon, that with the named differences applied. GSO_ANALYTICS_IMPL chooses the side.
'use strict';

const { after, before, describe, it } = require('node:test');
const { cleanEnvironment } = require('../support/environment');
const { startMongod } = require('../support/mongod');
const { check } = require('./check');
const { chosenImplementation } = require('./implementation');
const { observe } = require('./runner');
const { groups } = require('./scenarios');

const AT_ONCE = 4;
const TIMEOUT_MS = 60_000;

cleanEnvironment();
const implementation = chosenImplementation();

describe(`parity of the ${implementation.kind}`, { concurrency: AT_ONCE }, () => {
  const context = { implementation };

  before(async () => {
    context.server = await startMongod();
  });
  after(async () => {
    await context.server?.stop();
    implementation.remove();
  });

  for (const [group, scenarios] of Object.entries(groups)) {
    for (const scenario of scenarios) {
      it(`${group}: ${scenario.name}`, { timeout: TIMEOUT_MS }, async () => {
        check(scenario, await observe(scenario, context), implementation.kind);
      });
    }
  }
});
