// An empty project of somebody who installs the package: outside of this repository, with node and a
// shell on the PATH and nothing else, and none of this machine's settings. Another platform's node is run by programs
// of this one, so that there the PATH is whole.
'use strict';

const { execFile } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const execute = promisify(execFile);

const TIMEOUT_MS = 180_000;
const HOSTS = path.join(__dirname, 'hosts');
const PROBE = path.join(__dirname, 'probe.cjs');

/**
 * What all projects of a run share: a folder, the address of a registry, and npm. For another platform also the words
 * that run its `node`, the variables that these need, and how long a process may take.
 */
class Surroundings {
  constructor({ base, registry, npm, ...others }) {
    const { node = [process.execPath], env, timeoutMs = TIMEOUT_MS } = others;
    Object.assign(this, { base, registry, npm, node, env, timeoutMs });
    this.programs = path.join(base, 'programs');
    fs.mkdirSync(this.programs, { recursive: true });
    fs.symlinkSync(process.execPath, path.join(this.programs, 'node'));
    fs.symlinkSync('/bin/sh', path.join(this.programs, 'sh'));
  }

  /** Everything that programs find in their environment. */
  environment(extra) {
    const home = path.join(this.base, 'home');
    fs.mkdirSync(home, { recursive: true });
    return {
      ...{ PATH: this.programs, HOME: home, TMPDIR: this.base, CI: 'true' },
      // npm, pnpm and Yarn 1 read it.
      npm_config_registry: this.registry,
      ...this.env,
      ...extra,
    };
  }
}

/** The path as this system writes it; Wine has the root of this system as drive Z. */
const onLinux = (file) => file.replace(/^Z:/, '').replaceAll('\\', '/');

class Project {
  constructor(surroundings, name) {
    this.surroundings = surroundings;
    this.folder = path.join(surroundings.base, 'projects', name);
    fs.mkdirSync(this.folder, { recursive: true });
    this.write(
      'package.json',
      JSON.stringify({ name, version: '1.0.0', private: true, type: 'commonjs' }),
    );
  }

  write(name, text) {
    fs.writeFileSync(path.join(this.folder, name), text);
  }

  read(...segments) {
    return fs.readFileSync(path.join(this.folder, ...segments), 'utf8');
  }

  has(name) {
    return fs.existsSync(path.join(this.folder, name));
  }

  /** Takes over programs of the hosts. */
  copy(...names) {
    for (const name of names) fs.copyFileSync(path.join(HOSTS, name), path.join(this.folder, name));
  }

  /** Runs `node <args>` here; throws with all that it printed unless it ends with 0. */
  async node(args, env) {
    const { node, timeoutMs } = this.surroundings;
    const [program, ...words] = node;
    try {
      return await execute(program, [...words, ...args], {
        cwd: this.folder,
        env: this.surroundings.environment(env),
        ...{ timeout: timeoutMs, maxBuffer: 2 ** 26 },
      });
    } catch (error) {
      throw new Error(`${args.join(' ')}: ${error.message}\n${error.stdout}`);
    }
  }

  npmInstall(...args) {
    const quiet = ['--no-audit', '--no-fund', '--loglevel', 'error'];
    return this.node([this.surroundings.npm, 'install', ...quiet, ...args]);
  }

  /** Runs a host on a database; answers with the native libraries that its processes had loaded. */
  async play(args, uri) {
    const file = path.join(this.folder, 'loaded.txt');
    fs.rmSync(file, { force: true });
    await this.node(args, {
      MONGODB_URI: uri,
      NODE_OPTIONS: `--require=${PROBE}`,
      PROBE_FILE: file,
    });
    return new Set(fs.readFileSync(file, 'utf8').split('\n').filter(Boolean).map(onLinux));
  }

  /** Names of the packages at the top of node_modules. */
  installed() {
    const names = fs.readdirSync(path.join(this.folder, 'node_modules'));
    return names.filter((name) => !name.startsWith('.')).sort();
  }
}

module.exports = { Project, Surroundings };
