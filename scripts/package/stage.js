// The packages as they are published: the main one without a binary, and one for each platform.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT } = require('../lib/steps');

const NPM = path.join(ROOT, 'npm');
/** Named so, npm packs them without being told. */
const LICENSES = [
  [path.join(ROOT, 'LICENSE'), 'LICENSE'],
  [path.join(NPM, 'LICENSE.third-party.txt'), 'LICENSE.third-party.txt'],
];

function readManifest(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

/** `[{ name, folder, manifest, binary }]` of all platforms; whether the binary is there is not asked. */
function platforms() {
  const entries = fs.readdirSync(NPM, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => {
      const folder = path.join(NPM, name);
      const manifest = readManifest(folder);
      return { name, folder, manifest, binary: path.join(folder, manifest.main) };
    });
}

/**
 * The main package. The packages of platforms become its optional dependencies only here: in the
 * repository, `npm ci` would have to find them in a registry before they are published.
 */
function stageMain(target) {
  const manifest = readManifest(ROOT);
  const { version, files } = manifest;
  for (const name of [...files, 'README.md', 'LICENSE']) {
    fs.cpSync(path.join(ROOT, name), path.join(target, name), { recursive: true });
  }
  const names = platforms().map((platform) => platform.manifest.name);
  const optionalDependencies = Object.fromEntries(names.map((name) => [name, version]));
  // What only the repository needs.
  const { private: _, napi, scripts, devDependencies, overrides, ...published } = manifest;
  write(target, { ...published, optionalDependencies });
}

/** The package of a platform around `binary`. */
function stagePlatform(target, { folder, manifest }, binary) {
  fs.cpSync(path.join(folder, 'README.md'), path.join(target, 'README.md'));
  fs.cpSync(binary, path.join(target, manifest.main));
  for (const [source, name] of LICENSES) fs.cpSync(source, path.join(target, name));
  write(target, manifest);
}

function write(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

module.exports = { platforms, stageMain, stagePlatform };
