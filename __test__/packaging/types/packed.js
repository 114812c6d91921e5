// The package as npm would publish it, and hosts that have it installed: folders in the system's
// temporary one, without a registry.
'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { promisify } = require('node:util');
const { stageMain } = require('../../../scripts/package/stage');

const ROOT = path.join(__dirname, '..', '..', '..');
const TIMEOUT_MS = 120_000;
const IS_WINDOWS = process.platform === 'win32';
const run = promisify(execFile);

/** `{ tarball, files, installIn(folder), folder(name), remove() }` */
async function pack() {
  const base = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'gso-types-')));
  const folder = (name) => {
    const full = path.join(base, name);
    fs.mkdirSync(full, { recursive: true });
    return full;
  };
  try {
    const staged = folder('staged');
    stageMain(staged);
    const tarball = await npmPack(staged, base, folder('cache'));
    await unpack(tarball, base);
    return { ...{ base, tarball, folder }, ...installing(path.join(base, 'package')) };
  } catch (error) {
    remove(base);
    throw error;
  }
}

/** A tar that knows remote hosts takes the colon of an absolute path on Windows for one. */
async function unpack(tarball, folder) {
  const args = ['-xzf', path.relative(folder, tarball)];
  await run('tar', args, { cwd: folder, timeout: TIMEOUT_MS });
}

/** Packs the package in `folder` into `target`; answers with the path of the tarball. */
async function npmPack(folder, target, cache) {
  const quiet = ['--offline', '--no-audit', '--no-fund', '--no-update-notifier'];
  const args = ['pack', '--ignore-scripts', '--json', ...quiet, '--cache', cache];
  const { stdout } = await run('npm', [...args, '--pack-destination', target], {
    ...{ cwd: folder, timeout: TIMEOUT_MS, shell: IS_WINDOWS },
  });
  // A list up to npm 11, an object from npm 12 on.
  const [packed] = Object.values(JSON.parse(stdout));
  return path.join(target, packed.filename);
}

function installing(unpacked) {
  /** Makes `folder` a host that has the packed package, and `others` as they are installed here. */
  const installIn = (folder, { type = 'commonjs', others = [] } = {}) => {
    fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: 'host', type }));
    link(folder, 'gso-analytics', unpacked);
    for (const name of others) link(folder, name, path.join(ROOT, 'node_modules', name));
  };
  return { unpacked, installIn };
}

function link(folder, name, target) {
  const place = path.join(folder, 'node_modules', name);
  fs.mkdirSync(path.dirname(place), { recursive: true });
  fs.symlinkSync(target, place, 'junction');
}

function remove(base) {
  fs.rmSync(base, { recursive: true, force: true });
}

module.exports = { ROOT, npmPack, pack, remove, run, unpack };
