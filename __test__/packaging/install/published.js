// Publishes this project to a registry of the tests.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { platforms, stageMain, stagePlatform } = require('../../../scripts/package/stage');
const { ROOT } = require('../../../scripts/lib/steps');
const { Project } = require('./project');

const PACKAGES = path.join(ROOT, 'target', 'packages');
/** In place of a binary that this machine has not built: nothing here would load it. */
const STAND_IN = __filename;

function packedName(name, version) {
  return path.join(PACKAGES, `${name}-${version}.tgz`);
}

/**
 * Publishes the main package, and those of the platforms that `packages` has by their names: a file or a folder.
 * Stand-ins are published for the other platforms. Answers `{ real, standIns }`, names of platforms.
 */
async function publishAll(publisher, main, packages) {
  // Any will do: everybody may publish.
  const host = publisher.surroundings.registry.replace('http:', '');
  publisher.write('.npmrc', `${host}:_authToken=anybody\n`);
  const [real, standIns] = [[], []];
  for (const platform of platforms()) {
    const { [platform.name]: given } = packages;
    await publish(publisher, given ?? staged(publisher, platform, STAND_IN));
    (given ? real : standIns).push(platform.name);
  }
  await publish(publisher, main);
  return { real, standIns };
}

/** Publishes what `npm run package` has packed. */
function publishPacked(surroundings) {
  const { version } = require('../../../package.json');
  const main = packedName('gso-analytics', version);
  if (!fs.existsSync(main)) throw new Error('nothing is packed: npm run package');
  const packed = platforms()
    .map(({ name, manifest }) => [name, packedName(manifest.name, version)])
    .filter(([, file]) => fs.existsSync(file));
  const publisher = new Project(surroundings, 'publisher');
  return publishAll(publisher, main, Object.fromEntries(packed));
}

/** Publishes this tree, with `binary` as that of the platform `name`. */
function publishBuilt(surroundings, name, binary) {
  const publisher = new Project(surroundings, 'publisher');
  const main = path.join(publisher.folder, 'main');
  fs.mkdirSync(main);
  stageMain(main);
  const platform = platforms().find((one) => one.name === name);
  return publishAll(publisher, main, { [name]: staged(publisher, platform, binary) });
}

/** A folder with the package of the platform. */
function staged(publisher, platform, binary) {
  const folder = path.join(publisher.folder, platform.name);
  fs.mkdirSync(folder);
  stagePlatform(folder, platform, binary);
  return folder;
}

function publish(publisher, what) {
  const { npm } = publisher.surroundings;
  // A prerelease is not published without a tag.
  return publisher.node([npm, 'publish', '--ignore-scripts', '--tag', 'latest', what]);
}

module.exports = { publishBuilt, publishPacked };
