// Folders of the cache, each filled once with what `wanted` says.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { ROOT, step } = require('../lib/steps');

const CACHE = path.join(ROOT, '.cache', 'platforms');

/**
 * The folder `name`, which `fill(folder)` has filled. It is filled anew when `wanted` has changed since,
 * or when that was not finished.
 */
async function cached(name, wanted, fill) {
  const folder = path.join(CACHE, name);
  // Written last. Its folder is in it: what is installed names that.
  const filled = `${folder}.txt`;
  const content = `${folder}\n${wanted}\n`;
  if (fs.existsSync(filled) && fs.readFileSync(filled, 'utf8') === content) return folder;
  fs.rmSync(filled, { force: true });
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  await step(`prepare ${wanted.split('\n')[0]}`, () => fill(folder));
  fs.writeFileSync(filled, content);
  return folder;
}

module.exports = { cached };
