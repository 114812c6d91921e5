// A server of Next.js, built by each of its bundlers, with the setting of docs/compatibility.md and without.
// npm installs Next.js; the package and its binary are installed as they are published.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { before, describe, it } = require('node:test');
const { runHost, startHost } = require('../../support/host');
const { waitFor } = require('../../support/wait');
const { useMongod } = require('../../support/setup');
const { makeFolder, write } = require('./folder');
const { documented, installPublished } = require('./published');

const mongo = useMongod();

const BUILD_MS = 240_000;
const BUNDLERS = ['turbopack', 'webpack'];
const MANIFESTS = path.join(__dirname, 'next');
const NEXT = path.join('node_modules', 'next', 'dist', 'bin', 'next');
const NO_TELEMETRY = { NEXT_TELEMETRY_DISABLED: '1' };

const ROUTE = `
  import AnalyticsSystem from 'gso-analytics';
  export const dynamic = 'force-dynamic';
  export async function GET() {
    const analytics = new AnalyticsSystem({ uri: process.env.HOST_URI, logger: false });
    analytics.start();
    analytics.track('dungeon.complete', 'u');
    await analytics.flush();
    await analytics.stop();
    return new Response('stored');
  }`;

let cwd;

before(() => {
  cwd = makeFolder();
  fs.cpSync(MANIFESTS, cwd, { recursive: true });
  const options = { cwd, stdio: 'inherit', shell: process.platform === 'win32' };
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], options);
  installPublished(cwd);
  write(cwd, { 'app/play/route.js': ROUTE });
});

async function build(bundler, settings) {
  write(cwd, { 'next.config.js': `module.exports = ${JSON.stringify(settings)};` });
  fs.rmSync(path.join(cwd, '.next'), { recursive: true, force: true });
  const args = ['build', `--${bundler}`];
  await runHost(NEXT, { args, cwd, env: NO_TELEMETRY, timeoutMs: BUILD_MS });
}

/** What the route of the built server answers. */
async function ask(env) {
  const args = ['start', '--hostname', '127.0.0.1', '--port', '0'];
  const server = startHost(NEXT, {
    args,
    cwd,
    env: { ...NO_TELEMETRY, ...env },
    timeoutMs: BUILD_MS,
  });
  try {
    const address = () => /http:\/\/127\.0\.0\.1:\d+/.exec(server.output.stdout)?.[0];
    await waitFor(address, { what: 'Next.js to listen' });
    return await (await fetch(`${address()}/play`)).text();
  } finally {
    server.child.kill();
    await server.finished;
  }
}

for (const bundler of BUNDLERS) {
  describe(`Next.js with ${bundler}`, () => {
    it('makes a server that works with the setting of the page', async () => {
      const database = mongo.database();
      await build(bundler, documented('Next.js'));
      assert.strictEqual(await ask({ HOST_URI: database.uri }), 'stored');
      assert.strictEqual(await database.count('gsoevents'), 1);
    });

    it('is not built without it, and names the file with the binary', async () => {
      const error = await build(bundler, {}).catch((problem) => problem);
      assert.match(error.message, /gso-analytics\S*\/gso-analytics\.\S+\.node/);
    });
  });
}
