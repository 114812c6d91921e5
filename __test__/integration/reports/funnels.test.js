// Funnels over stored events: known answers by hand, and a search through all chains of random ones.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { generator } = require('../../support/random');
const { NOBODY, create, useMongod } = require('../../support/setup');
const { DAY_MS, assertNear, dayOf, insert, instance, today } = require('./funnel-events');

const mongo = useMongod();

const WINDOW_S = 3_600;
const WINDOW_MS = WINDOW_S * 1_000;

/** The begin of a day whose cohort is of the past, and within the days of a funnel. */
const past = () => today() - 3 * DAY_MS;

/** The users who reached each step, for one user's events. */
async function reached(analytics, database, steps, events) {
  await database.db.collection('gsoevents').deleteMany({});
  await insert(database, { ann: events });
  const { days } = await analytics.getFunnel({ steps, windowS: WINDOW_S });
  return days.find(({ day }) => day === dayOf(past())).users;
}

/** All chains of different events that begin on a day: the shortest time to each step. */
function searched(steps, events, day) {
  const best = [];
  const go = (chain) => {
    for (const [at, [event, ts]] of events.entries()) {
      const [first = ts] = chain.map((index) => events[index][1]);
      const last = chain.length > 0 ? events[chain.at(-1)][1] : ts;
      const fits =
        event === steps[chain.length] && !chain.includes(at) && ts >= last && dayOf(first) === day;
      if (!fits || ts - first > WINDOW_MS) continue;
      best[chain.length] = Math.min(best[chain.length] ?? Infinity, ts - first);
      go([...chain, at]);
    }
  };
  go([]);
  return best;
}

/** The smallest that at least half do not exceed. */
function medianS(times) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[Math.ceil(sorted.length / 2) - 1] / 1_000;
}

/** What getFunnel() should answer, out of the events. */
function expected(steps, users, days) {
  const ofUsers = Object.entries(users).filter(([user]) => user !== 'null');
  const cohorts = days.map((day) => ofUsers.map(([, events]) => searched(steps, events, day)));
  const timesOf = (chains) =>
    steps.map((_, step) => chains.flatMap((best) => (step in best ? best[step] : [])));
  const all = timesOf(cohorts.flat());
  const share = (part, of) => (of.length === 0 ? null : part.length / of.length);
  return {
    steps: steps.map((event, step) => ({
      event,
      users: all[step].length,
      ofFirst: share(all[step], all[0]),
      ofPrevious: share(all[step], all[Math.max(0, step - 1)]),
      medianS: medianS(all[step]),
    })),
    days: days.map((day, i) => {
      const times = timesOf(cohorts[i]);
      const isWithout = ([name, ts]) => steps.includes(name) && dayOf(ts) === day;
      const withoutUser = users.null.filter(isWithout).length;
      return {
        day,
        users: times.map((one) => one.length),
        medianS: times.map(medianS),
        withoutUser,
      };
    }),
  };
}

describe('getFunnel()', () => {
  it('answers what is known by hand', async () => {
    const database = mongo.database();
    const analytics = await instance(database);
    const day = past();
    const noon = day + DAY_MS / 2;
    const end = day + DAY_MS;
    const cases = {
      'in order': [
        'AB',
        [
          ['A', noon],
          ['B', noon + 1],
        ],
        [1, 1],
      ],
      'out of order': [
        'AB',
        [
          ['B', noon],
          ['A', noon + 1],
        ],
        [1, 0],
      ],
      'one millisecond': [
        'AB',
        [
          ['A', noon],
          ['B', noon],
        ],
        [1, 1],
      ],
      'one millisecond, stored the other way': [
        'AB',
        [
          ['B', noon],
          ['A', noon],
        ],
        [1, 1],
      ],
      'a repeated step': [
        'AAB',
        [
          ['A', noon],
          ['A', noon + 5],
          ['B', noon + 9],
        ],
        [1, 1, 1],
      ],
      'a repeated step that is missing': [
        'AAB',
        [
          ['A', noon],
          ['B', noon + 9],
        ],
        [1, 0, 0],
      ],
      'the window met': [
        'AB',
        [
          ['A', noon],
          ['B', noon + WINDOW_MS],
        ],
        [1, 1],
      ],
      'the window missed': [
        'AB',
        [
          ['A', noon],
          ['B', noon + WINDOW_MS + 1],
        ],
        [1, 0],
      ],
      'the last millisecond': [
        'AB',
        [
          ['A', end - 1],
          ['B', end + 5],
        ],
        [1, 1],
      ],
      'the next day': [
        'AB',
        [
          ['A', end],
          ['B', end + 5],
        ],
        [0, 0],
      ],
      'the day before': [
        'AB',
        [
          ['A', day - 1],
          ['B', day + 5],
        ],
        [0, 0],
      ],
      'the first millisecond': [
        'AB',
        [
          ['A', day],
          ['B', day + 5],
        ],
        [1, 1],
      ],
      're-entry': [
        'ABC',
        [
          ['A', noon],
          ['A', noon + WINDOW_MS],
          ['B', noon + WINDOW_MS + 5],
          ['C', noon + WINDOW_MS + 9],
        ],
        [1, 1, 1],
      ],
    };
    for (const [name, [steps, events, users]] of Object.entries(cases)) {
      assert.deepStrictEqual(await reached(analytics, database, [...steps], events), users, name);
    }
  });

  it('agrees with a search through all chains', async () => {
    const random = generator(Number(process.env.FUNNEL_SEED ?? 7));
    const below = (bound) => Math.floor(random() * bound);
    const database = mongo.database();
    const analytics = await instance(database);
    const first = today() - 5 * DAY_MS;
    const days = Array.from({ length: 6 }, (_, i) => dayOf(first + i * DAY_MS));
    const some = (list) => list[below(list.length)];
    for (let round = 0; round < 20; round++) {
      const names = ['A', 'B', 'C', 'constructor', '$x.y'].slice(0, 2 + below(4));
      const steps = Array.from({ length: 2 + below(3) }, () => some(names));
      const users = {};
      for (const user of ['null', ...Array.from({ length: 40 }, (_, i) => `u${i}`)]) {
        users[user] = Array.from({ length: below(9) }, () => {
          const near = first + below(7) * DAY_MS + (below(80) - 40) * 120_000;
          return [some(names), near + (below(3) - 1)];
        });
      }
      await database.db.collection('gsoevents').deleteMany({});
      await insert(database, users);
      const found = await analytics.getFunnel({ steps, windowS: WINDOW_S });
      const seen = {
        steps: found.steps,
        days: found.days.map(({ state, asOf, ...day }) => day),
      };
      const wanted = expected(steps, users, days);
      for (const [step, { medianS }] of wanted.steps.entries()) {
        assertNear(seen.steps[step].medianS, medianS);
        seen.steps[step].medianS = medianS;
      }
      assert.deepStrictEqual(seen, wanted, JSON.stringify({ steps, users }));
      const without = found.days.reduce((sum, day) => sum + day.withoutUser, 0);
      assert.strictEqual(found.withoutUser, without);
      assert.strictEqual(found.windowS, WINDOW_S);
      assert.ok(Math.abs(found.asOf - Date.now()) < 60_000);
    }
  });

  it('counts what was tracked today, and says which days may change', async () => {
    const windowS = 86_400;
    const funnels = { 'first day': { steps: ['join', 'win', 'win'], windowS } };
    const analytics = await instance(mongo.database(), { funnels });
    for (const event of ['join', 'win', 'win']) analytics.track(event, 'ann', {});
    for (const event of ['join', 'win']) analytics.track(event, 'bob', {});
    await analytics.flush();
    const { steps, days } = await analytics.getFunnel('first day', { days: 6 });
    assert.deepStrictEqual(
      steps.map(({ event, users, ofFirst, ofPrevious }) => [event, users, ofFirst, ofPrevious]),
      [
        ['join', 2, 1, 1],
        ['win', 2, 1, 1],
        ['win', 1, 0.5, 0.5],
      ],
    );
    assert.deepStrictEqual(
      days.map(({ state }) => state),
      ['final', 'final', 'final', 'settling', 'settling', 'open'],
    );
    const { days: one } = await analytics.getFunnel('first day', { days: 1 });
    assert.deepStrictEqual(one[0].users, days.at(-1).users);
  });

  it('reads by the index that has less to read, and no other events', async () => {
    const database = mongo.database();
    const analytics = await instance(database);
    const noon = past() + DAY_MS / 2;
    const often = Array.from({ length: 2_000 }, (_, i) => ['often', noon - 9 * DAY_MS + i]);
    await insert(database, { ann: [...often, ['A', noon], ['B', noon], ['often', noon]] });
    const plan = async (steps) => {
      await database.db.command({ profile: 2 });
      await analytics.getFunnel({ steps, windowS: 60 });
      await database.db.command({ profile: 0 });
      const [read] = await database.all('system.profile', { op: 'query', ns: /gsoevents$/ });
      const all = await database.all('system.profile', { ns: /gsoevents$/ });
      await database.db.collection('system.profile').drop();
      for (const { planSummary = '' } of all) assert.doesNotMatch(planSummary, /COLLSCAN/);
      return [read.planSummary, read.docsExamined];
    };
    assert.deepStrictEqual(await plan(['A', 'B']), ['IXSCAN { event: 1 }', 2]);
    assert.deepStrictEqual(await plan(['often', 'A']), ['IXSCAN { ts: 1 }', 3]);
  });

  it('leaves out users who are excluded', async () => {
    const database = mongo.database();
    const analytics = await instance(database, { excludeUsers: ['test', 'bot-*'] });
    const noon = past() + DAY_MS / 2;
    const events = [
      ['A', noon],
      ['B', noon + 1],
    ];
    await insert(database, { ann: events, test: events, 'bot-1': events, tester: events });
    const { steps } = await analytics.getFunnel({ steps: ['A', 'B'], windowS: 1 });
    assert.deepStrictEqual(
      steps.map(({ users }) => users),
      [2, 2],
    );
  });

  it('rejects what is no funnel', async () => {
    const funnels = { known: { steps: ['a', 'b'], windowS: 1 } };
    const { analytics } = create({ uri: NOBODY, funnels });
    const cyclic = {};
    cyclic.steps = cyclic;
    for (const [funnel, field] of [
      ['unknown', 'funnel'],
      ['constructor', 'funnel'],
      [undefined, 'funnel'],
      [5, 'funnel'],
      [() => 'known', 'funnel'],
      [cyclic, 'funnel'],
      [{ windowS: 1 }, 'steps'],
      [{ steps: ['a'], windowS: 1 }, 'steps'],
      [{ steps: ['a', 'b'] }, 'windowS'],
      [{ steps: ['a', 'b'], windowS: 432_001 }, 'windowS'],
      [{ steps: ['a', 'b'], windowS: 10n }, 'windowS'],
      [{ steps: ['a', 'b'], windowS: 1, other: 1 }, 'other'],
    ]) {
      const error = { name: 'TypeError', message: new RegExp(`^${field}: `) };
      await assert.rejects(analytics.getFunnel(funnel), error, String(funnel?.windowS));
    }
    const other = funnels.known;
    for (const [funnel, options, field] of [
      ...[0, 367, 1.5, '3', NaN].map((days) => ['known', { days }, 'days']),
      [other, { days: 7 }, 'days'],
      [other, { to: '2026-11-01' }, 'to'],
      ['known', { to: '2026-02-30' }, 'to'],
      ['known', { to: 5 }, 'to'],
      ['known', { from: '2026-11-01' }, 'from'],
      ['known', 'week', 'options'],
    ]) {
      const error = { name: 'TypeError', message: new RegExp(`^${field}: `) };
      await assert.rejects(analytics.getFunnel(funnel, options), error, JSON.stringify(options));
    }
  });

  it('of a bad option make the constructor throw', () => {
    for (const [funnels, field] of [
      [[], 'funnels'],
      [new Map(), 'funnels'],
      [{ f: { steps: ['a'], windowS: 1 } }, 'funnels\\["f"\\].steps'],
      [{ f: { steps: ['a', 'b'], windowS: 0 } }, 'funnels\\["f"\\].windowS'],
    ]) {
      const error = { name: 'TypeError', message: new RegExp(`^${field}: `) };
      assert.throws(() => create({ uri: NOBODY, funnels }), error);
    }
  });
});
