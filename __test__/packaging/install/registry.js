// A registry on loopback that holds the packages of this project and passes on all others.
'use strict';

const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { ROOT, run, step } = require('../../../scripts/lib/steps');

const LOCKED = path.join(__dirname, 'tools');
const TOOLS = path.join(ROOT, '.cache', 'install-tools');
const LOCK = 'package-lock.json';
const MODULES = path.join(TOOLS, 'node_modules');

/** Installs the registry and the package managers, unless that has been done with this lock file. */
async function installTools() {
  const wanted = fs.readFileSync(path.join(LOCKED, LOCK));
  const installed = path.join(TOOLS, LOCK);
  const isCurrent = fs.existsSync(installed) && fs.readFileSync(installed).equals(wanted);
  if (isCurrent && fs.existsSync(path.join(MODULES, '.package-lock.json'))) return;
  fs.rmSync(TOOLS, { recursive: true, force: true });
  fs.cpSync(LOCKED, TOOLS, { recursive: true });
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  await step('install the registry and package managers', () => run('npm', args, { cwd: TOOLS }));
}

/** The file in an installed tool. */
function tool(...segments) {
  return path.join(MODULES, ...segments);
}

/** What npm is configured with here: the registry may be a mirror with an authority of its own. */
function npmSetting(name) {
  const value = execFileSync('npm', ['config', 'get', name], {
    cwd: ROOT,
    encoding: 'utf8',
  }).trim();
  return value === 'null' ? undefined : value;
}

function configuration(folder) {
  const authorities = npmSetting('cafile');
  const ca = authorities && { ca: fs.readFileSync(authorities, 'utf8') };
  // By default two failures are enough to be answered 404 for minutes.
  const patience = { timeout: '60s', max_fails: 100, fail_timeout: '1s' };
  const upstream = { url: npmSetting('registry'), ...patience, ...ca };
  return {
    self_path: folder,
    storage: path.join(folder, 'storage'),
    auth: { htpasswd: { file: path.join(folder, 'htpasswd') } },
    uplinks: { upstream },
    packages: {
      'gso-analytics*': { access: '$all', publish: '$all' },
      '**': { access: '$all', proxy: 'upstream' },
    },
    max_body_size: '100mb',
    log: { type: 'stdout', format: 'pretty', level: 'error' },
  };
}

/** `{ url, stop() }`; it keeps what it needs below `folder`. */
async function startRegistry(folder) {
  const { runServer } = require(tool('verdaccio'));
  const server = await runServer(configuration(folder));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, stop };
}

module.exports = { installTools, startRegistry, tool };
