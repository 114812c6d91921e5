// @ts-nocheck: of these packages one is installed
/**
 * Packages with a binary, one per platform.
 */
'use strict';

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

/**
 * Loads the binary from the package of this platform.
 *
 * Bundlers and tracers of files follow requests that are written out; within `try`, one that leads nowhere
 * is no error to them.
 *
 * @param {string} platform
 * @returns {{ native?: unknown, error?: any }}
 */
function requireBinary(platform) {
  try {
    switch (platform) {
      case 'darwin-arm64':
        return { native: require('gso-analytics-darwin-arm64') };
      case 'darwin-x64':
        return { native: require('gso-analytics-darwin-x64') };
      case 'linux-arm64-gnu':
        return { native: require('gso-analytics-linux-arm64-gnu') };
      case 'linux-arm64-musl':
        return { native: require('gso-analytics-linux-arm64-musl') };
      case 'linux-x64-gnu':
        return { native: require('gso-analytics-linux-x64-gnu') };
      case 'linux-x64-musl':
        return { native: require('gso-analytics-linux-x64-musl') };
      case 'win32-arm64-msvc':
        return { native: require('gso-analytics-win32-arm64-msvc') };
      case 'win32-x64-msvc':
        return { native: require('gso-analytics-win32-x64-msvc') };
      default:
        return { error: new Error(`Cannot find module 'gso-analytics-${platform}'`) };
    }
  } catch (error) {
    return { error };
  }
}

module.exports = { PLATFORMS, requireBinary };
