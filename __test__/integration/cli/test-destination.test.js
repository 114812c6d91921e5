// `test-destination` sends one event that says that it is a test, and tells what the receiver answered.
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, describe, it } = require('node:test');
const { RECEIVERS, faults, startReceiver } = require('../forwarding/setup');
const { cli, linesOf } = require('./command');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gso-test-destination-'));
after(() => fs.rmSync(folder, { recursive: true, force: true }));

const secret = 'a secret of the game, never told';
const UUID = /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

let files = 0;
/** `{ receiver, test(more) }`: a destination named `one`, and a run of the command. */
async function withDestination(format, fields = {}) {
  const receiver = await startReceiver(format);
  const to = { ...RECEIVERS[format].at(receiver), ...fields, name: 'one' };
  files += 1;
  const file = path.join(folder, `options-${files}.json`);
  fs.writeFileSync(file, JSON.stringify({ destinations: [to] }));
  const test = (more = []) => cli(['test-destination', 'one', '--options', file, ...more]);
  return { receiver, test };
}

describe('test-destination', { concurrency: 2 }, () => {
  for (const format of Object.keys(RECEIVERS)) {
    it(`sends one event, which says that it is a test: ${format}`, async () => {
      const { receiver, test } = await withDestination(format, { deny: ['gso-analytics.test'] });
      const { code, stdout, problems } = await test(['--json']);
      assert.deepStrictEqual([code, problems], [0, []]);
      const { id, answer, status, ...tested } = JSON.parse(stdout);
      assert.match(id, UUID);
      assert.ok(status >= 200 && status < 300 && typeof answer === 'string');
      assert.deepStrictEqual(tested, {
        ...{ destination: 'one', format, event: 'gso-analytics.test', verdict: 'taken' },
        problem: null,
      });
      const [event, ...more] = receiver.taken;
      assert.deepStrictEqual([more, receiver.violations], [[], []]);
      assert.deepStrictEqual(
        [event.event, event.user, String(event.data.test)],
        ['gso-analytics.test', 'gso-analytics-test', 'true'],
      );
      if (format !== 'raw') assert.strictEqual(event.id, id);
    });
  }

  for (const [what, fault, verdict, says] of [
    [
      'a wrong key',
      faults.status(401, { body: 'no such\nkey' }),
      'misconfigured',
      /: 401, no such key$/m,
    ],
    ['a bad event', faults.status(422), 'refused', /^It answered: 422$/m],
    ['a busy receiver', faults.status(503), 'away', /^It answered: 503$/m],
    ['a receiver that is gone', faults.status(410), 'gone', /^It answered: 410$/m],
    ['no answer', faults.reset, 'away', /^It answered: no answer\nProblem: \w+/m],
  ]) {
    it(`tells of ${what}, once`, async () => {
      const { receiver, test } = await withDestination('raw');
      receiver.failAlways(fault);
      const { code, stdout } = await test();
      assert.strictEqual(code, 1);
      assert.match(stdout, says);
      assert.match(stdout, /^It means: .+/m);
      assert.strictEqual(receiver.requests.length, 1);
      const { verdict: told } = JSON.parse((await test(['--json'])).stdout);
      assert.strictEqual(told, verdict);
    });
  }

  it('keeps the privacy of the destination, and quotes no secret', async () => {
    const fields = { redactKeys: ['note'], hashUserId: { secret }, name: 'one' };
    const { receiver, test } = await withDestination('segment', {
      ...fields,
      writeKey: 'hunter2hunter2',
    });
    receiver.failAlways(faults.status(400, { body: 'the key hunter2hunter2 is not known' }));
    const { code, stdout, stderr } = await test();
    assert.strictEqual(code, 1);
    assert.match(stdout, /400, the key … is not known/);
    assert.doesNotMatch(stdout + stderr, /hunter2/);
    assert.doesNotMatch(receiver.requests[0].text, /gso-analytics-test|nothing happened/);
  });

  it('takes the destination of the environment, and says which there are', async () => {
    const receiver = await startReceiver('raw');
    const env = { ANALYTICS_WEBHOOK_URL: `${receiver.url}/hook` };
    const { code, stdout } = await cli(['test-destination', 'webhook'], { env });
    assert.strictEqual(code, 0);
    assert.deepStrictEqual(linesOf(stdout).slice(1), ['It answered: 204', 'It means: it is taken']);
    const other = await cli(['test-destination', 'nobody'], { env });
    assert.strictEqual(other.code, 2);
    assert.match(other.stderr, /destination: must be one of webhook/);
  });
});
