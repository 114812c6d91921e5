// `npm install` by the Node of another platform: it takes the package of that platform, which then stores what
// hosts play.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Hosts } = require('../install/hosts');
const { Surroundings } = require('../install/project');
const { publishBuilt } = require('../install/published');
const { installTools, startRegistry } = require('../install/registry');

/** `common`: what both systems have; `there`: how the other one's Node is run. */
async function installAndPlay(common, there, { platform, addon, server }) {
  const at = (folder, more) =>
    new Surroundings({ ...common, base: path.join(common.base, folder), ...more });
  await publishBuilt(at('publisher'), platform, addon);
  // Programs of this system run that Node.
  const env = { PATH: process.env.PATH, ...there.env };
  const surroundings = at('there', { ...there, env });
  const hosts = new Hosts({ surroundings, server, platform });
  const project = await hosts.npm();
  for (const host of ['commonjs.cjs', 'module.mjs']) await hosts.play(project, [host]);
  await hosts.play(project, ['threads.cjs'], 3);
}

/** `packed`: the `platform` by its name in packages, the `addon` in its package, and the database's `server`. */
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
