// `metrics`, `rollup`, `report` and `delete`: what they answer, and what they write.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { startHost } = require('../../support/host');
const { create, useMongod } = require('../../support/setup');
const { waitFor } = require('../../support/wait');
const { dayOf, event, session, store } = require('../reports/days');
const { MAIN, cli, linesOf, watchedCli } = require('./command');

const mongo = useMongod();
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-cli-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A file for `--options`. */
function optionsFile(options) {
  const file = path.join(folder, 'options.json');
  fs.writeFileSync(file, JSON.stringify(options));
  return file;
}

const NEWER = [
  session('u1', 2),
  session('u1', 1),
  session('u2', 1),
  session('u3', 1, { durationS: null }),
];

/** A database with the sessions of two days, and no report. */
async function played() {
  const database = mongo.database();
  await store(database, { sessions: NEWER, events: [event('credits.earn', 1, { amount: 5 })] });
  return database;
}

describe('metrics', () => {
  it('gives the series of the game that a process of it gives, and writes nothing', async () => {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    analytics.start();
    await analytics.onLogin('ann', 'Ann');
    analytics.track('credits.earn', 'ann', { amount: 5 });
    await analytics.flush();
    const { code, stdout, problems, writes } = await watchedCli(['metrics'], {
      server: mongo.server,
      database,
    });
    assert.deepStrictEqual([code, problems, writes], [0, [], []]);
    assert.match(stdout, /^gso_today_users 1$/m);
    assert.match(stdout, /^gso_today_currency_amount\{currency="credits",flow="source"\} 5$/m);
    assert.doesNotMatch(stdout, /gso_analytics_/);
    const ownLines = (await analytics.getOpenMetrics()).split('\n');
    const stable = linesOf(stdout).filter((line) => !/players_online/.test(line));
    assert.deepStrictEqual(
      stable.filter((line) => !ownLines.includes(line)),
      [],
    );
    await analytics.stop();
  });

  it('gives the older format, too, and fails where the database is away', async () => {
    const { code, stdout } = await cli(['metrics', '--prometheus'], { uri: mongo.database().uri });
    assert.strictEqual(code, 0);
    assert.match(stdout, /^# TYPE gso_today_users gauge$/m);
    assert.doesNotMatch(stdout, /# EOF/);
  });
});

describe('rollup', () => {
  it('reports every day that is due, and today', async () => {
    const database = await played();
    const { code, stdout } = await cli(['rollup', '--json'], { uri: database.uri });
    assert.strictEqual(code, 0);
    const row = JSON.parse(stdout);
    assert.deepStrictEqual([row.day, row.state, row.dau, row.mau30], [dayOf(0), 'open', 0, 3]);
    const days = await database.all('gsoreports', { _id: /^d:/ });
    const yesterday = days.find(({ _id }) => _id === `d:${dayOf(1)}`);
    assert.deepStrictEqual(
      [yesterday.users.dau, yesterday.sessions.count, yesterday.eventsTotal],
      [3, 3, 1],
    );
    assert.strictEqual(await database.count('gsoplayers'), 3);
    assert.strictEqual(await database.count('gsoreports', { _id: /^now:/ }), 0);
  });

  it('reports one day again, and only that, when those before it are reported', async () => {
    const database = await played();
    const rollup = (ago) => cli(['rollup', '--day', dayOf(ago)], { uri: database.uri });
    const refused = await rollup(1);
    assert.strictEqual(refused.code, 1);
    assert.match(refused.stderr, /days before .* have no report yet, 1 from .*report all days/);
    await rollup(2);
    const first = await rollup(1);
    assert.strictEqual(first.code, 0);
    assert.match(first.stdout, /is settling as of .*: users 3, new 2, sessions 3/);
    await database.db.collection('gsosessions').insertOne(session('u4', 1));
    const second = await rollup(1);
    assert.match(second.stdout, /users 4, new 3, sessions 4/);
    const days = await database.all('gsoreports', { _id: /^d:/ });
    assert.deepStrictEqual(
      days.map(({ _id, runs }) => [_id, runs]),
      [
        [`d:${dayOf(2)}`, 1],
        [`d:${dayOf(1)}`, 2],
      ],
    );
  });

  it('says that another process is reporting', async () => {
    const database = await played();
    await cli(['rollup'], { uri: database.uri });
    const reports = database.db.collection('gsoreports');
    // Due again, and in other hands.
    await reports.updateMany(
      { _id: /^d:/ },
      { $set: { asOf: new Date(Date.now() - 8 * 86_400_000) } },
    );
    const until = new Date(Date.now() + 120_000);
    await reports.updateOne({ _id: 'lease' }, { $set: { owner: 'other', until } });
    const host = startHost(MAIN, {
      args: ['rollup'],
      env: { ANALYTICS_MONGODB_URI: database.uri },
    });
    await waitFor(() => host.output.stderr.includes('another process is reporting'));
    host.child.kill('SIGKILL');
    await host.finished;
  });

  it('refuses what is no day', async () => {
    const { code, stderr } = await cli(['rollup', '--day', '2027-02-29'], {
      uri: mongo.database().uri,
    });
    assert.strictEqual(code, 2);
    assert.match(stderr, /day: must be a day of the calendar/);
  });
});

describe('rollup with funnels', () => {
  it('says which index is missing, which it does not make itself', async () => {
    const database = await played();
    await database.db.collection('gsoevents').dropIndexes();
    const steps = ['credits.earn', 'credits.spend'];
    const options = optionsFile({ funnels: { spending: { steps, windowS: 60 } } });
    const { code, stderr } = await cli(['rollup', '--options', options], { uri: database.uri });
    assert.strictEqual(code, 1);
    assert.match(stderr, /reports cannot be made: .*gsoevents has no index on event.*create it/);
  });
});

describe('rollup of a day that is none of the game', () => {
  for (const [name, daysAgo] of Object.entries({
    'to come': -2,
    'before the first session': 400,
  })) {
    it(`${name} reports nothing`, async () => {
      const database = await played();
      const { code, stderr } = await cli(['rollup', '--day', dayOf(daysAgo)], {
        uri: database.uri,
      });
      assert.strictEqual(code, 1);
      assert.match(stderr, /nothing to report of this day/);
      assert.strictEqual(await database.count('gsoreports', { _id: /^d:/ }), 0);
    });
  }
});

describe('reports', () => {
  const own = { excludeUsers: ['u1'] };
  const out = path.join(folder, 'report.html');
  const reported = async (database) =>
    (await database.all('gsoreports', { _id: /^d:/ })).find(({ _id }) => _id === `d:${dayOf(1)}`);

  it('of a game with own settings are not replaced by those of a command without them', async () => {
    const database = await played();
    const given = ['--options', optionsFile(own)];
    await cli(['rollup', ...given], { uri: database.uri });
    const before = await reported(database);
    assert.strictEqual(before.users.dau, 2);
    // What makes the day due again.
    await database.db.collection('gsosessions').insertOne(session('u4', 1));
    const args = ['report', '--out', out, '--days', '3'];
    const without = await watchedCli(args, { server: mongo.server, database });
    assert.deepStrictEqual(without.writes, []);
    assert.match(without.stderr, /no report is made without --options/);
    assert.deepStrictEqual(await reported(database), before);
    const rollup = await cli(['rollup', '--day', dayOf(1), ...given], { uri: database.uri });
    assert.doesNotMatch(rollup.stderr, /default settings/);
    assert.strictEqual((await reported(database)).users.dau, 3);
  });

  it('are made by `report` with --options, by `rollup` under default settings that it names', async () => {
    const database = await played();
    const given = ['--options', optionsFile({})];
    const { stderr } = await cli(['report', '--out', out, ...given], { uri: database.uri });
    assert.doesNotMatch(stderr, /no report is made/);
    assert.strictEqual((await reported(database)).users.dau, 3);
    const rollup = await cli(['rollup'], { uri: database.uri });
    assert.match(rollup.stderr, /reports are made under default settings: .* give --options/);
  });
});

describe('delete', () => {
  async function withAnn() {
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri });
    await analytics.onLogin('ann', 'Ann');
    analytics.track('chat', 'ann', { text: 'hello' });
    analytics.track('chat', 'bob', { text: 'hello' });
    await analytics.stop();
    return database;
  }

  it('does nothing without --yes', async () => {
    const database = await withAnn();
    const { code, stderr, writes } = await watchedCli(['delete', 'ann'], {
      server: mongo.server,
      database,
    });
    assert.deepStrictEqual([code, writes], [2, []]);
    assert.match(stderr, /nothing was deleted: .* --yes/);
    assert.strictEqual(await database.count('gsoevents', { userId: 'ann' }), 1);
  });

  it('deletes the user, and says how much and what it cannot reach', async () => {
    const database = await withAnn();
    const { code, stdout } = await cli(['delete', 'ann', '--yes'], { uri: database.uri });
    assert.strictEqual(code, 0);
    assert.match(stdout, /^deleted: purchases 0, sessions 1, events 1, uniques 2, players 0$/m);
    assert.match(stdout, /^not reached: records of the user in queues/m);
    assert.match(stdout, /^not reached: events that the game forwarded to a destination: erase/m);
    assert.strictEqual(await database.count('gsoevents', { userId: 'ann' }), 0);
    assert.strictEqual(await database.count('gsoevents', { userId: 'bob' }), 1);
    const again = await cli(['delete', 'ann', '--yes', '--json'], { uri: database.uri });
    const { documents, notReached } = JSON.parse(again.stdout);
    assert.deepStrictEqual([documents.events, Array.isArray(notReached)], [0, true]);
    const options = optionsFile({
      webhookUrl: 'http://127.0.0.1:9/',
      destinations: [{ format: 'segment', writeKey: 'key' }],
    });
    const named = await cli(['delete', 'ann', '--yes', '--options', options], {
      uri: database.uri,
    });
    assert.match(named.stdout, /forwarded to webhook: erase/);
    assert.match(named.stdout, /forwarded to segment: erase/);
  });

  it('puts a pseudonym in place of the id with --keep-counts', async () => {
    const database = await withAnn();
    const args = ['delete', 'ann', '--yes', '--keep-counts'];
    const { stdout } = await cli(args, { uri: database.uri });
    assert.match(stdout, /^changed: purchases 0, sessions 1, events 1/m);
    const [found] = await database.events({ userId: /^erased:/ });
    assert.strictEqual(found.event, 'chat');
  });
});
