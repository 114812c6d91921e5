// Where, when and with what a run is made: figures mean nothing without it.
'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const os = require('node:os');
const path = require('node:path');
const { ROOT } = require('../scripts/lib/steps');

function aboutThisRun({ server, node }) {
  const cores = os.cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    cores: cores.length,
    model: cores[0].model,
    versions: {
      node: versionOf(node),
      mongod: server.version,
      driver: driverVersion(),
      rustc: versionOf('rustc'),
    },
    commit: git('rev-parse', '--short', 'HEAD'),
    binaryBytes: binaryBytes(),
  };
}

function versionOf(program) {
  return execFileSync(program, ['--version'], { cwd: ROOT, encoding: 'utf8' }).trim();
}

function git(...args) {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim();
}

/** Of the driver that plain JavaScript writes with: the one that mongoose brings along. */
function driverVersion() {
  return createRequire(require.resolve('mongoose'))('mongodb/package.json').version;
}

function binaryBytes() {
  const [binary] = fs.readdirSync(ROOT).filter((name) => name.endsWith('.node'));
  return fs.statSync(path.join(ROOT, binary)).size;
}

module.exports = { aboutThisRun };
