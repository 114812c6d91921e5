/**
 * Loader of the native binary, which comes in a package of its own for each platform.
 *
 * Throws an error that says what is wrong on this platform and what to do, never that of `require`.
 */
'use strict';

const { version } = require('../package.json');

/** Platforms with a published package `gso-analytics-<platform>` that holds a binary. */
const PLATFORMS = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc',
];
const BUILDING = `${require('../package.json').homepage.replace(/#.*/, '')}#building-from-source`;
/** Messages that the generated loader meets wherever there is no binary. */
const ABSENT =
  /^(?:Cannot find module '(?:\.\/)?gso-analytics[.-]|gso-analytics tried to access gso-analytics-|Qualified path resolution failed|Unsupported )/;

/** The name of this platform in those packages, the C library included. */
function platformName() {
  const name = `${process.platform}-${process.arch}`;
  if (process.platform === 'win32') return `${name}-msvc`;
  return process.platform === 'linux' ? `${name}-${libc()}` : name;
}

function libc() {
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
 * The generated loader chains what it met by `cause`, and keeps nothing but the messages.
 *
 * @param {any} error
 * @returns {Generator<string>}
 */
function* messagesOf(error) {
  for (let each = error.cause; each; each = each.cause) yield each.message;
}

/** @param {unknown} error */
function explain(error) {
  const platform = platformName();
  const where = `${platform}, Node ${process.versions.node}`;
  const reason = [...messagesOf(error)].find((message) => !ABSENT.test(message));
  if (reason === undefined && !PLATFORMS.includes(platform)) {
    return `there is no binary for ${where}.`;
  }
  if (reason !== undefined) return `the binary for ${where} cannot be loaded: ${reason}`;
  return (
    `the package gso-analytics-${platform} with the binary for ${where} is not installed. ` +
    'It is an optional dependency: install without --omit=optional or --no-optional, ' +
    'and without node_modules or a lock file from another platform.'
  );
}

/**
 * What is wrong with what was loaded, if anything.
 *
 * @param {{ VERSION?: string }} native
 */
function mistakeIn({ VERSION }) {
  if (VERSION === version) return undefined;
  const what = VERSION === undefined ? 'not one of gso-analytics' : `of version ${VERSION}`;
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
  let native;
  try {
    native = require('../native.js');
  } catch (cause) {
    throw errorOf(explain(cause), cause);
  }
  const mistake = mistakeIn(native);
  if (mistake !== undefined) throw errorOf(mistake);
  return native;
}

module.exports = { PLATFORMS, loadBinary, platformName };
