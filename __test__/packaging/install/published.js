// Publishes this project to a registry of the tests.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { platforms, stagePlatform } = require('../../../scripts/package/stage');
const { ROOT } = require('../../../scripts/lib/steps');
const { Project } = require('./project');

const PACKAGES = path.join(ROOT, 'target', 'packages');
/** In place of a binary that this machine has not built: nothing here would load it. */
const STAND_IN = __filename;

function packedName(name, version) {
  return path.join(PACKAGES, `${name}-${version}.tgz`);
}

/** Publishes what `npm run package` has packed, and stand-ins for the other platforms. */
async function publishAll(surroundings) {
  const publisher = new Project(surroundings, 'publisher');
  // Any will do: everybody may publish.
  const host = surroundings.registry.replace('http:', '');
  publisher.write('.npmrc', `${host}:_authToken=anybody\n`);
  const { version } = require('../../../package.json');
  const main = packedName('gso-analytics', version);
  if (!fs.existsSync(main)) throw new Error('nothing is packed: npm run package');
  const real = [];
  const standIns = [];
  for (const platform of platforms()) {
    const packed = packedName(platform.manifest.name, version);
    const isReal = fs.existsSync(packed);
    await publish(publisher, isReal ? packed : standIn(publisher, platform));
    (isReal ? real : standIns).push(platform.name);
  }
  await publish(publisher, main);
  return { real, standIns };
}

function standIn(publisher, platform) {
  const folder = path.join(publisher.folder, platform.name);
  fs.mkdirSync(folder);
  stagePlatform(folder, platform, STAND_IN);
  return folder;
}

function publish(publisher, what) {
  const { npm } = publisher.surroundings;
  // A prerelease is not published without a tag.
  return publisher.node([npm, 'publish', '--ignore-scripts', '--tag', 'latest', what]);
}

module.exports = { publishAll };
