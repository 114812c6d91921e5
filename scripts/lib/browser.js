// Chromium for tests of the dashboard: that of Debian, driven by playwright-core.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const INSTALL = 'apt-get update && apt-get install --yes --no-install-recommends chromium';

function found() {
  const given = process.env.CHROMIUM_BINARY;
  if (given) return given;
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const files = NAMES.flatMap((name) => folders.map((folder) => path.join(folder, name)));
  return files.find((file) => fs.existsSync(file));
}

/** Where CI runs as root on Debian it is installed; elsewhere that is left to the user. */
function install() {
  if (process.env.CI !== 'true' || process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/apt-get'))
    return;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  execFileSync('sh', ['-c', INSTALL], { stdio: ['ignore', 'ignore', 'inherit'], env });
}

/** The path of Chromium, or why there is none. In CI there must be one. */
function findChromium() {
  if (found() === undefined) install();
  const file = found();
  if (file !== undefined) return { file };
  const missing = `no Chromium: ${INSTALL}, or set CHROMIUM_BINARY`;
  if (process.env.CI === 'true') throw new Error(missing);
  return { missing };
}

/** A browser without a window. Root has no sandbox in it. */
function launch(file) {
  const { chromium } = require('playwright-core');
  // Letters in shades of grey, whatever the screen is: pictures are smaller.
  const args = ['--disable-lcd-text', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath: file, args });
}

module.exports = { findChromium, launch };
