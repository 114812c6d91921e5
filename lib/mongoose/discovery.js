/**
 * Copies of mongoose that this process has loaded, or could load.
 *
 * Nothing here loads mongoose: a host without it must not get it, and a host with several copies keeps
 * the one that it uses.
 */
'use strict';

const Module = require('node:module');
const path = require('node:path');

const { createRequire } = Module;

/**
 * A mongoose of any version, or one of its connections where the host has passed that.
 *
 * @typedef {any} Mongoose
 */

/** In every mongoose, whatever its folder is called: packages can be installed under an alias. */
const INNER_FILE = /([\\/])lib[\\/]drivers[\\/]node-mongodb-native[\\/]connection\.js$/;

/** @returns {Mongoose[]} that this process has loaded */
function loadedCopies() {
  // Jest has a cache of its own; code that came through a loader of ES modules may see none.
  /** @type {NodeJS.Dict<{ exports: unknown }>} */
  const cache = require.cache ?? /** @type {any} */ (Module)._cache ?? {};
  const found = new Set();
  for (const file of Object.keys(cache)) {
    if (!INNER_FILE.test(file)) continue;
    const mongoose = entriesAround(file)
      .map((entry) => cache[entry]?.exports)
      .find(isMongoose);
    if (mongoose !== undefined) found.add(mongoose);
  }
  return [...found];
}

/**
 * The files through which the mongoose that `innerFile` belongs to is loaded.
 *
 * @param {string} innerFile
 */
function entriesAround(innerFile) {
  const [end, separator] = INNER_FILE.exec(innerFile) ?? [innerFile, '/'];
  const folder = innerFile.slice(0, -end.length);
  return [['index.js'], ['lib', 'index.js']].map((names) => [folder, ...names].join(separator));
}

/** @param {any} value */
function isMongoose(value) {
  return typeof value?.model === 'function' && typeof value.connection?.readyState === 'number';
}

/** @type {boolean | undefined} */
let isInstalled;

/** Whether the program could still load mongoose; looks, and loads nothing. */
function isMongooseInstalled() {
  // Under a process manager the main file is not the program's own, but its folder is.
  /** @type {(() => string | undefined)[]} */
  const places = [() => require.main?.filename, () => process.argv[1], () => `${process.cwd()}/x`];
  isInstalled ??= places.some(canLoadMongoose);
  return isInstalled;
}

/** @param {() => string | undefined} place a file, or nothing where there is none */
function canLoadMongoose(place) {
  try {
    createRequire(path.resolve(/** @type {string} */ (place()))).resolve('mongoose');
    return true;
  } catch {
    return false;
  }
}

module.exports = { loadedCopies, isMongoose, isMongooseInstalled };
