// Users of the database with few rights: who may only read is enough for what only reads, and `doctor` names what
// lacks.
'use strict';

const assert = require('node:assert');
const { before, describe, it } = require('node:test');
const { create, useMongod } = require('../../support/setup');
const { dayOf } = require('../reports/days');
const { cli } = require('./command');

const mongo = useMongod({ auth: true });
const PASSWORD = 'hunter2secret';

describe('a user of the database', () => {
  let database;
  before(async () => {
    database = mongo.database();
    const { analytics } = create({ uri: await userOf('game', ['readWrite']), presence: 'off' });
    analytics.start();
    await analytics.onLogin('ann', 'Ann');
    await analytics.getActivity({ days: 1 });
    await analytics.stop();
  });

  async function userOf(name, roles, password = PASSWORD) {
    await database.db.command({ createUser: name, pwd: PASSWORD, roles });
    return `mongodb://${name}:${password}@${mongo.server.hosts}/${database.name}?authSource=${database.name}`;
  }

  const doctor = async (uri) => {
    const { code, stdout, stderr } = await cli(['doctor', '--json'], { uri });
    assert.ok(!stdout.includes(PASSWORD) && !stderr.includes(PASSWORD));
    return { code, findings: JSON.parse(stdout).findings };
  };

  it('who may only read is enough to look, and reports cannot be made', async () => {
    const uri = await userOf('reader', ['read']);
    const { code, findings } = await doctor(uri);
    const rights = findings.find(({ check }) => check === 'rights');
    assert.deepStrictEqual(
      [code, rights.state, rights.found],
      [0, 'note', 'the user reader may only read'],
    );
    for (const args of [['metrics'], ['export', 'ann']]) {
      const end = await cli(args, { uri });
      assert.deepStrictEqual([end.code, end.problems], [0, []], args[0]);
      assert.ok(end.stdout.length > 100, args[0]);
    }
    for (const args of [
      ['rollup', '--day', dayOf(0)],
      ['delete', 'ann', '--yes'],
    ]) {
      const end = await cli(args, { uri });
      assert.strictEqual(end.code, 1, args[0]);
      assert.match(end.stderr, /not authorized|lacks the right/);
      assert.ok(!end.stderr.includes(PASSWORD));
    }
  });

  it('whose rights are too few for a game is told which lack', async () => {
    const collection = (name) => ({ db: database.name, collection: name });
    const privileges = [
      { resource: collection(''), actions: ['find', 'listIndexes', 'collStats'] },
      { resource: collection('gsoevents'), actions: ['insert', 'update'] },
    ];
    await database.db.command({ createRole: 'poor', privileges, roles: [] });
    const poor = await userOf('poor', ['poor']);
    const { code, findings } = await doctor(poor);
    assert.strictEqual(code, 1);
    const wrong = findings.filter(({ state }) => state === 'wrong');
    assert.ok(wrong.every(({ check }) => check === 'rights'));
    const found = wrong.map((one) => one.found);
    assert.ok(found.includes('the user poor lacks insert, update on gsosessions'), found.join());
    // The game has stored no purchase.
    const unused = findings.find((one) => /lacks insert on gsopurchases$/.test(one.found));
    assert.strictEqual(unused.state, 'note');
    await database.db.collection('gsopurchases').insertOne({ userId: 'ann' });
    const { findings: later } = await doctor(poor);
    const used = later.find((one) => /lacks insert on gsopurchases$/.test(one.found));
    assert.strictEqual(used.state, 'wrong');
    assert.ok(!found.some((text) => text.includes('gsoevents')));
  });

  it('with a wrong password is refused, and no password is shown', async () => {
    const uri = await userOf('wrong', ['read'], 'hunter3secret');
    const { code, stdout, stderr } = await cli(['doctor'], { uri });
    assert.deepStrictEqual([code, stdout], [1, '']);
    assert.match(stderr, /[Aa]uthentication failed/);
    assert.ok(!stderr.includes('hunter3secret'));
  });
});
