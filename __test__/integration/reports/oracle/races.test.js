// Runs that end at any step, that are overtaken, and in which a user is deleted: what is reported in the end
// is what plain JavaScript makes of the raw documents.
'use strict';

const assert = require('node:assert');
const { after, describe, it } = require('node:test');
const { setTimeout: delay } = require('node:timers/promises');
const { fates, startProxy } = require('../../../support/proxy');
const { useMongod } = require('../../../support/setup');
const { waitFor } = require('../../../support/wait');
const { DAY_MS, event, session, startOf, store } = require('../days');
const { compare, insert, passRunPoint, reported, runner, serverMs } = require('./play');

const mongo = useMongod();
const PLAIN = { options: {}, ttlDays: 7 };
const DAYS_AGO = 2;
/** Steps of a run over two days; more than there are. */
const STEPS = 40;
const FEWEST_STEPS = 16;
/** A deletion that waits for nothing takes less. */
const DELETING_MS = 1_000;

const proxies = [];
const runners = [];
after(async () => {
  await Promise.all(runners.map(({ analytics }) => analytics.stop()));
  await Promise.all(proxies.map((proxy) => proxy.close()));
});

function started(database, options = {}) {
  const made = runner(database, options);
  runners.push(made);
  return made;
}

async function behindProxy(database) {
  const { port } = new URL(mongo.uri);
  const proxy = await startProxy(Number(port));
  proxies.push(proxy);
  return { proxy, uri: proxy.uri(database.name) };
}

/** Whether a command is a step of a run. */
function isStep({ command, body }) {
  if (command === 'aggregate') return ['gsosessions', 'gsoevents'].includes(body.aggregate);
  if (command === 'findAndModify') return body.query._id === 'lease';
  return command === 'find' ? body.find === 'gsodailies' : isReport({ command, body });
}

const isReport = ({ command, body }) =>
  command === 'update' &&
  body.update === 'gsoreports' &&
  body.updates.some(({ q }) => String(q._id).startsWith('d:'));

const isMerge = ({ command, body }) =>
  command === 'aggregate' && body.pipeline.some((stage) => '$merge' in stage);

const HISTORY = {
  sessions: [
    session('ann', 2),
    session('ann', 1, { atMs: DAY_MS - 1 }),
    session('bob', 2, { durationS: null }),
    session('cem', 1, { durationS: 90_000, atMs: 0 }),
  ],
  events: [
    event('credits.earn', 2, { amount: 5, reason: 'quest' }, { userId: 'ann' }),
    event('credits.spend', 1, { amount: 2, reason: 'shop' }, { userId: 'bob', atMs: DAY_MS - 1 }),
  ],
};
const LATE = {
  sessions: [session('dan', 2), session('bob', 1)],
  events: [event('credits.earn', 2, { amount: 7, reason: 'late' }, { userId: 'dan' })],
  days: [],
};

/** A database with a history, whose first run stops at the first command for which `when` holds. */
async function stopped(when, fate) {
  const database = mongo.database();
  await store(database, HISTORY);
  const { proxy, uri } = await behindProxy(database);
  const rule = proxy.rule({ when, fate, times: 1 });
  return { database, proxy, rule, first: started({ uri }) };
}

/** What the lease does when its owner has been gone for long enough. */
const expireLease = ({ db }) => db.collection('gsoreports').deleteOne({ _id: 'lease' });

/** Reports what is due without a proxy, and compares. */
async function reportedAndCompared(database) {
  const nowMs = await serverMs(database);
  const { analytics } = started(database);
  try {
    await reported(database, { ...PLAIN, nowMs });
    return await compare(database, { analytics, ...PLAIN, nowMs });
  } finally {
    await analytics.stop();
  }
}

describe('a run', () => {
  it('that was begun earlier and ends later changes nothing', async () => {
    const { database, rule, first } = await stopped(isReport, fates.hold);
    const held = await waitFor(() => rule.taken[0], { what: 'the first report' });
    await insert(database, LATE);
    await expireLease(database);
    assert.deepStrictEqual(await reportedAndCompared(database), []);
    const day = `d:${new Date(startOf(DAYS_AGO)).toISOString().slice(0, 10)}`;
    const before = await database.all('gsoreports', { _id: day });
    const reply = await held.forward();
    assert.strictEqual(reply.body.writeErrors?.[0]?.code, 11_000);
    await waitFor(() => first.analytics.getHealth().reports.state === 'current');
    await first.analytics.stop();
    assert.deepStrictEqual(await database.all('gsoreports', { _id: day }), before);
    await passRunPoint(database);
    assert.deepStrictEqual(await reportedAndCompared(database), []);
  });

  it('that ends at any step is followed by the next one', async () => {
    const ends = await Promise.all(Array.from({ length: STEPS }, (_, step) => endedAt(step)));
    assert.deepStrictEqual(
      ends.flatMap(({ lines }) => lines),
      [],
    );
    const reached = ends.filter(({ isReached }) => isReached).length;
    assert.ok(reached >= FEWEST_STEPS && reached < STEPS, `${reached} steps`);
  });

  it('in which a user is deleted does not bring the user back', async () => {
    for (const when of [isMerge, isReport]) {
      const { database, rule, first } = await stopped(when, fates.hold);
      const held = await waitFor(() => rule.taken[0], { what: 'the step' });
      const other = started(database);
      // It waits for the run, which may have read the user before.
      let isDeleted = false;
      const deleting = other.analytics.deleteUser('ann').then(() => {
        isDeleted = true;
      });
      await delay(DELETING_MS);
      assert.strictEqual(isDeleted, false);
      await held.forward();
      await deleting;
      await waitFor(() => first.analytics.getHealth().reports.state === 'current');
      await Promise.all([first, other].map(({ analytics }) => analytics.stop()));
      await assertForgotten(database, 'ann');
      await passRunPoint(database);
      assert.deepStrictEqual(await reportedAndCompared(database), []);
    }
  });
});

/** A run whose process hears nothing more of the database from its step with this number on. */
async function endedAt(step) {
  let count = 0;
  let isGone = false;
  const when = (request) => {
    if (isStep(request)) count += 1;
    isGone ||= count > step;
    return isGone;
  };
  const database = mongo.database();
  await store(database, HISTORY);
  const { proxy, uri } = await behindProxy(database);
  proxy.rule({ when, fate: fates.loseRequest });
  const { analytics } = started({ uri }, { shutdownTimeoutMs: 100 });
  await waitFor(() => isGone || analytics.getHealth().reports.state === 'current');
  await analytics.stop();
  await expireLease(database);
  await insert(database, LATE);
  await passRunPoint(database);
  const lines = await reportedAndCompared(database);
  return { isReached: isGone, lines: lines.map((line) => `ended at step ${step}: ${line}`) };
}

async function assertForgotten({ db }, id) {
  for (const { name } of await db.listCollections().toArray()) {
    const documents = await db.collection(name).find().toArray();
    const found = documents.filter((document) => JSON.stringify(document).includes(`"${id}"`));
    assert.deepStrictEqual(found, [], name);
  }
}
