// Folders of host programs outside this project, with the packages that npm would have installed
// there: real copies, so that nothing is found through this project's own node_modules.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after } = require('node:test');

const ROOT = path.join(__dirname, '..', '..', '..');
const ADDON = 'gso-analytics';
/** What no program reads, and what makes copies slow. */
const UNREAD = /\.(map|md|[cm]?ts)$/;

const folders = [];
after(() => {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

/** A new folder, removed when the test file ends: its real path, as module loaders see it. */
function makeFolder() {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'gso-host-')));
  folders.push(folder);
  return folder;
}

/** Writes files given as `{ name: text }`; an object is written as JSON. */
function write(folder, files) {
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  }
}

/**
 * A folder with the addon and packages of this project, each installed under the name that is its
 * key: `{ mongoose: 'mongoose8' }`.
 */
function makeHost(packages = {}) {
  const folder = makeFolder();
  write(folder, { 'package.json': { name: 'host', version: '1.0.0', private: true } });
  installAddon(folder);
  for (const [name, source] of Object.entries(packages)) installPackage(folder, source, name);
  return folder;
}

/** The addon as it is published, and the packages that it depends on. */
function installAddon(folder, { bare = false } = {}) {
  copyAddon(path.join(folder, 'node_modules', ADDON));
  if (!bare) installDependencies(folder, ROOT);
}

function copyAddon(target) {
  const { files } = readManifest(ROOT);
  const top = fs.readdirSync(ROOT);
  // The loader looks for a binary beside itself first.
  const isPublished = (name) => files.includes(name) || name.endsWith('.node');
  for (const name of ['package.json', ...top.filter(isPublished)]) {
    copy(path.join(ROOT, name), path.join(target, name));
  }
}

/** Copies a package with what is nested in it, and beside it what it needs from the top. */
function installPackage(folder, source, name = source) {
  const from = path.join(ROOT, 'node_modules', source);
  copy(from, path.join(folder, 'node_modules', name));
  installDependencies(folder, from);
}

function installDependencies(folder, packageFolder) {
  for (const name of dependenciesAtTop(packageFolder)) {
    const target = path.join(folder, 'node_modules', name);
    if (!fs.existsSync(target)) copy(path.join(ROOT, 'node_modules', name), target);
  }
}

/** Names of the packages in this project's node_modules that a package needs, directly or not. */
function dependenciesAtTop(packageFolder, seen = new Set(), found = new Set()) {
  if (seen.has(packageFolder)) return found;
  seen.add(packageFolder);
  for (const name of Object.keys(readManifest(packageFolder).dependencies ?? {})) {
    const dependency = folderOf(name, packageFolder);
    if (dependency === path.join(ROOT, 'node_modules', name)) found.add(name);
    dependenciesAtTop(dependency, seen, found);
  }
  return found;
}

/** Where a package that is required from `start` is installed. */
function folderOf(name, start) {
  for (let place = start; ; place = path.dirname(place)) {
    const candidate = path.join(place, 'node_modules', name);
    if (fs.existsSync(candidate)) return candidate;
    if (place === ROOT) throw new Error(`${name} is not installed`);
  }
}

function readManifest(folder) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

function copy(from, to) {
  const mode = fs.constants.COPYFILE_FICLONE;
  const filter = (file) => !UNREAD.test(file);
  fs.cpSync(from, to, { recursive: true, dereference: true, mode, filter });
}

module.exports = {
  ADDON,
  ROOT,
  copy,
  copyAddon,
  folderOf,
  installAddon,
  makeFolder,
  makeHost,
  readManifest,
  write,
};
