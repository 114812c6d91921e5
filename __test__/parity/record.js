// Records what the mongoose-based class does: `node __test__/parity/record.js <path> [group …]`.
// Replaces the files in expected/; the diff of those files is what has to be reviewed.
'use strict';

const { cleanEnvironment } = require('../support/environment');
const { startMongod } = require('../support/mongod');
const { writeExpectations } = require('./expectations');
const { chosenImplementation } = require('./implementation');
const { observe } = require('./runner');
const { groups } = require('./scenarios');

const AT_ONCE = 4;

async function main([source, ...wanted]) {
  if (!source)
    throw new Error('usage: node __test__/parity/record.js <path of the class> [group …]');
  cleanEnvironment();
  const implementation = chosenImplementation(source);
  if (implementation.kind !== 'reference') throw new Error('only the reference is recorded');
  const server = await startMongod();
  try {
    for (const [group, scenarios] of Object.entries(groups)) {
      if (wanted.length === 0 || wanted.includes(group)) {
        await recordGroup(group, scenarios, { implementation, server });
      }
    }
  } finally {
    await server.stop();
    implementation.remove();
  }
}

async function recordGroup(group, scenarios, context) {
  const started = performance.now();
  const observed = await mapLimited(scenarios, (scenario) =>
    observe(scenario, context).catch((error) => {
      throw new Error(`${group}: ${scenario.name}: ${error.message}`);
    }),
  );
  const recordedWith = {
    mongoose: require('mongoose/package.json').version,
    mongod: context.server.version,
  };
  const named = scenarios.map(({ name }, index) => [name, observed[index]]);
  writeExpectations(group, { recordedWith, scenarios: Object.fromEntries(named) });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${group}: ${scenarios.length} scenarios recorded in ${seconds} s`);
}

async function mapLimited(items, work) {
  const results = new Array(items.length);
  const queue = items.entries();
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
