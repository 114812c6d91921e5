// Every block of code and every command of the documents is run, compiled or known to the gate, and
// every link leads somewhere.
'use strict';

const assert = require('node:assert');
const { exec, execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { childEnvironment } = require('../../support/environment');
const { RECEIVERS } = require('../../support/receivers');
const yaml = require('js-yaml');
const documents = require('./documents');
const {
  compileBlocks,
  isShell,
  makeFolder,
  removeFolders,
  runBlock,
  runShell,
  runVariables,
} = require('./run-blocks');
const { useMongod } = require('../../support/setup');

const { ROOT } = documents;
const { bin, scripts } = require('../../../package.json');
const mongo = useMongod();
const pages = documents.readPages();
const sources = documents.readSources();
after(removeFolders);

/** What is wrong with the sentences of a page. */
function problemsOfProse(page) {
  return [
    ...documents.brokenLinks(page, pages),
    ...documents.missingPaths(page),
    ...documents.unknownScripts(page, scripts),
    ...documents.unknownLines(page, sources),
  ];
}

/** Commands of blocks, and what stands for them in the sources of the gate, which so runs them. */
const COMMANDS = {
  'npm ci && npm run build': 'npm ci && npm run build',
  'npm install ../gso-analytics': 'npm install "$here"',
  'npm install gso-analytics': 'npm run test:install',
  'npm run build:debug': "'build:debug'",
  'npm run demo': 'npm run demo',
  'npm run test:js -- health': 'npm run test:js -- health',
  'npm run test:rust -- forward': "'scripts/gate/rust.js'",
  'npm test': 'npm test',
};
/** Those of a release, which are run below, in a copy. */
const RELEASE_COMMANDS = [
  'cargo update --workspace',
  'npm version --no-git-tag-version 0.1.0',
  'npx napi create-npm-dirs',
  'npm run build',
];

/** The commands of a block, and its variables apart. */
function commandsOf({ text }) {
  const lines = text.split('\n').filter((line) => !/^\s*(?:#|$)/.test(line));
  const isVariable = (line) => /^[A-Z_]+=/.test(line);
  const bare = lines.map((line) => line.replace(/ +#.*/, '').trim());
  return {
    commands: bare.filter((line) => !isVariable(line)),
    isVariables: bare.every(isVariable),
  };
}

/** Every file of the gate in one text. */
function readGate() {
  const files = fs.readdirSync(path.join(ROOT, 'scripts'), { recursive: true });
  const sources = files.filter((name) => name.endsWith('.js'));
  const names = ['.ci/run', ...sources.map((name) => path.join('scripts', name))];
  return names.map((name) => fs.readFileSync(path.join(ROOT, name), 'utf8')).join('\n');
}

/** A command of the package: it is run. */
const isOurs = (line) => /^(?:npx )?gso-analytics /.test(line);
/** It runs until it is stopped. */
const isServer = (line) => /gso-analytics dashboard\b/.test(line);
const SERVED_MS = 5_000;
const isExport = (line) => /^export [A-Z_]+=/.test(line);

/** Runs commands of the package in a folder of their own, on a database in which somebody has played. */
async function runOurs(lines) {
  if (lines.length === 0) return;
  const database = mongo.database();
  await runBlock("analytics.start(); await analytics.onLogin('ann', 'Ann');", database);
  if (lines.some((line) => line.includes('rollup --day'))) {
    // The day of an example is one of the game.
    const loginAt = new Date('2026-01-01T10:00:00.000Z');
    const session = { userId: 'bob', username: 'Bob', loginAt, day: '2026-01-01' };
    await database.db.collection('gsosessions').insertOne(session);
  }
  const cwd = makeFolder(os.tmpdir());
  const receivers = await writeOptions(path.join(cwd, 'game.json'));
  const env = childEnvironment({ ANALYTICS_MONGODB_URI: database.uri });
  for (const line of lines) {
    const main = `"${process.execPath}" "${path.join(ROOT, bin['gso-analytics'])}"`;
    const command = line.replace(/^(?:npx )?gso-analytics/, () => main);
    const run = { cwd, env, shell: true, encoding: 'utf8' };
    if (isServer(line)) {
      const { stdout, stderr } = spawnSync(`exec ${command} --port 0`, {
        ...run,
        timeout: SERVED_MS,
      });
      assert.match(stdout, /^http:\/\/127\.0\.0\.1:\d+\/#token=/, `${line}\n${stderr}`);
      continue;
    }
    const { code, stderr } = await executed(command, { cwd, env });
    assert.strictEqual(code, 0, `${line}\n${stderr}`);
  }
  await Promise.all(receivers.map((receiver) => receiver.close()));
}

/** Options of a game with the destinations of the documents, to which somebody listens. */
async function writeOptions(file) {
  const [raw, mixpanel] = await Promise.all(
    ['raw', 'mixpanel'].map((format) => RECEIVERS[format].start()),
  );
  const destinations = [RECEIVERS.mixpanel.at(mixpanel)];
  const options = { webhookUrl: RECEIVERS.raw.at(raw).url, destinations };
  fs.writeFileSync(file, JSON.stringify(options));
  return [raw, mixpanel];
}

/** Lets receivers answer meanwhile. */
function executed(command, options) {
  return new Promise((resolve) => {
    exec(command, options, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** Why nobody runs a command; nothing where the gate does. */
function problemsOf(command) {
  if (RELEASE_COMMANDS.includes(command) || isOurs(command) || isExport(command)) return [];
  const text = COMMANDS[command];
  if (text === undefined) return [`no step of the gate is known to run: ${command}`];
  return readGate().includes(text) ? [] : [`the gate has no "${text}", which runs: ${command}`];
}

const CHECKS = {
  async js(block) {
    const database = mongo.database();
    if (isShell(block)) {
      await runShell(block.text, database.db);
      return;
    }
    const { result, stderr } = await runBlock(block.text, database);
    assert.strictEqual(stderr, '', 'a block of the documents causes no warning');
    for (const { accepted, written, rejected, lastError } of result) {
      assert.deepStrictEqual([written, rejected, lastError], [accepted, {}, undefined]);
    }
  },

  /** Compiled below. */
  ts() {},

  json: ({ text }) => void JSON.parse(text),

  async diff({ text }) {
    const added = text.split('\n').filter((line) => line.startsWith('+'));
    assert.strictEqual(added.length, 1);
    await CHECKS.js({ text: `${added[0].slice(1)}\nnew AnalyticsSystem();` });
  },

  async sh(block) {
    const { commands, isVariables } = commandsOf(block);
    assert.deepStrictEqual(commands.flatMap(problemsOf), []);
    await runOurs(commands.filter(isOurs));
    if (!isVariables) return;
    const { result, stderr } = await runVariables(block.text, mongo.database());
    assert.deepStrictEqual([result.length, stderr], [1, '']);
  },

  /** A configuration of Prometheus, or rules; `promtool` reads them where it is installed. */
  yaml({ text }) {
    assert.ok(yaml.load(text));
    const file = path.join(makeFolder(os.tmpdir()), 'prometheus.yml');
    fs.writeFileSync(file, `${text}\n`);
    const kind = /^groups:/m.test(text) ? 'rules' : 'config';
    const { error, status, stderr } = spawnSync('promtool', ['check', kind, file], {
      encoding: 'utf8',
    });
    if (!error) assert.strictEqual(status, 0, stderr);
  },

  /** Pictures of folders and the like. */
  text() {},
};

describe('the blocks of all documents', () => {
  const blocks = pages.flatMap(documents.blocksOf);
  for (const [language, isStrict] of [
    ['js', false],
    ['ts', true],
  ]) {
    it(`compile against the declarations: ${language}`, () => {
      const ours = blocks.filter((block) => block.language === language && !isShell(block));
      assert.ok(ours.length > 0);
      assert.strictEqual(
        compileBlocks(
          ours.map(({ text }) => text),
          { isStrict },
        ),
        '',
      );
    });
  }
});

for (const page of pages) {
  describe(page.name, () => {
    for (const block of documents.blocksOf(page)) {
      it(`has a block in line ${block.line} that works: ${block.language}`, async () => {
        assert.ok(Object.hasOwn(CHECKS, block.language), `unknown language "${block.language}"`);
        await CHECKS[block.language](block);
      });
    }

    it('has links, paths, npm scripts and log lines that exist', () => {
      assert.deepStrictEqual(problemsOfProse(page), []);
    });
  });
}

describe('the table of commands', () => {
  it('has none that no document has', () => {
    const shells = pages.flatMap(documents.blocksOf).filter(({ language }) => language === 'sh');
    const used = new Set(shells.flatMap((block) => commandsOf(block).commands));
    const known = [...Object.keys(COMMANDS), ...RELEASE_COMMANDS];
    assert.deepStrictEqual(
      known.filter((command) => !used.has(command)),
      [],
    );
  });
});

describe('RELEASING.md', () => {
  it('has commands that bring a version everywhere', () => {
    const folder = makeFolder(os.tmpdir());
    const copied = ['Cargo.toml', 'Cargo.lock', 'package.json', 'package-lock.json', 'npm', 'src'];
    for (const name of copied) {
      fs.cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true });
    }
    const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
    const manifest = read('Cargo.toml').replace(/^version = ".*"$/m, 'version = "9.8.7"');
    fs.writeFileSync(path.join(folder, 'Cargo.toml'), manifest);
    const run = (program, ...args) =>
      execFileSync(program, args, { cwd: folder, stdio: 'pipe', shell: os.platform() === 'win32' });
    run('cargo', 'update', '--workspace', '--offline');
    run('npm', 'version', '--no-git-tag-version', '9.8.7');
    run(path.join(ROOT, 'node_modules', '.bin', 'napi'), 'create-npm-dirs');
    assert.match(read('Cargo.lock'), /name = "gso-analytics"\nversion = "9\.8\.7"/);
    for (const name of ['package.json', 'package-lock.json', 'npm/linux-x64-gnu/package.json']) {
      assert.strictEqual(JSON.parse(read(name)).version, '9.8.7', name);
    }
  });
});

describe('README.md', () => {
  it('has at most 150 lines, and leads to every page of docs', () => {
    const readme = pages.find(({ name }) => name === 'README.md');
    assert.ok(readme.text.split('\n').length <= 151);
    for (const { name } of pages.filter((page) => page.name.startsWith('docs/'))) {
      assert.ok(readme.text.includes(`(${name})`), name);
    }
  });
});

describe('the check of the documents finds', () => {
  const pageOf = (text) => ({ name: 'docs/page.md', text });
  const problemsIn = (text) => problemsOfProse(pageOf(text));

  it('a link without its file or heading, and names of what is not there', () => {
    assert.deepStrictEqual(
      problemsIn('# A b\n[a](#a-b) [b](../README.md#install) `lib/` `npm test`'),
      [],
    );
    assert.strictEqual(problemsIn('[a](nowhere.md)').length, 1);
    assert.strictEqual(problemsIn('# A b\n[a](#a--b) [b](../README.md#instal)').length, 2);
    assert.strictEqual(problemsIn('`src/nothing.rs` and `npm run nothing`').length, 2);
    assert.strictEqual(problemsIn('The warning `nothing is wrong`').length, 1);
  });

  it('a command that no step of the gate runs', () => {
    const [block] = documents.blocksOf(pageOf('```sh\nnpm run demo:fast # quick\n```'));
    assert.strictEqual(commandsOf(block).commands.flatMap(problemsOf).length, 1);
  });

  it('a block that throws, warns, is refused, or does not compile', async () => {
    const js = (text) => CHECKS.js({ text });
    await assert.rejects(js('new AnalyticsSystem({ flushInterval: 5 });'), /flushInterval/);
    await assert.rejects(js("throw new Error('no');"), /no/);
    await assert.rejects(js('analytics.track("a", "u", { a: 2n ** 70n });'), /BigInt/);
    await assert.rejects(js('analytics.tracks("a");'), /tracks/);
    const wrong = ['analytics.getHealth().settings;', 'const a: string = 5;'];
    assert.match(compileBlocks(wrong, { isStrict: true }), /settings[\s\S]*'string'/);
    await assert.rejects(CHECKS.sh({ text: 'ANALYTICS_WEBHOOK_FORMAT=fax' }), /one of raw/);
  });
});
