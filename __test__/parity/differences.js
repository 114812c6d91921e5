// Every difference from the mongoose-based class that is meant, by name, with its reason.
// `apply(expected, actual)` turns the recorded observation into what the addon has to give;
// scenarios name the differences that hold for them.
'use strict';

const { sortDocuments } = require('./read-database');

const DAY = '2036-03-14';
const COUNTERS_AND_MONTH = [
  ...['craftsCompleted', 'creditsEarned', 'creditsSpent', 'dau', 'dungeonsRun', 'gemsEarned'],
  ...['gemsPurchased', 'gemsSpent', 'marketSales', 'month', 'newUsers', 'pvpBattles'],
  ...['raidBattles', 'sessionCount', 'stripeRevenue', 'totalSessionS'],
];
const RELATIVE_TOLERANCE = 1e-9;

const differences = {
  'order of addition': {
    reason: 'fractions are added in another order: equal within 1e-9 relative',
    apply(expected, actual) {
      expected.database.gsodailies.forEach((daily, index) => {
        for (const [field, value] of Object.entries(daily)) {
          const other = actual.database.gsodailies[index]?.[field];
          if (almostEqual(value, other)) daily[field] = other;
        }
      });
    },
  },
  'numeric strings': {
    reason: 'the reference appends numeric strings ("07", "075") where the addon adds numbers',
    apply: (expected) => setCounters(expected, { creditsEarned: 12, creditsSpent: 3 }),
  },
  'negative numeric strings': {
    reason: 'the reference loses the whole day ("0-3" is no number); the addon adds -3',
    apply: (expected) => setCounters(expected, { creditsEarned: -3, creditsSpent: 4 }),
  },
  'text that is no number': {
    reason: 'the reference loses the whole day ("0seven" is no number); the addon counts 0',
    apply: (expected) => setCounters(expected, { creditsSpent: 4 }),
  },
  'infinite amounts': {
    reason: 'an amount that is not finite counts 0: a total never becomes infinite',
    apply: (expected) =>
      setCounters(expected, { creditsEarned: 0, creditsSpent: 0, gemsEarned: 5 }),
  },
  'infinite amounts of both signs': {
    reason: 'their sum is NaN, with which the reference loses the whole day; the addon counts 0',
    apply: (expected) => setCounters(expected, { creditsSpent: 3 }),
  },
  'true is no number': {
    reason: 'what is neither a number nor a numeric string counts 0; JavaScript adds true as 1',
    apply: (expected) => setCounters(expected, { creditsEarned: 0, creditsSpent: 0 }),
  },
  'objects as amounts': {
    reason: 'the reference loses the whole day ("0[object Object]"); the addon counts 0',
    apply: (expected) => setCounters(expected, { creditsSpent: 3 }),
  },
  'BigInt amounts': {
    reason: 'the reference throws from track(); the addon adds them',
    apply(expected) {
      nothingThrown(expected);
      setCounters(expected, { creditsEarned: 5, creditsSpent: 3 });
    },
  },
  'beyond 2^53': {
    reason: 'amounts and sums beyond 2^53 in magnitude leave the total as it was',
    apply: (expected) => setCounters(expected, { creditsEarned: 2 ** 53, creditsSpent: 0 }),
  },
  'data of null': {
    reason: 'the reference throws before it counts; the addon counts, amounts as 0',
    apply(expected) {
      nothingThrown(expected);
      setCounters(expected, { dungeonsRun: 1 });
    },
  },
  'names of Object.prototype': {
    reason: 'the reference finds such names in its table and makes a daily document for them',
    apply(expected) {
      expected.database.gsodailies = [];
    },
  },
  'big events': {
    reason: 'events over maxEventBytes (256 KiB) are refused and counted in the health report',
    apply: (expected) => removeEvents(expected, ({ userId }) => userId === 'big'),
  },
  'BigInt over 64 bits': {
    reason: 'the reference stores the lowest 64 bits, another number; the addon refuses the event',
    apply: (expected) => removeEvents(expected, ({ userId }) => userId !== 'fine'),
  },
  'unreadable event names': {
    reason: 'the reference throws from track() when the name cannot be read; the addon refuses it',
    apply: (expected) => nothingThrown(expected),
  },
  'refused data is not posted': {
    reason: 'an event whose data is refused has no effect at all: the reference loses and posts it',
    apply(expected) {
      expected.webhook = [];
    },
  },
  'refused data does not count': {
    reason:
      'an event whose data is refused has no effect at all: the reference loses and counts it',
    apply: (expected) => setCounters(expected, { creditsEarned: 2 }),
  },
  'long names': {
    reason: 'names and ids over 256 bytes are refused',
    apply(expected) {
      const long = ({ userId, event }) => userId.startsWith('x') || event?.startsWith('x');
      removeEvents(expected, long);
      remove(expected, 'gsosessions', long);
      setCounters(expected, { dau: 1, sessionCount: 1 });
    },
  },
  'days that left memory': {
    reason: 'the reference forgets days before yesterday and then overwrites their totals',
    apply: (expected) => setCounters(expected, { totalSessionS: 259_210 }),
  },
  'keyed by the cast': {
    reason: 'sessions are kept by the cast id: another value of the same id logs out',
    apply(expected) {
      closeSessions(expected, 5);
      setCounters(expected, { totalSessionS: 10 });
      Object.assign(expected.returned.metrics.today, { totalSessionS: 10 });
      Object.assign(expected.returned.metrics, { activeSessions: 0 });
    },
  },
  'one user of the day': {
    reason: 'users are counted by the cast id, in dau and in activeSessions',
    apply(expected) {
      setCounters(expected, { dau: 1 });
      Object.assign(expected.returned.metrics.today, { dau: 1 });
      Object.assign(expected.returned.metrics, { dau: 1, activeSessions: 1 });
    },
  },
  'never shorter than 0 s': {
    reason: 'a session during which the clock went back lasts 0 s, not less',
    apply(expected) {
      const { gsosessions, gsodailies } = expected.database;
      for (const session of gsosessions) {
        if (numberOf(session.durationS) <= 0) session.durationS = number(0);
      }
      for (const daily of gsodailies) {
        const ofDay = gsosessions.filter(({ day }) => day === daily.day);
        const total = ofDay.reduce((sum, { durationS }) => sum + numberOf(durationS), 0);
        daily.totalSessionS = number(total);
        const { today } = expected.returned.metrics ?? {};
        if (today?.day === daily.day) today.totalSessionS = total;
      }
    },
  },
  'calls in order': {
    reason: 'calls take effect in call order: the logout waits for its login',
    apply(expected) {
      closeSessions(expected, 2);
      setCounters(expected, { totalSessionS: 2 });
      Object.assign(expected.returned.metrics.today, { totalSessionS: 2 });
      Object.assign(expected.returned.metrics, { activeSessions: 0 });
    },
  },
  'more exports and methods': {
    reason: 'the class is also named and default export, and has flush() and getHealth()',
    apply({ returned }) {
      returned['named export'] = true;
      returned['default export'] = true;
      returned.methods.push('flush', 'getHealth');
    },
  },
  'one start': {
    reason: 'start() twice is one start: one line, and one stop() ends it',
    apply(expected) {
      expected.printed.pop();
    },
  },
  'data changed after the call': {
    reason: 'the addon reads data when it is tracked, the reference when it writes it',
    apply(expected) {
      expected.database.gsoevents[0].data.amount = number(5);
    },
  },
  'names as they are stored': {
    reason: 'ids that are objects are posted as the text that is stored, not as they were passed',
    apply(expected) {
      for (const post of expected.webhook) {
        const { event, userId, ...rest } = JSON.parse(post.body);
        post.body = JSON.stringify({ event, userId: textOf(event, userId), ...rest });
      }
      expected.webhook.sort((one, other) => (one.body < other.body ? -1 : 1));
    },
  },
  'a BigInt as id is posted': {
    reason: 'ids are posted as text; the reference loses what JSON.stringify refuses',
    apply({ webhook }) {
      const [after] = webhook;
      const body = after.body.replace('"after"', '"bigint id"').replace('"u"', '"5"');
      webhook.push({ ...after, body });
    },
  },
  'ts of the post': {
    reason: 'the addon posts the time of the call, the reference the time of the sending',
    apply({ webhook }) {
      webhook[0].body = webhook[0].body.replace('2036-11-24T', '2036-11-23T');
    },
  },
  'data of null is posted': {
    reason: 'the reference throws before it posts',
    apply(expected) {
      nothingThrown(expected);
      const [after] = expected.webhook;
      const body = after.body.replace('"after"', '"shop.open"').replace('{"a":1}', 'null');
      expected.webhook.push({ ...after, body });
    },
  },
  'a line about indexes': {
    reason: 'an index with other options is left alone, with one info line',
    apply(expected, actual) {
      const extra = actual.printed.filter((line) => !expected.printed.includes(line));
      const isAboutIt = extra.length === 1 && /index/i.test(extra[0]);
      if (isAboutIt) expected.printed = actual.printed;
    },
  },
  'totals wait for a unique day': {
    reason: 'without a unique index a day could be made twice: totals wait until there is one',
    apply(expected) {
      expected.database.gsodailies = [];
    },
  },
  'lines about totals that wait': {
    reason: 'that totals wait is said with what to mend, and at the end what is left',
    apply(expected, actual) {
      const extra = actual.printed.filter((line) => !expected.printed.includes(line));
      if (extra.some((line) => /unique/.test(line))) expected.printed = actual.printed;
    },
  },
  'a restart adds up': {
    reason: 'totals are added to, also those of the process before',
    apply(expected) {
      const totals = { creditsEarned: 107, dau: 2, sessionCount: 3 };
      setCounters(expected, totals);
      const evening = expected.returned['process 2: evening'];
      Object.assign(evening.today, totals);
      Object.assign(evening, { dau: 2 });
    },
  },
  'two instances add up': {
    reason: 'totals are added to, also those of another instance; a user counts once a day',
    apply(expected) {
      const totals = { creditsEarned: 107, dau: 2, sessionCount: 3 };
      setCounters(expected, totals);
      Object.assign(expected.returned.metrics.today, totals);
    },
  },
  'two processes add up': {
    reason: 'totals are added to, also those of another process; a user counts once a day',
    apply: (expected) => setCounters(expected, { creditsEarned: 107, dau: 2, sessionCount: 3 }),
  },
  'existing totals are added to': {
    reason: 'the reference sets the totals of its own memory over those that are stored',
    apply(expected) {
      const totals = { creditsEarned: 1_005, dau: 13, sessionCount: 21 };
      setCounters(expected, totals);
      Object.assign(expected.returned.metrics.today, totals);
      Object.assign(expected.returned.metrics, { dau: 13 });
    },
  },
};

/** The text that is stored of the id in the scenario of this name. */
function textOf(name, id) {
  if (name === 'id date') return String(new Date(id));
  if (name === 'id symbol') return 'Symbol(s)';
  return id?._id ?? id;
}

/** Sets counters of the one daily document; makes one of zeros if the reference has none. */
function setCounters({ database }, counters) {
  if (database.gsodailies.length === 0) database.gsodailies.push(emptyDaily());
  const [daily] = database.gsodailies;
  for (const [field, value] of Object.entries(counters)) daily[field] = number(value);
}

function emptyDaily() {
  const counters = COUNTERS_AND_MONTH.map((field) => {
    return [field, field === 'month' ? DAY.slice(0, 7) : number(0)];
  });
  const head = { _id: { $oid: 'gsodailies[0]._id' }, day: DAY, __v: number(0) };
  return { ...head, ...Object.fromEntries(counters) };
}

/** A number as canonical EJSON shows what is stored for it. */
function number(value) {
  const isInt32 = Number.isInteger(value) && Math.abs(value) < 2 ** 31;
  if (isInt32) return { $numberInt: String(value) };
  return { $numberDouble: Number.isInteger(value) ? value.toFixed(1) : String(value) };
}

function numberOf(value) {
  return Number(value?.$numberInt ?? value?.$numberDouble);
}

function almostEqual(one, other) {
  const [a, b] = [numberOf(one), numberOf(other)];
  return Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

function nothingThrown({ returned }) {
  for (const name of Object.keys(returned)) {
    if (returned[name]['<threw>']) returned[name] = '<undefined>';
  }
}

function removeEvents(expected, unwanted) {
  remove(expected, 'gsoevents', unwanted);
}

function remove({ database }, collection, unwanted) {
  const left = database[collection].filter((document) => !unwanted(document));
  left.forEach((document, index) => {
    document._id.$oid = `${collection}[${index}]._id`;
  });
  database[collection] = left;
}

function closeSessions({ database }, seconds) {
  for (const session of database.gsosessions) {
    const logoutAt = Number(session.loginAt.$date.$numberLong) + seconds * 1_000;
    session.logoutAt = { $date: { $numberLong: String(logoutAt) } };
    session.durationS = number(seconds);
  }
  database.gsosessions = sortDocuments(database.gsosessions);
}

module.exports = { differences };
