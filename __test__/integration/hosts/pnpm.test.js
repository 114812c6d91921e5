// A workspace of pnpm: each package in a folder of its own at the top, with links to what it names as
// its dependencies, so that the mongoose of a server is out of reach for the addon.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { describe, it } = require('node:test');
const { useMongod } = require('../../support/setup');
const {
  ADDON,
  ROOT,
  copy,
  copyAddon,
  folderOf,
  makeFolder,
  readManifest,
  write,
} = require('./folder');
const { PLAY, assertPlays } = require('./play');

const mongo = useMongod();

const PROGRAMS = {
  'commonjs.cjs': `'use strict';
    const AnalyticsSystem = require('gso-analytics');
    const mongoose = require('mongoose');
    ${PLAY}
    play(mongoose, AnalyticsSystem);`,
  'module.mjs': `
    import AnalyticsSystem from 'gso-analytics';
    import mongoose from 'mongoose';
    ${PLAY}
    await play(mongoose, AnalyticsSystem);`,
};

class Workspace {
  constructor() {
    this.folder = makeFolder();
    this.server = path.join(this.folder, 'packages', 'server');
    /** Names of packages by where they come from. */
    this.placed = new Map();
  }

  /** Puts the package at `source` and what it needs at the top; answers with its folder there. */
  place(source, name) {
    const known = this.placed.get(source);
    if (known !== undefined) return known;
    const { version, dependencies = {} } = readManifest(source);
    const id = `${name.replace('/', '+')}@${version}`;
    const modules = path.join(this.folder, 'node_modules', '.pnpm', id, 'node_modules');
    const target = path.join(modules, name);
    this.placed.set(source, target);
    if (source === ROOT) copyAddon(target);
    else copyWithoutNested(source, target);
    for (const dependency of Object.keys(dependencies)) {
      const from = this.place(folderOf(dependency, source), dependency);
      link(from, path.join(modules, dependency));
    }
    return target;
  }

  /** Makes a package reachable for the server. */
  add(source, name) {
    link(this.place(source, name), path.join(this.server, 'node_modules', name));
  }
}

function copyWithoutNested(source, target) {
  for (const entry of fs.readdirSync(source)) {
    if (entry !== 'node_modules') copy(path.join(source, entry), path.join(target, entry));
  }
}

function link(to, place) {
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.symlinkSync(path.relative(path.dirname(place), to), place, 'junction');
}

/** Answers with the folder of the server. */
function makeServer(mongoose) {
  const workspace = new Workspace();
  workspace.add(ROOT, ADDON);
  workspace.add(path.join(ROOT, 'node_modules', mongoose), 'mongoose');
  write(workspace.server, { 'package.json': { name: 'server', private: true }, ...PROGRAMS });
  return workspace.server;
}

for (const [major, source] of [
  [9, 'mongoose'],
  [8, 'mongoose8'],
]) {
  describe(`a workspace of pnpm, mongoose ${major}`, { concurrency: 2 }, () => {
    const cwd = makeServer(source);

    it('keeps mongoose out of reach of the addon', () => {
      const addon = fs.realpathSync(path.join(cwd, 'node_modules', ADDON, 'index.js'));
      assert.ok(addon.includes('.pnpm'));
      assert.throws(() => createRequire(addon).resolve('mongoose'), { code: 'MODULE_NOT_FOUND' });
      assert.doesNotThrow(() => createRequire(addon).resolve('bson'));
    });

    for (const script of Object.keys(PROGRAMS)) {
      it(`lets it be adopted by ${script}`, async () => {
        await assertPlays(script, { cwd, major, database: mongo.database() });
      });
    }
  });
}
