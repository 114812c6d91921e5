// A package without a binary that fits: the error says for which platform, and what can be done.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, it } = require('node:test');
const { PLATFORMS } = require('../../../lib/binaries');
const { stageMain } = require('../../../scripts/package/stage');
const { startHost } = require('../../support/host');
const { ROOT } = require('../types/packed');

const { homepage, version } = require('../../../package.json');

let folder;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-binary-'));
  stageMain(path.join(folder, 'node_modules', 'gso-analytics'));
  const bson = path.join(ROOT, 'node_modules', 'bson');
  fs.cpSync(bson, path.join(folder, 'node_modules', 'bson'), { recursive: true });
});
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** What a process that pretends to run on that platform says when it requires the package. */
async function errorOn(platform, arch, glibc) {
  const fields = { platform, arch };
  const header = JSON.stringify(glibc ? { glibcVersionRuntime: glibc } : {});
  const program = `
    for (const [name, value] of Object.entries(${JSON.stringify(fields)}))
      Object.defineProperty(process, name, { value });
    process.report.getReport = () => ({ header: ${header}, sharedObjects: [] });
    const fs = require('node:fs');
    const { readFileSync } = fs;
    fs.readFileSync = (file, ...how) => {
      if (file === '/usr/bin/ldd') throw new Error('another system has none');
      return readFileSync(file, ...how);
    };
    try {
      require('gso-analytics');
    } catch (error) {
      console.log(JSON.stringify([error.message, error.cause instanceof Error]));
    }`;
  const script = path.join(folder, 'host.js');
  fs.writeFileSync(script, program);
  const { stdout, stderr, code } = await startHost(script, { cwd: folder }).finished;
  assert.deepStrictEqual([stderr, code], ['', 0]);
  const [message, hasCause] = JSON.parse(stdout);
  return { message, hasCause };
}

/** The same, where the loader has failed. */
async function failureOn(...platform) {
  const { message, hasCause } = await errorOn(...platform);
  assert.ok(hasCause);
  return message;
}

/** A package with a binary that is none: it has `files`, and the first of them is loaded. */
function installInstead(name, files) {
  const installed = path.join(folder, 'node_modules', name);
  fs.mkdirSync(installed);
  const [main] = Object.keys(files);
  const manifest = JSON.stringify({ version: '0.0.1', main });
  for (const [file, text] of Object.entries({ ...files, 'package.json': manifest })) {
    fs.writeFileSync(path.join(installed, file), text);
  }
  return () => fs.rmSync(installed, { recursive: true });
}

function assertHelps(message) {
  assert.match(message, /npm ci && npm run build/);
  assert.ok(message.includes(PLATFORMS.join(', ')), message);
  assert.ok(message.includes(homepage.replace('#readme', '#building-from-source')), message);
}

describe('without a binary', () => {
  const SUPPORTED = [
    ['darwin', 'arm64', undefined, 'darwin-arm64'],
    ['linux', 'x64', '2.36', 'linux-x64-gnu'],
    ['linux', 'arm64', undefined, 'linux-arm64-musl'],
    ['win32', 'x64', undefined, 'win32-x64-msvc'],
  ];
  for (const [platform, arch, glibc, name] of SUPPORTED) {
    it(`names the package that is missing on ${name}`, async () => {
      const message = await failureOn(platform, arch, glibc);
      assert.ok(message.includes(`the package gso-analytics-${name} with the binary`), message);
      assert.match(message, /optional dependency/);
      assertHelps(message);
    });
  }

  const UNSUPPORTED = [
    ['freebsd', 'x64', undefined, 'freebsd-x64'],
    ['linux', 'riscv64', '2.36', 'linux-riscv64-gnu'],
    ['linux', 's390x', undefined, 'linux-s390x-musl'],
    ['win32', 'ia32', undefined, 'win32-ia32-msvc'],
  ];
  for (const [platform, arch, glibc, name] of UNSUPPORTED) {
    it(`says that there is none for ${name}`, async () => {
      const message = await failureOn(platform, arch, glibc);
      assert.ok(message.includes(`there is no binary for ${name}, Node ${process.versions.node}`));
      assertHelps(message);
    });
  }

  it('says why one that was built for another platform cannot be loaded', async () => {
    const built = path.join(
      folder,
      'node_modules',
      'gso-analytics',
      'gso-analytics.freebsd-x64.node',
    );
    fs.writeFileSync(built, 'no binary');
    const message = await failureOn('freebsd', 'x64');
    fs.rmSync(built);
    assert.match(message, /the binary for freebsd-x64, Node \S+ cannot be loaded: .*freebsd-x64/);
    assertHelps(message);
  });

  it('says why one that is there cannot be loaded', async () => {
    const remove = installInstead('gso-analytics-darwin-x64', { 'a.node': 'no binary' });
    const message = await failureOn('darwin', 'x64');
    remove();
    assert.match(message, /the binary for darwin-x64, Node \S+ cannot be loaded: .*a\.node/);
    assertHelps(message);
  });

  for (const [what, text, said] of [
    ['of another version', 'exports.VERSION = "0.0.1";', 'of version 0.0.1'],
    ['of somebody else', 'exports.answer = 42;', 'not one of gso-analytics'],
  ]) {
    it(`does not take one ${what}`, async () => {
      const remove = installInstead('gso-analytics-win32-x64-msvc', { 'a.js': text });
      const { message } = await errorOn('win32', 'x64');
      remove();
      const mistake = `the binary that was loaded is ${said}, this is gso-analytics ${version}. `;
      assert.ok(message.includes(mistake), message);
      assert.match(message, /NAPI_RS_NATIVE_LIBRARY_PATH/);
      assertHelps(message);
    });
  }

  it('has a section in the README to which the error leads', () => {
    const readme = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
    assert.match(readme, /^#+ Building from source$/m);
  });
});
