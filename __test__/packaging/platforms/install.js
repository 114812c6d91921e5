// `npm install` by the Node of another platform, in a project that has mongoose: it takes the package of that
// platform, which then stores what hosts play.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Hosts, NAME, pinned } = require('../install/hosts');
const { Project, Surroundings } = require('../install/project');
const { publishBuilt } = require('../install/published');
const { installTools, startRegistry } = require('../install/registry');
const { step } = require('../../../scripts/lib/steps');

/** Of one run of npm, which an emulated processor or Wine makes last minutes. */
const TIMEOUT_MS = 900_000;

/** Publishes, and makes a project with mongoose, which is the same everywhere: both by this system. */
async function prepare(here, { platform, addon }) {
  await publishBuilt(here, platform, addon);
  const project = new Project(here, 'with-mongoose');
  await project.npmInstall(pinned('mongoose'));
  return project;
}

/** `prepared`: the project that it adds the package to. */
async function install(there, prepared, { platform }) {
  const project = new Project(there, 'elsewhere');
  fs.cpSync(prepared.folder, project.folder, { recursive: true, preserveTimestamps: true });
  await project.npmInstall(NAME);
  const own = project.installed().filter((name) => name.startsWith(NAME));
  assert.deepStrictEqual(own, [NAME, `${NAME}-${platform}`]);
  return project;
}

async function installAndPlay(common, other, packed) {
  const at = (folder, more) =>
    new Surroundings({ ...common, base: path.join(common.base, folder), ...more });
  const prepared = await step('publish, and install mongoose by this Node', () =>
    prepare(at('here'), packed),
  );
  // Programs of this system run that Node. Wine would keep the cache in its Windows.
  const npm_config_cache = path.join(common.base, 'cache');
  const env = { PATH: process.env.PATH, npm_config_cache, ...other.env };
  const there = at('there', { ...other, env, timeoutMs: TIMEOUT_MS });
  const project = await step('npm install by that Node', () => install(there, prepared, packed));
  project.copy('play.cjs', 'commonjs.cjs', 'module.mjs', 'threads.cjs');
  const { server, platform } = packed;
  const hosts = new Hosts({ surroundings: there, server, platform });
  for (const host of ['commonjs.cjs', 'module.mjs']) await hosts.play(project, [host]);
  await hosts.play(project, ['threads.cjs'], 3);
}

/**
 * `there`: how the other system's Node is run. `packed`: the name of the `platform` in packages, the `addon` that
 * is in its package, and the database's `server`.
 */
async function checkInstall(there, packed) {
  const npm = process.env.npm_execpath;
  if (npm === undefined) throw new Error('npm has to run this: npm run test:platforms');
  await installTools();
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'gso-install-')));
  const registry = await startRegistry(path.join(base, 'registry'));
  try {
    await installAndPlay({ base, registry: registry.url, npm }, there, packed);
  } finally {
    await registry.stop();
    fs.rmSync(base, { recursive: true, force: true });
  }
}

module.exports = { checkInstall };
