// The hosts: how each installs the package, and what it runs then.
'use strict';

const assert = require('node:assert');
const path = require('node:path');
const { PLATFORMS } = require('../../../lib/binaries');
const { Project } = require('./project');
const { tool } = require('./registry');
const { assertStores } = require('./stored');

const NAME = 'gso-analytics';
const YARN = tool('@yarnpkg', 'cli-dist', 'bin', 'yarn.js');
/** A package in the version that this project is tested with. */
function pinned(name) {
  return `${name}@${require(`${name}/package.json`).version}`;
}

/** Runs hosts of one run: `{ surroundings, server, platform }`. */
class Hosts {
  constructor({ surroundings, server, platform }) {
    Object.assign(this, { surroundings, server, platform });
  }

  /** Plays a host; it must load the one binary that was installed for this platform. */
  async play(project, args, users = 1) {
    await assertStores(this.server, users, async (uri) => {
      const loaded = await project.play(args, uri);
      const own = [...loaded].filter((file) => path.basename(file).startsWith(NAME));
      assert.strictEqual(own.length, 1, `loaded: ${own}`);
      assert.ok(own[0].startsWith(project.folder), own[0]);
      assert.ok(own[0].includes(`${NAME}-${this.platform}`), own[0]);
    });
  }

  /** The first install: alone, in an empty project. */
  async npm() {
    const project = new Project(this.surroundings, 'npm');
    await project.npmInstall(NAME);
    assert.deepStrictEqual(project.installed(), ['bson', NAME, `${NAME}-${this.platform}`]);
    const { packages } = JSON.parse(project.read('package-lock.json'));
    for (const [place, entry] of Object.entries(packages))
      assert.ok(!entry.hasInstallScript, `${place} runs a script when it is installed`);
    await project.npmInstall(pinned('mongoose'));
    project.copy('play.cjs', 'commonjs.cjs', 'module.mjs', 'threads.cjs', 'cluster.cjs');
    return project;
  }

  async typescript() {
    const project = new Project(this.surroundings, 'typescript');
    const packages = ['typescript', '@types/node', 'mongoose'].map(pinned);
    await project.npmInstall(NAME, ...packages);
    project.copy('typed.ts');
    return project;
  }

  /** Compiles the typed host and plays what came of it. */
  async compiled(project, { module, moduleResolution, type }) {
    const compiler = path.join('node_modules', 'typescript', 'bin', 'tsc');
    const out = `out-${moduleResolution}`;
    const options = ['--strict', '--types', 'node', '--target', 'es2022', '--esModuleInterop'];
    const resolving = ['--module', module, '--moduleResolution', moduleResolution];
    await project.node([compiler, 'typed.ts', ...options, ...resolving, '--outDir', out]);
    project.write(path.join(out, 'package.json'), JSON.stringify({ type }));
    await this.play(project, [path.join(out, 'typed.js')]);
  }

  async jest() {
    const project = new Project(this.surroundings, 'jest');
    await project.npmInstall(NAME, pinned('jest'), pinned('mongoose'));
    project.copy('play.cjs', 'clock.jest.js');
    const jest = path.join('node_modules', 'jest', 'bin', 'jest.js');
    const settings = ['--testRegex', 'clock[.]jest[.]js$', '--testTimeout', '60000'];
    await this.play(project, [jest, '--runInBand', ...settings]);
  }

  async pnpm() {
    const project = new Project(this.surroundings, 'pnpm');
    await project.node([tool('pnpm', 'bin', 'pnpm.cjs'), 'add', NAME, pinned('mongoose')]);
    await this.commonjs(project);
  }

  async yarnClassic() {
    const project = new Project(this.surroundings, 'yarn-1');
    await project.node([tool('yarn', 'bin', 'yarn.js'), 'add', NAME, pinned('mongoose')]);
    await this.commonjs(project);
  }

  /** Yarn 4; `linker` says where the packages are. */
  async yarn(linker) {
    const project = new Project(this.surroundings, `yarn-4-${linker}`);
    const settings = [
      `npmRegistryServer: "${this.surroundings.registry}"`,
      'unsafeHttpWhitelist: ["127.0.0.1"]',
      `nodeLinker: ${linker}`,
      'enableTelemetry: false',
      // What is installed was published a moment ago.
      'npmMinimalAgeGate: 0',
    ];
    project.write('.yarnrc.yml', `${settings.join('\n')}\n`);
    await project.node([YARN, 'add', NAME, pinned('mongoose')]);
    return project;
  }

  async yarnWithModules() {
    await this.commonjs(await this.yarn('node-modules'));
  }

  /** Plug'n'Play, the default: there is no node_modules, and most packages stay in archives. */
  async yarnWithoutModules() {
    const project = await this.yarn('pnp');
    assert.ok(!project.has('node_modules'));
    project.copy('play.cjs', 'commonjs.cjs', 'module.mjs');
    for (const host of ['commonjs.cjs', 'module.mjs'])
      await this.play(project, [YARN, 'node', host]);
  }

  async commonjs(project) {
    project.copy('play.cjs', 'commonjs.cjs');
    await this.play(project, ['commonjs.cjs']);
  }

  /** Whatever this machine is, each platform gets the package that is for it, and no other. */
  async otherPlatforms() {
    for (const name of PLATFORMS) {
      const project = new Project(this.surroundings, name);
      const [os, cpu, abi] = name.split('-');
      const libc = { gnu: ['--libc', 'glibc'], musl: ['--libc', 'musl'] }[abi] ?? [];
      await project.npmInstall('--os', os, '--cpu', cpu, ...libc, NAME);
      assert.deepStrictEqual(project.installed(), ['bson', NAME, `${NAME}-${name}`]);
    }
  }

  /** Without the optional package the error says what is missing. */
  async withoutBinary() {
    const project = new Project(this.surroundings, 'without-binary');
    await project.npmInstall('--omit', 'optional', NAME);
    assert.deepStrictEqual(project.installed(), ['bson', NAME]);
    const { message } = await project.node(['-e', `require('${NAME}')`]).catch((error) => error);
    for (const part of [
      `${NAME}-${this.platform} with`,
      PLATFORMS.join(', '),
      'from source, with Rust: ',
    ])
      assert.ok(message?.includes(part), message);
  }
}

module.exports = { Hosts, NAME, pinned };
