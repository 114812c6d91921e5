// The third part of `npm run demo`: a game of thirty days, on one page. It writes the page as a file; with
// `--dashboard` it serves it, and plays on, until Ctrl-C.
'use strict';

require('../__test__/support/environment').cleanEnvironment();

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const mongods = require('../__test__/support/mongod');
const { FUNNELS, beginGame } = require('./living-game');

const COMMAND = path.join(__dirname, '..', 'lib', 'cli', 'main.js');
const { dashboard: isServed } = parseArgs({ options: { dashboard: { type: 'boolean' } } }).values;

async function main() {
  const mongod = await mongods.startMongod({ say: console.log });
  const database = mongods.freshDatabaseName();
  const uri = mongods.withDatabase(mongod.uri, database);
  try {
    console.log('\nthirty days of a game are being played …');
    const game = await beginGame(uri, { say: console.log });
    try {
      await (isServed ? serve(uri) : report(uri));
    } finally {
      await game.stop();
    }
  } finally {
    await mongods.dropDatabases(mongod.uri, [database]);
    await mongod.stop();
  }
}

async function report(uri) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-analytics-'));
  const file = path.join(folder, 'report.html');
  await command(uri, ['report', '--out', file]);
  console.log(`\nThe figures of thirty days are in this file, which any browser opens:\n${file}`);
}

async function serve(uri) {
  // Ctrl-C is for the command, which ends; then this does.
  process.on('SIGINT', () => {});
  console.log('\nThe figures of thirty days, and of this moment:');
  await command(uri, ['dashboard']);
}

/** Runs `gso-analytics`, as its user would; a signal to end is handed on. */
async function command(uri, args) {
  const env = { ...process.env, ANALYTICS_MONGODB_URI: uri };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-analytics-'));
  // The options of the game that the command has to know.
  const options = path.join(folder, 'options.json');
  fs.writeFileSync(options, JSON.stringify({ funnels: FUNNELS }));
  const child = spawn(process.execPath, [COMMAND, ...args, '--options', options], {
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const end = () => child.kill('SIGTERM');
  process.once('SIGTERM', end);
  const code = await new Promise((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  process.removeListener('SIGTERM', end);
  fs.rmSync(folder, { recursive: true });
  if (code !== 0) throw new Error(`gso-analytics ${args[0]} ended with ${code}`);
}

main().catch((error) => {
  console.error(`The demo failed: ${error.stack}`);
  process.exitCode = 1;
});
