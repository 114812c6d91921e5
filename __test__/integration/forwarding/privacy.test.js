// What a destination is not to know does not reach it: not at once, not in another attempt, not out of a
// spool after a crash.
'use strict';

const assert = require('node:assert');
const { createHmac } = require('node:crypto');
const { describe, it } = require('node:test');
const spools = require('../spool/setup');
const { NOBODY, RECEIVERS, create, delivered, faults, forwardTo, useMongod } = require('./setup');
const { isThrough, startReceivers, untilTaken } = require('./spooled');

const { freshFolder, startServer, untilOnDisk } = spools;
const FORMATS = Object.keys(RECEIVERS);
const SECRET = 's3cr3t';
const secret = 'a secret of the game, never told';
const PRIVATE = { redactKeys: ['email', 'deep.secret'], hashUserId: { secret } };

const mongo = useMongod();
const hashOf = (user) => createHmac('sha256', secret).update(user).digest('hex');
const textOf = ({ requests }) =>
  requests.map(({ path, headers, text }) => path + JSON.stringify(headers) + text).join('\n');

describe('a destination with redactKeys and hashUserId', { concurrency: true }, () => {
  for (const format of FORMATS) {
    it(`gets neither the values nor the user ids: ${format}`, async () => {
      const { receiver, analytics } = await forwardTo(format, PRIVATE);
      receiver.fail(faults.status(503), faults.loseAnswer);
      const data = {
        ...{ n: 1.5, email: SECRET, secret: 'told' },
        deep: { secret: SECRET, n: 2, list: [{ email: { at: [SECRET] } }, 'ü'] },
      };
      analytics.track('quest.done', 'ann@home', data);
      analytics.track('quest.done', undefined, data);
      await delivered(analytics);
      const { user, data: taken } = receiver.taken.find((event) => event.user !== '');
      assert.strictEqual(user, hashOf('ann@home'));
      const left = { n: 1.5, secret: 'told', deep: { n: 2, list: [{}, 'ü'] } };
      if (format !== 'gameanalytics') assert.deepStrictEqual(taken, left);
      assert.ok(receiver.requests.length > 2);
      assert.doesNotMatch(textOf(receiver), /s3cr3t|ann@home/);
      assert.deepStrictEqual(receiver.violations, []);
    });

    it(`gets them neither out of a spool after a crash: ${format}`, async () => {
      const fields = { ...PRIVATE, redactKeys: ['filler'] };
      const { receivers, destinations } = await startReceivers([format], fields);
      const receiver = receivers[format];
      const options = { uri: NOBODY, spoolDir: freshFolder(), destinations };
      receiver.failAlways(faults.status(503));
      const first = await startServer(options);
      await first.tell('track', { count: 200, filler: SECRET });
      await untilOnDisk(options.spoolDir, 199);
      await receiver.waitForRequests(1);
      await first.kill();
      receiver.failAlways(undefined);
      const second = await startServer(options);
      await untilTaken(receiver, 200);
      await second.until(isThrough);
      await second.kill();
      assert.doesNotMatch(textOf(receiver), /s3cr3t|"u\d+"/);
      const users = new Set(receiver.taken.map(({ user }) => user));
      assert.ok(users.has(hashOf('u0')) && users.size === 50, `${users.size} users`);
    });
  }
});

describe('privacy', { concurrency: true }, () => {
  it('is that of one destination: the others and MongoDB get everything', async () => {
    const { receivers, destinations } = await startReceivers(['raw', 'segment']);
    Object.assign(destinations[1], PRIVATE);
    const database = mongo.database();
    const { analytics } = create({ uri: database.uri, destinations });
    analytics.track('quest.done', 'ann', { email: SECRET });
    await analytics.flush();
    await analytics.stop();
    assert.match(textOf(receivers.raw), /"userId":"ann","data":\{"email":"s3cr3t"\}/);
    assert.doesNotMatch(textOf(receivers.segment), /s3cr3t|"ann"/);
    const stored = await database.db.collection('gsoevents').findOne();
    assert.deepStrictEqual([stored.userId, stored.data], ['ann', { email: SECRET }]);
  });

  it('knows a user whose id is a number as the one that is stored', async () => {
    const { receiver, analytics } = await forwardTo('raw', PRIVATE);
    analytics.track('quest.done', 7, {});
    analytics.track('quest.done', '7', {});
    analytics.track('quest.done', '', {});
    await delivered(analytics);
    const users = receiver.taken.map(({ user }) => user).sort();
    assert.deepStrictEqual(users, ['', hashOf('7'), hashOf('7')]);
  });

  for (const [field, value] of [
    ['redactKeys', 'email'],
    ['redactKeys', ['']],
    ['redactKeys', Array(101).fill('a')],
    ['hashUserId', true],
    ['hashUserId', { secret: 'too short' }],
    ['hashUserId', { secret, salt: 'x' }],
  ]) {
    it(`refuses ${field}: ${JSON.stringify(value).slice(0, 40)}`, () => {
      const destinations = [{ url: 'http://127.0.0.1:9/', [field]: value }];
      const message = new RegExp(`destinations\\[0\\]\\.${field}: must be`);
      assert.throws(() => create({ destinations }), { name: 'TypeError', message });
    });
  }
});
