// Logins and logouts as events, for destinations that want them.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const spools = require('../spool/setup');
const { NOBODY, RECEIVERS, create, delivered, faults, forwardTo, waitFor } = require('./setup');
const { startReceivers } = require('./spooled');

const { freshFolder, startServer, untilOnDisk } = spools;
const PLAIN = ['raw', 'mixpanel', 'segment', 'posthog'];
const SESSION = /^[\da-f]{24}$/;

/** A session with an event in it; MongoDB is away, so nobody waits for the acknowledgements. */
function play(analytics, user = 'ann') {
  analytics.onLogin(user, `name of ${user}`).catch(() => {});
  analytics.track('quest.done', user, { n: 1 });
  analytics.onLogout(user).catch(() => {});
}

const namesOf = (receiver) => receiver.distinct.map(({ event }) => event);

describe('a destination with sessions', { concurrency: true }, () => {
  for (const format of PLAIN) {
    it(`gets logins and logouts between the user's events: ${format}`, async () => {
      const { receiver, analytics } = await forwardTo(format, { sessions: true });
      receiver.fail(faults.status(503));
      const before = Date.now();
      play(analytics);
      await delivered(analytics, 3);
      assert.deepStrictEqual(receiver.violations, []);
      assert.deepStrictEqual(namesOf(receiver), ['session.start', 'quest.done', 'session.end']);
      const [start, , end] = receiver.distinct;
      assert.match(start.data.sessionId, SESSION);
      assert.deepStrictEqual(start.data, { sessionId: start.data.sessionId });
      assert.deepStrictEqual(end.data, { sessionId: start.data.sessionId, durationS: 0 });
      assert.deepStrictEqual([start.user, end.user], ['ann', 'ann']);
      assert.ok(start.at >= before && end.at >= start.at && end.at <= Date.now());
      assert.doesNotMatch(JSON.stringify(receiver.taken), /name of ann/);
      assert.notStrictEqual(start.id, end.id);
    });
  }

  it('gets them in the form of Amplitude, whose sessions are named by their beginning', async () => {
    const { receiver, analytics } = await forwardTo('amplitude', { sessions: true });
    play(analytics);
    await delivered(analytics, 3);
    assert.deepStrictEqual(receiver.violations, []);
    assert.deepStrictEqual(namesOf(receiver), ['session_start', 'quest.done', 'session_end']);
    const { events } = JSON.parse(receiver.requests[0].text);
    const [id, ...others] = events.map((event) => event.session_id);
    assert.ok(Math.abs(id - events[0].time) <= 1_000, `${id}`);
    assert.deepStrictEqual(others, [id, id]);
  });

  it('gets them as session events of GameAnalytics, without being asked', async () => {
    const { receiver, analytics } = await forwardTo('gameanalytics');
    play(analytics);
    analytics.track('quest.done', 'bob', { n: 2 });
    await delivered(analytics, 4);
    assert.deepStrictEqual(receiver.violations, []);
    const facts = receiver.distinct.map(({ fact }) => fact);
    const categories = facts.map(({ category }) => category);
    assert.deepStrictEqual(categories, ['user', 'design', 'session_end', 'design']);
    assert.strictEqual(facts[2].length, 0);
    const [first, ...sessions] = facts.map((fact) => fact.session_id);
    assert.deepStrictEqual(sessions.slice(0, 2), [first, first]);
    assert.notStrictEqual(sessions[2], first);
  });

  it('gets them whatever names it allows and denies', async () => {
    const lists = { allow: ['other'], deny: ['session.end'] };
    const { receiver, analytics } = await forwardTo('segment', { sessions: true, ...lists });
    play(analytics);
    await delivered(analytics, 2);
    assert.deepStrictEqual(namesOf(receiver), ['session.start', 'session.end']);
  });

  it('gets no logout of somebody who is not logged in, and a second login as a second start', async () => {
    const { receiver, analytics } = await forwardTo('segment', { sessions: true });
    analytics.onLogout('ann').catch(() => {});
    for (const name of ['a', 'b']) analytics.onLogin('ann', name).catch(() => {});
    for (const _ of ['a', 'b']) analytics.onLogout('ann').catch(() => {});
    await delivered(analytics, 3);
    const names = ['session.start', 'session.start', 'session.end'];
    assert.deepStrictEqual(namesOf(receiver), names);
    const [, second, end] = receiver.distinct;
    assert.strictEqual(end.data.sessionId, second.data.sessionId);
  });

  it('gets a hash for the user, if it is to', async () => {
    const hashUserId = { secret: 'a secret of the game' };
    const { receiver, analytics } = await forwardTo('segment', { sessions: true, hashUserId });
    play(analytics, 'ann@home');
    await delivered(analytics, 3);
    const [first, ...users] = receiver.distinct.map(({ user }) => user);
    assert.match(first, /^[\da-f]{64}$/);
    assert.deepStrictEqual(users, [first, first]);
    assert.doesNotMatch(receiver.requests[0].text, /ann@home/);
  });

  for (const format of ['raw', 'segment', 'gameanalytics']) {
    it(`gets them after kill -9 out of the spool, under their ids: ${format}`, async () => {
      const { receivers, destinations } = await startReceivers([format], { sessions: true });
      const receiver = receivers[format];
      const options = { uri: NOBODY, spoolDir: freshFolder(), destinations };
      receiver.failAlways(faults.loseAnswer);
      const first = await startServer(options);
      await first.tell('beginLogin', 'ann');
      await first.tell('beginLogout', 'ann');
      await first.tell('track', { count: 1 });
      await untilOnDisk(options.spoolDir, 0);
      await receiver.waitForRequests(1);
      await first.kill();
      const ids = new Map(receiver.taken.map(({ event, id }) => [event, id]));
      receiver.failAlways(undefined);
      const second = await startServer(options);
      const all = () => new Set(namesOf(receiver)).size === 3;
      await waitFor(all, { timeoutMs: 30_000, what: 'the three events' });
      await second.until(({ destinations: [to] }) => to.queued === 0);
      await second.kill();
      for (const { event, id } of receiver.taken) assert.strictEqual(ids.get(event) ?? id, id);
      const sessions = receiver.distinct.filter(({ user }) => user === 'ann');
      assert.strictEqual(sessions.length, 2);
      assert.deepStrictEqual(receiver.violations, []);
    });
  }
});

describe('a destination without sessions', () => {
  it('gets the events alone, beside one with them', async () => {
    const { receivers, destinations } = await startReceivers(['raw', 'segment']);
    destinations[1].sessions = true;
    const { analytics } = create({ uri: NOBODY, destinations, shutdownTimeoutMs: 5_000 });
    play(analytics);
    analytics.stop();
    await receivers.raw.waitForRequests(1);
    await waitFor(() => receivers.segment.taken.length === 3, { what: 'all three' });
    assert.deepStrictEqual(namesOf(receivers.raw), ['quest.done']);
  });

  it('and one of GameAnalytics that is told so', async () => {
    const { receiver, analytics } = await forwardTo('gameanalytics', { sessions: false });
    play(analytics);
    await delivered(analytics, 1);
    assert.deepStrictEqual(namesOf(receiver), ['quest.done']);
  });

  it('must be told by true or false', () => {
    const to = { ...RECEIVERS.raw.at({ url: 'http://127.0.0.1:9' }), sessions: 'yes' };
    const message = /destinations\[0\]\.sessions: must be true or false/;
    assert.throws(() => create({ destinations: [to] }), { name: 'TypeError', message });
  });
});
