// `node scripts/picture.js [address]`: the picture of the page in the README, docs/dashboard.png. Without the
// address of a page, as `npm run demo -- --dashboard` prints it, it plays the game of the demo itself.
'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { findChromium, launch } = require('./lib/browser');
const { ROOT, main, step } = require('./lib/steps');

const PICTURE = path.join(ROOT, 'docs', 'dashboard.png');
const ADDRESS = /http:\/\/\S+#token=\S+/;
/** As high as the first screen is. */
const SIZE = { width: 1120, height: 1000 };
const MARGIN = 20;
const MOST_BYTES = 150 * 1024;

main(async () => {
  const { file, missing } = findChromium();
  if (missing) throw new Error(missing);
  if (process.argv[2]) return take(file, process.argv[2]);
  const game = spawn(process.execPath, ['examples/dashboard.js', '--dashboard'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await take(file, await step('play the game', () => addressOf(game)));
  } finally {
    game.kill('SIGTERM');
    await once(game, 'close');
  }
});

async function addressOf({ stdout }) {
  let text = '';
  for await (const part of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    text += part;
    const found = ADDRESS.exec(text);
    if (found) return found[0];
  }
  throw new Error('the demo has printed no address');
}

async function take(file, address) {
  const browser = await launch(file);
  try {
    const page = await browser.newPage({ viewport: SIZE });
    await page.goto(address);
    const isDrawn = () => !document.getElementById('main').textContent.includes('Reading …');
    await page.waitForFunction(isDrawn);
    const { y, height } = await page.locator('.first').boundingBox();
    const clip = { x: 0, y: 0, width: SIZE.width, height: y + height + MARGIN };
    await page.screenshot({ path: PICTURE, clip });
  } finally {
    await browser.close();
  }
  const { size } = fs.statSync(PICTURE);
  if (size > MOST_BYTES)
    throw new Error(`${PICTURE} has ${size} bytes, at most ${MOST_BYTES} are allowed`);
}
