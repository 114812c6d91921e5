// Bundlers with the settings of docs/compatibility.md and with wrong ones, and a server of NestJS. The
// package and its binary are installed as they are published.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const esbuild = require('esbuild');
const webpack = require('webpack');
const { PLATFORMS } = require('../../../lib/binaries');
const { platformName } = require('../../../lib/loader');
const { startHost } = require('../../support/host');
const { runProgram, useMongod } = require('../../support/setup');
const { ADDON, ROOT, makeFolder, write } = require('./folder');
const { documented, installPublished } = require('./published');

const mongo = useMongod();

const SOURCE = `
  const AnalyticsSystem = require('gso-analytics');
  const analytics = new AnalyticsSystem({ uri: process.env.HOST_URI, logger: false });
  analytics.start();
  analytics.track('dungeon.complete', 'u');
  analytics.flush().then(() => analytics.stop());`;

/** How every error about a bundle ends, whatever was put into it. */
const ADVICE =
  /gso-analytics: .*Leave gso-analytics out of the bundle: serverExternalPackages: \['gso-analytics'\] in Next\.js, externals: .* in webpack, external: \['gso-analytics'\] in esbuild\./;

/** A host with a program. */
function makePublished() {
  const cwd = makeFolder();
  write(cwd, { 'package.json': { name: 'host', private: true }, 'src/main.js': SOURCE });
  installPublished(cwd);
  return cwd;
}

/** The same with a binary that is small: nothing gets as far as to load it. */
function makeSmall() {
  const cwd = makePublished();
  const folder = path.join(cwd, 'node_modules', `${ADDON}-${platformName()}`);
  fs.writeFileSync(path.join(folder, `${ADDON}.${platformName()}.node`), '\x7fELF');
  return cwd;
}

/** Bundles; answers with the texts of all warnings. */
const BUNDLERS = {
  async esbuild(cwd, settings) {
    const { warnings } = await esbuild.build({
      entryPoints: [path.join(cwd, 'src', 'main.js')],
      ...{ outfile: path.join(cwd, 'dist', 'main.js'), bundle: true, platform: 'node' },
      ...{ logLevel: 'silent', ...settings },
    });
    return warnings.map(({ text }) => text);
  },
  async webpack(cwd, settings) {
    const compiler = webpack({
      // It writes a program also where it has found errors, as frameworks do while one develops.
      ...{ mode: 'development', target: 'node', context: cwd, entry: './src/main.js' },
      ...{ output: { path: path.join(cwd, 'dist'), filename: 'main.js' }, ...settings },
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, done) => (error ? reject(error) : resolve(done))),
    );
    await new Promise((resolve) => compiler.close(resolve));
    return stats.compilation.warnings.map(({ message }) => message);
  },
};

async function run(cwd) {
  const database = mongo.database();
  const env = { HOST_URI: database.uri };
  const end = await startHost(path.join('dist', 'main.js'), { cwd, env }).finished;
  return { ...end, stored: await database.count('gsoevents') };
}

/** Names of packages with binaries in a text. */
const named = (text) => [...text.matchAll(/gso-analytics-([a-z0-9]+(?:-[a-z0-9]+)+)/g)];

const typed = (type) => ({ module: { rules: [{ test: /\.node$/, type }] } });
const WRONG = {
  esbuild: ['file', 'binary', 'base64', 'dataurl', 'text', 'empty'].map((loader) => [
    `the loader ${loader}`,
    { loader: { '.node': loader } },
  ]),
  webpack: [
    ['no rule for .node', {}],
    ...['asset/resource', 'asset/source', 'asset/inline'].map((type) => [type, typed(type)]),
  ],
};

for (const [tool, bundle] of Object.entries(BUNDLERS)) {
  describe(tool, () => {
    it('makes a program that works with the setting of the page, and warns of nothing', async () => {
      const cwd = makePublished();
      assert.deepStrictEqual(await bundle(cwd, documented(tool)), []);
      const { stdout, stderr, code, stored } = await run(cwd);
      assert.deepStrictEqual([stdout, stderr, code, stored], ['', '', 0, 1]);
    });

    for (const [what, settings] of WRONG[tool]) {
      it(`with ${what} makes a program whose error names the setting`, async () => {
        const cwd = makeSmall();
        const warnings = await bundle(cwd, settings);
        const { stderr, code } = await run(cwd);
        assert.strictEqual(code, 1);
        assert.match(stderr, ADVICE);
        const asked = warnings.flatMap(named).map(([, platform]) => platform);
        for (const platform of asked) assert.ok(PLATFORMS.includes(platform), platform);
      });
    }

    it('makes a program without the binary whose error names the setting', async () => {
      const cwd = makePublished();
      fs.rmSync(path.join(cwd, 'node_modules', `${ADDON}-${platformName()}`), { recursive: true });
      await bundle(cwd, {});
      const { stderr, code } = await run(cwd);
      assert.strictEqual(code, 1);
      assert.match(stderr, /the package gso-analytics-\S+ with the binary for .* is not installed/);
      assert.match(stderr, ADVICE);
    });
  });
}

describe('the loader', () => {
  it('asks for the packages that are published, for each of them, and for no other file', () => {
    const text = fs.readFileSync(path.join(ROOT, 'lib', 'binaries.js'), 'utf8');
    const requests = [...text.matchAll(/require\('([^']+)'\)/g)].map(([, request]) => request);
    const own = requests.filter((request) => /gso-analytics|\.node$/.test(request));
    assert.deepStrictEqual(
      own.sort(),
      PLATFORMS.map((platform) => `${ADDON}-${platform}`),
    );
  });

  it('may have the binary in a bundle where esbuild copies it', async () => {
    const cwd = makePublished();
    await BUNDLERS.esbuild(cwd, { loader: { '.node': 'copy' } });
    fs.rmSync(path.join(cwd, 'node_modules'), { recursive: true });
    const { stderr, stored } = await run(cwd);
    assert.deepStrictEqual([stderr, stored], ['', 1]);
  });
});

/** Runs in a process of its own: a server whose mongoose has connections of createConnection() only. */
async function serveWithNest(given, report) {
  require('reflect-metadata');
  const { Logger, Module } = require('@nestjs/common');
  const { NestFactory } = require('@nestjs/core');
  const { MongooseModule } = require('@nestjs/mongoose');
  const AnalyticsSystem = require('.');
  class AppModule {}
  Module({ imports: [MongooseModule.forRoot(given.uri)] })(AppModule);
  const analytics = new AnalyticsSystem({ logger: new Logger('Analytics') });
  analytics.start();
  const app = await NestFactory.createApplicationContext(AppModule);
  const begun = performance.now();
  await analytics.onLogin('u', 'name');
  report({ loginMs: performance.now() - begun });
  await analytics.stop();
  await app.close();
}

describe('NestJS', () => {
  it('has its first login stored at once, and its Logger gets the lines', async () => {
    const database = mongo.database();
    const { result, stdout } = await runProgram(serveWithNest, { given: { uri: database.uri } });
    assert.ok(result.loginMs < 4_000, `${result.loginMs} ms`);
    assert.strictEqual(await database.count('gsosessions', { userId: 'u' }), 1);
    assert.match(stdout, /\[Analytics\].*\[ANALYTICS\] System started/);
    assert.match(stdout, /createConnection\(\) has made/);
  });
});
