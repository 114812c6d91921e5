// `npm run test:install`: publishes what `npm run package` has packed to a registry on loopback, lets
// projects of all kinds install it from there, without Rust and without this repository, and run.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Hosts } = require('./hosts');
const { Surroundings } = require('./project');
const { publishPacked } = require('./published');
const { installTools, startRegistry } = require('./registry');
const { cleanEnvironment } = require('../../support/environment');
const { startMongod } = require('../../support/mongod');
const { platformName } = require('../../../lib/loader');
const { main, say, step } = require('../../../scripts/lib/steps');

const NODE16 = { module: 'node16', moduleResolution: 'node16', type: 'commonjs' };
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler', type: 'module' };

async function runHosts(hosts) {
  const project = await step('npm install gso-analytics, then mongoose', () => hosts.npm());
  const play = (name, file, users) => step(name, () => hosts.play(project, [file], users));
  await play('CommonJS', 'commonjs.cjs');
  await play('ES module', 'module.mjs');
  await play('worker_threads', 'threads.cjs', 3);
  await play('cluster', 'cluster.cjs', 4);
  const typed = await step('npm install, with TypeScript', () => hosts.typescript());
  await step('TypeScript, node16', () => hosts.compiled(typed, NODE16));
  await step('TypeScript, bundler', () => hosts.compiled(typed, BUNDLER));
  await step('Jest with fake timers', () => hosts.jest());
  await step('pnpm', () => hosts.pnpm());
  await step('Yarn 1', () => hosts.yarnClassic());
  await step('Yarn 4 with node_modules', () => hosts.yarnWithModules());
  await step("Yarn 4 with Plug'n'Play", () => hosts.yarnWithoutModules());
  await step('a package for each platform', () => hosts.otherPlatforms());
  await step('no binary', () => hosts.withoutBinary());
}

/** Does `work` with what `start` has started, and ends that whatever happens. */
async function using(start, work) {
  const started = await start();
  try {
    await work(started);
  } finally {
    await started.stop();
  }
}

async function publishAndRun({ base, registry, server }) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('npm has to run this: npm run test:install');
  const surroundings = new Surroundings({ base, registry, npm });
  const { real, standIns } = await step('publish', () => publishPacked(surroundings));
  say(`published: ${real.join(', ')}; stand-ins without a binary: ${standIns.join(', ')}`);
  const platform = platformName();
  if (!real.includes(platform)) throw new Error(`nothing is packed for ${platform}`);
  await runHosts(new Hosts({ surroundings, server, platform }));
}

function testIn(base) {
  const registry = () => startRegistry(path.join(base, 'registry'));
  const mongod = () => startMongod({ say });
  return using(registry, ({ url }) =>
    using(mongod, (server) => publishAndRun({ base, registry: url, server })),
  );
}

main(async () => {
  cleanEnvironment();
  await installTools();
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'gso-install-')));
  try {
    await testIn(base);
  } finally {
    fs.rmSync(base, { recursive: true, force: true });
  }
});
