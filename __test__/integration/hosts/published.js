// The addon in hosts as it is published, with the settings of docs/compatibility.md for bundlers.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { platformName } = require('../../../lib/loader');
const { ADDON, ROOT, installAddon, write } = require('./folder');

const page = fs.readFileSync(path.join(ROOT, 'docs', 'compatibility.md'), 'utf8');

/** The settings that the page names for a tool. */
function documented(tool) {
  const [, code] = new RegExp(`^\\| ${tool} \\| \`([^\`]+)\``, 'm').exec(page);
  // biome-ignore lint/security/noGlobalEval: it is code of the page
  return eval(`({ ${code} })`);
}

/** Installs the addon as it is published: its binary in the package of the platform. */
function installPublished(cwd) {
  installAddon(cwd);
  const name = `${ADDON}-${platformName()}`;
  const binary = `${ADDON}.${platformName()}.node`;
  const manifest = { name, main: binary };
  write(cwd, { [`node_modules/${name}/package.json`]: manifest });
  const modules = path.join(cwd, 'node_modules');
  fs.renameSync(path.join(modules, ADDON, binary), path.join(modules, name, binary));
}

module.exports = { documented, installPublished };
