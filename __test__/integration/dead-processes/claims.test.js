// Sessions of processes that died: closed by others once, and open again where the process was only frozen.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { waitFor } = require('../../support/wait');
const { create, useMongod } = require('../../support/setup');
const { Binary, ObjectId } = require('../../support/driver');

const mongo = useMongod();

/** A sample comes within 20 s. */
const SAMPLE_MS = 40_000;
const DAY_MS = 86_400_000;
/** A process is dead after 90 s, and its sessions are closed within 120 s of its last sample. */
const CLOSED_MS = 120_000;

const claimOf = (database, incarnation) =>
  database.db.collection('gsoreports').findOne({ _id: `dead:${incarnation}` });
const samplesOf = (database) => database.all('gsoreports', { _id: /^now:/ });
const totalOf = (sessions) => sessions.reduce((sum, { durationS }) => sum + durationS, 0);

/** An instance with these players, and its incarnation. */
async function online(database, players) {
  const { analytics, lines } = create({ uri: database.uri });
  analytics.start();
  await Promise.all(players.map((user) => analytics.onLogin(user, user)));
  await analytics.flush();
  const [{ _id }] = await database.sessions({ userId: players[0] });
  const incarnation = _id.toHexString().slice(8, 18);
  const isSeen = async () =>
    (await samplesOf(database)).some((one) => one._id.endsWith(incarnation));
  await waitFor(isSeen, { timeoutMs: SAMPLE_MS, what: 'a sample' });
  return { analytics, incarnation, lines };
}

/** A claim as somebody stores it who takes the instance for dead. */
function claim(incarnation, T, fields = {}) {
  return {
    ...{ _id: `dead:${incarnation}`, T, from: new Date(T - 60_000), seq: 1 },
    ...{ w: `w${incarnation.slice(1)}`, state: 'claimed', sessions: new Binary(Buffer.alloc(0)) },
    ...fields,
  };
}

/** A session as another process would have stored it. */
function session(middle, user, loginAt) {
  const second = Math.floor(loginAt / 1000).toString(16);
  const day = loginAt.toISOString().slice(0, 10);
  return {
    _id: new ObjectId(`${second}${middle}${user.padStart(6, '0')}`),
    ...{ userId: user, username: user, loginAt, logoutAt: null, durationS: 0 },
    ...{ day, month: day.slice(0, 7), __v: 0 },
  };
}

describe('claims', () => {
  it('are not read by those who only look who is here', async () => {
    const database = mongo.database();
    const reports = database.db.collection('gsoreports');
    const dead = ['0a0b0c0d01', '0a0b0c0d02', '0a0b0c0d03'];
    await reports.insertMany(dead.map((of) => claim(of, new Date(), { state: 'done' })));
    await database.db.command({ profile: 2 });
    const { analytics } = await online(database, ['a']);
    const profile = database.db.collection('system.profile');
    const reads = () => profile.find({ 'command.find': 'gsoreports' }).toArray();
    const isRead = async () => (await reads()).length > 0;
    await waitFor(isRead, { timeoutMs: SAMPLE_MS, what: 'the samples to be read' });
    await analytics.stop();
    await database.db.command({ profile: 0 });
    for (const { command, docsExamined } of await reads()) {
      assert.ok(docsExamined <= 1, `${docsExamined} documents for ${JSON.stringify(command)}`);
    }
  });
});

describe('a process that others took for dead', { concurrency: true }, () => {
  it('goes on under a new incarnation, and its players are online again', async () => {
    const database = mongo.database();
    const { analytics, incarnation, lines } = await online(database, ['a', 'b', 'c']);
    const T = new Date(Date.now() + 7_000);
    const reports = database.db.collection('gsoreports');
    await reports.insertOne(claim(incarnation, T, { ofLaterVersion: { kept: true } }));
    const isNamed = async () => (await claimOf(database, incarnation)).next !== undefined;
    await waitFor(isNamed, { timeoutMs: SAMPLE_MS, what: 'the next incarnation' });
    const isOpen = async () => (await database.sessions({ logoutAt: null })).length === 3;
    await waitFor(isOpen, { what: 'the sessions to be open again' });
    const { next, state, w, ofLaterVersion } = await claimOf(database, incarnation);
    assert.deepStrictEqual([state, ofLaterVersion], ['done', { kept: true }]);
    const ids = (await samplesOf(database)).map(({ _id }) => _id);
    assert.ok(ids.includes(`now:${next}`), ids.join());
    const isTold = () => lines.some((line) => /^warn .*took it for dead.* 3 of players/.test(line));
    await waitFor(isTold, { what: 'the line that tells it' });
    // The totals hold what was estimated, under the claim's own writer, until the real logouts.
    const [before] = await database.days();
    assert.ok(before._a.w[w], JSON.stringify(before._a));
    await analytics.onLogin('d', 'd');
    await Promise.all(['a', 'b', 'd'].map((user) => analytics.onLogout(user)));
    await analytics.flush();
    const sessions = await database.sessions();
    const open = sessions.filter(({ logoutAt }) => logoutAt === null).map(({ userId }) => userId);
    assert.deepStrictEqual(open, ['c']);
    const [later] = sessions.filter(({ userId }) => userId === 'd');
    assert.strictEqual(later._id.toHexString().slice(8, 18), next);
    // Of `c`, who is still here, the estimate is counted.
    const c = sessions.find(({ userId }) => userId === 'c');
    assert.strictEqual(c.durationS, Math.round((T - c.loginAt) / 1000));
    const [day] = await database.days();
    assert.strictEqual(day.totalSessionS, totalOf(sessions));
    assert.strictEqual(day.sessionCount, 4);
  });

  it('adds nothing for a logout whose claim cannot be read, and all of the others', async () => {
    const database = mongo.database();
    const { analytics, incarnation, lines } = await online(database, ['a']);
    const reports = database.db.collection('gsoreports');
    await reports.insertOne(claim(incarnation, new Date(Date.now() + 7_000)));
    const isNamed = async () => (await claimOf(database, incarnation)).next !== undefined;
    await waitFor(isNamed, { timeoutMs: SAMPLE_MS, what: 'the next incarnation' });
    const isOpen = async () => (await database.sessions({ logoutAt: null })).length === 1;
    await waitFor(isOpen, { what: 'the session to be open again' });
    const [{ totalSessionS: estimated }] = await database.days();
    const ofLaterRelease = { $set: { state: 'examined' } };
    await reports.updateOne({ _id: `dead:${incarnation}` }, ofLaterRelease);
    await analytics.onLogin('b', 'b');
    const [{ loginAt }] = await database.sessions({ userId: 'b' });
    const counts = () => Date.now() - loginAt > 1_000;
    await waitFor(counts, { what: 'a session that counts' });
    await Promise.all(['a', 'b'].map((user) => analytics.onLogout(user)));
    await analytics.flush();
    const sessions = await database.sessions();
    assert.ok(sessions.every(({ logoutAt }) => logoutAt !== null));
    const b = sessions.find(({ userId }) => userId === 'b');
    assert.notStrictEqual(b._id.toHexString().slice(8, 18), incarnation);
    const [day] = await database.days();
    assert.strictEqual(day.totalSessionS, estimated + b.durationS);
    assert.strictEqual(analytics.getHealth().warnings.totals_uncertain, 1);
    const told = lines.filter((line) => /nothing is added to the totals/.test(line));
    assert.strictEqual(told.length, 1, lines.join('\n'));
  });

  it('replaces what was estimated by a logout that comes before it has found out', async () => {
    const database = mongo.database();
    const { analytics, incarnation } = await online(database, ['a', 'b']);
    const T = new Date(Date.now() + 3_600_000);
    await database.db.collection('gsoreports').insertOne(claim(incarnation, T));
    await analytics.onLogout('a');
    await analytics.flush();
    const [a] = await database.sessions({ userId: 'a' });
    assert.ok(a.logoutAt < T, `${a.logoutAt}`);
    const isDone = async () => (await claimOf(database, incarnation)).state === 'done';
    await waitFor(isDone, { timeoutMs: SAMPLE_MS, what: 'the claim to be done' });
    const isOpen = async () => (await database.sessions({ logoutAt: null })).length === 1;
    await waitFor(isOpen, { what: 'the other session to be open again' });
    await analytics.onLogout('b');
    await analytics.flush();
    const sessions = await database.sessions();
    const [day] = await database.days();
    assert.strictEqual(day.totalSessionS, totalOf(sessions));
    const closed = sessions.filter(({ durationS }) => durationS > 0);
    assert.strictEqual(day._a.sessionsClosed, closed.length);
    assert.strictEqual(day._a.sessionSeconds, totalOf(closed));
  });
});

describe('a process of another release', { concurrency: true }, () => {
  it('that died is closed, with all that this release does not know', {
    timeout: 300_000,
  }, async () => {
    const database = mongo.database();
    const reports = database.db.collection('gsoreports');
    const { analytics } = await online(database, ['here']);
    const dead = '0a0b0c0d0e';
    const T = new Date(Math.floor(Date.now() / 1000) * 1000);
    const at = T;
    const loginAt = new Date(T - 10_000);
    /** Of a day whose report may be final. */
    const longAgo = new Date(T - 7 * DAY_MS);
    /** While its clock was ahead. */
    const ahead = new Date(+T + 3 * DAY_MS);
    const sample = { n: 3, seq: 4, t: T, from: longAgo, to: ahead, at, h: {} };
    await reports.insertMany([
      { _id: `now:${dead}`, ...sample, resumes: true, ofLaterVersion: [1] },
      // Of a release that would not open its sessions again.
      { _id: 'now:0a0b0c0d0f', ...sample },
    ]);
    const stored = database.db.collection('gsosessions');
    const own = { ofLaterVersion: 'kept' };
    await stored.insertMany([
      { ...session(dead, '1', loginAt), ...own },
      session(dead, '2', loginAt),
      session(dead, '5', longAgo),
      session(dead, '6', ahead),
      session('0a0b0c0d0f', '3', loginAt),
      session('ffffffffff', '4', loginAt),
    ]);
    const others = () => database.sessions({ userId: { $in: ['3', '4', 'here'] } });
    const before = await others();
    const begun = Date.now();
    const isClosed = async () => (await stored.countDocuments({ logoutAt: T })) === 3;
    await waitFor(isClosed, { timeoutMs: CLOSED_MS, what: 'its sessions to be closed' });
    assert.ok(Date.now() - begun > 80_000, 'it was not silent for long enough');
    const isDone = async () => (await claimOf(database, dead))?.state === 'done';
    await waitFor(isDone, { what: 'the claim to be done' });
    const isSettled = async () => (await reports.findOne({ _id: `now:${dead}` })).closed === true;
    await waitFor(isSettled, { what: 'its sample to be settled' });
    const stays = await reports.findOne({ _id: `now:${dead}` });
    assert.deepStrictEqual([stays.ofLaterVersion, stays.n, stays.seq], [[1], 3, 4]);
    assert.strictEqual(await claimOf(database, '0a0b0c0d0f'), null);
    assert.deepStrictEqual(await others(), before);
    const [first] = await database.sessions({ userId: '1' });
    const { _id, logoutAt, durationS, ...rest } = first;
    assert.deepStrictEqual([logoutAt, durationS, rest.ofLaterVersion], [T, 10, 'kept']);
    const totals = (await database.days()).map(({ totalSessionS }) => totalSessionS);
    assert.deepStrictEqual(totals, [7 * (DAY_MS / 1000), 20, 1]);
    const late = `late:${longAgo.toISOString().slice(0, 10)}`;
    assert.notStrictEqual(await reports.findOne({ _id: late }), null);
    assert.strictEqual(analytics.getHealth().estimatedLogouts, 4);
    assert.strictEqual((await analytics.getConcurrency()).now, 1);
  });
});
