// The command says how it is used, and ends with the code that the help names.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { COMMANDS } = require('../../../lib/cli/commands');
const { NOBODY, useMongod } = require('../../support/setup');
const { startHost } = require('../../support/host');
const { waitFor } = require('../../support/wait');
const { MAIN, cli } = require('./command');
const { version } = require('../../../package.json');

const mongo = useMongod();
const SECRET = 'hunter2secret';
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-cli-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const OK = 0;
const FAILED = 1;
const USAGE = 2;

describe('help', () => {
  it('lists every command, and says how each is used', async () => {
    const { code, stdout, stderr } = await cli(['--help']);
    assert.deepStrictEqual([code, stderr], [OK, '']);
    for (const [name, { summary }] of Object.entries(COMMANDS)) {
      assert.ok(stdout.includes(name) && stdout.includes(summary), name);
      const [help, again] = await Promise.all([cli([name, '--help']), cli(['help', name])]);
      assert.deepStrictEqual([help.code, help.stderr], [OK, '']);
      assert.match(help.stdout, new RegExp(`^Usage: gso-analytics ${name} .*\\[options\\]$`, 'm'));
      assert.strictEqual(again.stdout, help.stdout);
      const long = help.stdout.split('\n').filter((line) => line.length > 100);
      assert.deepStrictEqual(long, []);
    }
  });

  it('goes to stderr when no command is given', async () => {
    const { code, stdout, stderr } = await cli([]);
    assert.deepStrictEqual([code, stdout], [USAGE, '']);
    assert.match(stderr, /^Usage: gso-analytics <command>/m);
  });

  it('gives the version', async () => {
    const { code, stdout } = await cli(['--version']);
    assert.deepStrictEqual([code, stdout], [OK, `${version}\n`]);
  });
});

const withFile = (file) => ['export', 'ann', '--uri', NOBODY, '--options', file];
let files = 0;
function fileOf(text) {
  files += 1;
  const file = path.join(folder, `wrong-${files}.json`);
  fs.writeFileSync(file, text);
  return file;
}

describe('wrong usage', () => {
  const uri = `mongodb://user:${SECRET}@127.0.0.1:1/game`;
  const wrong = [
    { args: ['nonsense'], says: /unknown command nonsense/ },
    { args: [uri], says: /unknown command:/ },
    { args: ['--nonsense'], says: /the first argument must be a command/ },
    { args: ['export'], says: /export takes one argument, <user>/ },
    { args: ['export', 'ann', uri], says: /export takes one argument, <user>/ },
    { args: ['export', 'ann', '--urii', uri], says: /Unknown option '--urii'/ },
    { args: ['export', 'ann', `--urii=${uri}`], says: /Unknown option '--urii'/ },
    { args: ['export', 'ann', `--${uri}`], says: /Unknown option '--mongodb':/ },
    { args: ['export', 'ann', '--uri'], says: /'--uri <value>' argument missing/ },
    { args: ['export', 'ann'], says: /which database\? Set ANALYTICS_MONGODB_URI/ },
    { args: ['export', 'ann', '--uri', `mongo://u:${SECRET}@h`], says: /uri: / },
    { args: ['export', 'ann', '--uri', NOBODY, '--database', 'a b'], says: /database: must be/ },
    { args: withFile(folder), says: /--options: the file cannot be read: EISDIR/ },
    { args: withFile(uri), says: /--options: the file cannot be read: ENOENT/ },
    { args: withFile(fileOf('null')), says: /--options: the file must hold a JSON object/ },
    { args: withFile(fileOf('["gold"]')), says: /--options: the file must hold a JSON object/ },
    { args: withFile(fileOf(SECRET)), says: /--options: the file is not JSON/ },
    {
      args: withFile(fileOf(`{"uri": "${SECRET}" "database": "game"}`)),
      says: /--options: the file is not JSON, at position 24$/m,
    },
  ];
  for (const { args, says } of wrong) {
    const shown = args.map((arg) => arg.replace(SECRET, '…')).join(' ');
    it(`is told, and quotes no secret: ${shown}`, async () => {
      const { code, stdout, stderr } = await cli(args);
      assert.match(stderr, says);
      assert.deepStrictEqual([code, stdout], [USAGE, '']);
      assert.ok(!stderr.includes(SECRET), stderr);
    });
  }
});

describe('a connection', () => {
  it('is named by the environment or by an option, which wins', async () => {
    const database = mongo.database();
    await database.db.collection('gsoevents').createIndex({ userId: 1 });
    await database.db.collection('gsoevents').insertOne({ userId: 'ann', event: 'chat' });
    const other = mongo.database();
    for (const [args, env] of [
      [[], { ANALYTICS_MONGODB_URI: database.uri }],
      [[], { MONGODB_URI: database.uri }],
      [['--uri', database.uri], { ANALYTICS_MONGODB_URI: other.uri }],
      [['--database', database.name], { ANALYTICS_MONGODB_URI: other.uri }],
    ]) {
      const { code, stdout } = await cli(['export', 'ann', ...args], { env });
      assert.strictEqual(code, OK);
      assert.match(stdout, /"collection":"events"/);
    }
  });

  it('takes the names of collections from a file with the options of the game', async () => {
    const database = mongo.database();
    await database.db.collection('events').createIndex({ userId: 1 });
    await database.db.collection('events').insertOne({ userId: 'ann', event: 'chat' });
    const file = path.join(folder, 'options.json');
    fs.writeFileSync(file, JSON.stringify({ collections: { events: 'events' } }));
    const { stdout } = await cli(['export', 'ann', '--options', file], { uri: database.uri });
    assert.match(stdout, /"event":"chat"/);
  });

  it('that fails ends the command with 1, tells why, and shows progress meanwhile', async () => {
    const env = { ANALYTICS_MONGODB_URI: NOBODY };
    const file = path.join(folder, 'short.json');
    fs.writeFileSync(file, '{"operationTimeoutMs": 3000}');
    const { code, stdout, stderr } = await cli(['export', 'ann', '--options', file], { env });
    assert.deepStrictEqual([code, stdout], [FAILED, '']);
    assert.match(stderr, /reading, 0 documents so far \(1 s\)/);
    assert.match(stderr, /exportUser\(\) was not finished after 3000 ms/);
  });

  it('with a password in --uri is warned of, and not shown in lists of processes', async () => {
    const uri = `mongodb://user:${SECRET}@127.0.0.1:1/game`;
    const host = startHost(MAIN, { args: ['export', 'ann', '--uri', uri] });
    await waitFor(() => host.output.stderr.includes('set ANALYTICS_MONGODB_URI instead'));
    if (process.platform === 'linux') {
      const shown = fs.readFileSync(`/proc/${host.pid}/cmdline`, 'utf8');
      assert.ok(!shown.includes(SECRET), shown);
    }
    host.child.kill();
    const { stderr } = await host.finished;
    assert.ok(!stderr.includes(SECRET), stderr);
  });
});
