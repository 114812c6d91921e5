// `npm run test:smoke`: whether the built addon works in Bun and Deno, which the npm packages of these
// names bring, beside Node. Expects a built tree. Fails if something does not work that is not known.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { MongoClient } = require('../../support/driver');
const { startMongod } = require('../../support/mongod');
const { otherProgram } = require('../../../scripts/lib/other-programs');
const { ROOT, main, say, step } = require('../../../scripts/lib/steps');
const { HOSTS, playScenes } = require('./scenes');

/** What is lost there, more often than not; docs/compatibility.md says so. */
const KNOWN = {
  Bun: ['process.exit() over a thread'],
  Deno: ['a worker thread that is terminated', 'process.exit() over a thread'],
};

/** Like a project of its own, in which both packages are installed. */
function makeFolder() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-smoke-'));
  fs.cpSync(HOSTS, folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}');
  fs.mkdirSync(path.join(folder, 'node_modules'));
  const link = (name, target) =>
    fs.symlinkSync(target, path.join(folder, 'node_modules', name), 'junction');
  link('gso-analytics', ROOT);
  link('mongoose', path.join(ROOT, 'node_modules', 'mongoose'));
  return folder;
}

main(async () => {
  const runtimes = {
    Node: [process.execPath],
    Bun: [await otherProgram('bun'), 'run'],
    Deno: [await otherProgram('deno'), 'run', '--allow-all'],
  };
  const server = await startMongod({ say });
  const client = new MongoClient(server.uri);
  const folder = makeFolder();
  const surprises = [];
  try {
    for (const [name, command] of Object.entries(runtimes)) {
      const failed = await step(name, () => playScenes(command, { folder, server, client }));
      const isKnown = (check) => KNOWN[name]?.includes(check);
      if (!failed.every(isKnown)) surprises.push(name);
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
    await client.close();
    await server.stop();
  }
  if (surprises.length > 0)
    throw new Error(`more does not work than is known: ${surprises.join(', ')}`);
});
