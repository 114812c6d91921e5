/**
 * Loader of the native binary, which comes in a package of its own for each platform.
 *
 * Throws an error that says what is wrong on this platform and what to do, never that of `require`.
 */
'use strict';

const fs = require('node:fs');
const { createRequire } = require('node:module');
const path = require('node:path');
const { PLATFORMS, requireBinary } = require('./binaries.js');
const { homepage, version } = require('../package.json');

const BUILDING = `${homepage.replace(/#.*/, '')}#building-from-source`;
/** Messages that are met where the package of a platform is not installed, also by Yarn's Plug'n'Play. */
const ABSENT =
  /^(?:Cannot find module 'gso-analytics-|gso-analytics tried to access gso-analytics-|Qualified path resolution failed)/;
const OUTSIDE =
  "Leave gso-analytics out of the bundle: serverExternalPackages: ['gso-analytics'] in Next.js, " +
  "externals: { 'gso-analytics': 'commonjs gso-analytics' } in webpack, external: ['gso-analytics'] " +
  'in esbuild.';

/** The name of this platform in those packages, the C library included. */
function platformName() {
  const { platform, arch } = process;
  if (platform === 'win32') return `${platform}-${arch}-msvc`;
  const abi = arch === 'arm' ? 'eabihf' : '';
  return platform === 'linux' ? `${platform}-${arch}-${libc()}${abi}` : `${platform}-${arch}`;
}

function libc() {
  try {
    // A script that names its library; the report takes 10 ms.
    return fs.readFileSync('/usr/bin/ldd', 'utf8').includes('musl') ? 'musl' : 'gnu';
  } catch {
    return libcOfReport();
  }
}

function libcOfReport() {
  const report = /** @type {any} */ (process.report);
  const { excludeNetwork } = report;
  // With them, the report looks up the names of all peers, which may take seconds.
  report.excludeNetwork = true;
  try {
    return report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/**
 * The binary of a file: one that is named, or that was built in the folder of this package. No bundler is
 * to look for it.
 *
 * @param {string} platform
 */
function fileOf(platform) {
  const named = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
  if (named) return path.resolve(named);
  if (isBundled()) return undefined;
  const built = path.join(__dirname, '..', `gso-analytics.${platform}.node`);
  return fs.existsSync(built) ? built : undefined;
}

/**
 * @param {string} platform
 * @returns {{ native?: unknown, error?: any }}
 */
function load(platform) {
  const file = fileOf(platform);
  if (file === undefined) return requireBinary(platform);
  try {
    return { native: createRequire(path.join(path.dirname(file), 'x'))(file) };
  } catch (error) {
    return { error };
  }
}

/** Whether a bundler has put this module into a file of its own. */
function isBundled() {
  return typeof __filename !== 'string' || path.basename(__filename) !== 'loader.js';
}

/** @type {(platform: string, message: string) => string} */
function explain(platform, message) {
  const where = `${platform}, Node ${process.versions.node}`;
  const isAbsent = ABSENT.test(message);
  if (isAbsent && !PLATFORMS.includes(platform)) return `there is no binary for ${where}.`;
  const problem = isAbsent
    ? `the package gso-analytics-${platform} with the binary for ${where} is not installed`
    : `the binary for ${where} cannot be loaded: ${message}`;
  if (isBundled()) return `${problem}. This is a bundle, which may lack it. ${OUTSIDE}`;
  if (!isAbsent) return problem;
  return (
    `${problem}. ` +
    'It is an optional dependency: install without --omit=optional or --no-optional, ' +
    'and without node_modules or a lock file from another platform.'
  );
}

/**
 * What is wrong with what was loaded, if anything.
 *
 * @param {any} native
 */
function mistakeIn(native) {
  if (native?.VERSION === version) return undefined;
  if (typeof native?.VERSION !== 'string' && (isBundled() || typeof native !== 'object')) {
    return `a bundler has put something else (${typeof native}) in the place of the binary. ${OUTSIDE}`;
  }
  const what =
    native?.VERSION === undefined ? 'not one of gso-analytics' : `of version ${native.VERSION}`;
  return (
    `the binary that was loaded is ${what}, this is gso-analytics ${version}. ` +
    'Look for a package gso-analytics-<platform> that package.json or the lock file pins, ' +
    'and for NAPI_RS_NATIVE_LIBRARY_PATH in the environment.'
  );
}

/**
 * @param {string} mistake
 * @param {unknown} [cause]
 */
function errorOf(mistake, cause) {
  const lines = [
    `gso-analytics: ${mistake}`,
    `Binaries are published for ${PLATFORMS.join(', ')}.`,
    `To build one from source, with Rust: npm ci && npm run build in a clone, then npm install ` +
      `<its folder> here; see ${BUILDING}`,
  ];
  return new Error(lines.join('\n'), cause ? { cause } : undefined);
}

/** @returns {typeof import('../native.js')} */
function loadBinary() {
  const platform = platformName();
  const { native, error } = load(platform);
  if (error !== undefined) {
    const [message] = String(error?.message).split('\n');
    throw errorOf(explain(platform, message), error);
  }
  const mistake = mistakeIn(native);
  if (mistake !== undefined) throw errorOf(mistake);
  return /** @type {any} */ (native);
}

module.exports = { loadBinary, platformName };
