// Blocks of the documents, run or compiled as they stand there: what a block takes for there is given to it.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { childEnvironment } = require('../../support/environment');
const { runProgram } = require('../../support/setup');
const { compile } = require('../types/compile');
const { ROOT } = require('./documents');

/** Values that stand for something of the reader. */
const STAND_INS = [
  ['mongodb://127.0.0.1:27017/game', ({ uri }) => uri],
  ['/var/spool/my-game', ({ spoolDir }) => spoolDir],
  [/https:\/\/example\.org\b/g, () => 'http://127.0.0.1:9'],
  // The login of the test must not leave this machine.
  ["format: 'gameanalytics',", () => "format: 'gameanalytics', sessions: false,"],
];

/** What a block takes for there, unless it makes it itself. */
const GIVEN = {
  AnalyticsSystem: "import AnalyticsSystem from 'gso-analytics';",
  analytics: "declare const analytics: import('gso-analytics').AnalyticsSystem;",
  account: 'declare const account: { _id: string; name: string };',
};

const folders = [];

/** Removes what `makeFolder` has made. */
function removeFolders() {
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}

function makeFolder(parent) {
  const folder = fs.mkdtempSync(path.join(parent, 'gso-docs-'));
  folders.push(folder);
  return folder;
}

const isShell = ({ text }) => /^db\./m.test(text);
const makes = (text, name) => new RegExp(`\\b(?:const|import) ${name}\\b`).test(text);

/** Runs a block in a server whose mongoose is connected; answers with what its instances say. */
async function runBlock(text, database) {
  const values = { uri: database.uri, spoolDir: makeFolder(os.tmpdir()) };
  const code = STAND_INS.reduce((all, [from, to]) => all.replaceAll(from, to(values)), text);
  const names = Object.keys(GIVEN).filter((name) => !makes(text, name));
  const program = async ({ uri, code, names }, report) => {
    const mongoose = require('mongoose');
    const Original = require('gso-analytics');
    const instances = [];
    class AnalyticsSystem extends Original {
      constructor(options) {
        super(options);
        instances.push(this);
      }
    }
    await mongoose.connect(uri);
    const given = { AnalyticsSystem, account: { _id: new mongoose.Types.ObjectId(), name: 'Ann' } };
    if (names.includes('analytics')) given.analytics = new AnalyticsSystem();
    const requireHere = (name) => (name === 'gso-analytics' ? AnalyticsSystem : require(name));
    const AsyncFunction = (async () => {}).constructor;
    const run = new AsyncFunction('require', ...names, code);
    await run(requireHere, ...names.map((name) => given[name]));
    const seen = [];
    for (const analytics of instances) {
      await analytics.onLogin('seen', 'name');
      await analytics.flush();
      const { accepted, written, rejected, lastError, destinations } = analytics.getHealth();
      seen.push({
        accepted,
        written,
        rejected,
        lastError,
        names: destinations.map((one) => one.name),
      });
      await analytics.stop();
    }
    await mongoose.disconnect();
    report(seen);
  };
  const variables = [...code.matchAll(/process\.env\.(\w+)/g)].map(([, name]) => [name, 'value']);
  const env = childEnvironment(Object.fromEntries(variables));
  return runProgram(program, { given: { uri: database.uri, code, names }, env });
}

/** The same of the variables of a block, in the environment of a server. */
async function runVariables(text, database) {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  const variables = Object.fromEntries(lines.filter(Boolean).map((line) => line.split('=')));
  const program = async (given, report) => {
    const AnalyticsSystem = require('gso-analytics');
    const analytics = new AnalyticsSystem(given);
    report(analytics.getHealth().destinations.map(({ format }) => format));
    await analytics.stop();
  };
  const env = childEnvironment(variables);
  return runProgram(program, { given: { uri: database.uri }, env });
}

/** A block as a module of its own. */
function moduleOf(text) {
  const given = Object.keys(GIVEN).filter((name) => !makes(text, name));
  const declarations = given.map((name) => GIVEN[name]).join('\n');
  const required = /^const AnalyticsSystem = require\('gso-analytics'\);$/m;
  return `${declarations}\n${text.replace(required, GIVEN.AnalyticsSystem)}\nexport {};\n`;
}

/** Errors that the compiler finds in blocks; for all at once, as it takes long to begin. */
function compileBlocks(texts, { isStrict }) {
  const folder = makeFolder(path.join(ROOT, 'target'));
  const names = texts.map((_, number) => `block${number}.mts`);
  for (const [number, name] of names.entries()) {
    fs.writeFileSync(path.join(folder, name), moduleOf(texts[number]));
  }
  const options = { module: 'nodenext', moduleResolution: 'nodenext', types: ['node'] };
  // To JavaScript a variable of the environment may be missing.
  const loose = { strict: false, exactOptionalPropertyTypes: false };
  return compile(folder, names, isStrict ? options : { ...options, ...loose });
}

async function runShell(text, db) {
  const collections = new Proxy({}, { get: (_, name) => db.collection(name) });
  const awaited = text.replace(/^db\./gm, 'await db.');
  const AsyncFunction = (async () => {}).constructor;
  await new AsyncFunction('db', 'userId', awaited)(collections, 'ann');
}

module.exports = {
  compileBlocks,
  isShell,
  makeFolder,
  removeFolders,
  runBlock,
  runShell,
  runVariables,
};
