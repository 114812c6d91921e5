// The exceptions are narrow: each allows one field, only where a provoking call has touched it, and
// only the value that is worked out. And what compares the two sides sees what it has to see.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { BYTES, compare } = require('./compare');
const { exceptions, judge } = require('./exceptions');
const { fields } = require('./fields');
const { Model } = require('./model');
const { provocations } = require('./provocations');

const DAY = '2036-03-14';
const AT = `${DAY}T10:00:00.000Z`;
const NOW = Date.parse(AT);
const POST = { method: 'POST', path: '/hook', contentType: 'application/json', ts: AT };

/** One difference in each field, as the addon is meant to differ; `int(1)` is what it counts. */
const SAMPLES = {
  'daily counter': { path: ['gsodailies', DAY, 'raidBattles'], addon: int(1) },
  'daily dau': { path: ['gsodailies', DAY, 'dau'], addon: int(1) },
  'daily document': { path: ['gsodailies', DAY], addon: undefined },
  'dau of metrics': { path: ['returned', '004 metrics', 'resolved', 'dau'], addon: 1 },
  'active sessions of metrics': {
    path: ['returned', '004 metrics', 'resolved', 'activeSessions'],
    addon: 1,
  },
  'mean session of metrics': {
    path: ['returned', '004 metrics', 'resolved', 'avgSessionMin'],
    addon: 0,
  },
  'session: logoutAt': {
    path: ['gsosessions', AT, 'logoutAt'],
    addon: { $date: { $numberLong: 'null' } },
  },
  'session: durationS': { path: ['gsosessions', AT, 'durationS'], addon: int(0) },
  'session document': { path: ['gsosessions', AT], addon: undefined },
  'event document': { path: ['gsoevents', AT], addon: undefined },
  'data of an event': { path: ['gsoevents', AT, 'data', 'n'], addon: int(5) },
  'answer of track': { path: ['returned', '003 track'], addon: '<undefined>' },
  'post that the addon does not send': { path: ['webhook', 'x (1)'], addon: undefined },
  'post that the addon sends': { path: ['webhook', 'x (1)'], reference: undefined, addon: POST },
  'ts of a post': { path: ['webhook', 'x (1)', 'ts'], addon: AT },
  'lines on stdout': { path: ['printed'], addon: ['one line'] },
};

function int(value) {
  return { $numberInt: String(value) };
}

function sample(field) {
  const reference = field.startsWith('post') ? { ...POST } : 'something else';
  return { reference, ...SAMPLES[field] };
}

/** A model of which `isTouched` says where a provoking call was. */
function modelWhere(isTouched, { hasDay = true } = {}) {
  const counters = { raidBattles: 1, dau: 1 };
  const answer = { dau: 1, activeSessions: 1, avgSessionMin: 0, days: new Map([[DAY, counters]]) };
  return {
    wasTouched: isTouched,
    dailyDocument: () => (hasDay ? { day: DAY } : undefined),
    days: new Map([[DAY, { counters }]]),
    answers: new Map([['004 metrics', answer]]),
    sessions: new Map([[NOW, { logoutAt: null, durationS: 0 }]]),
    meantData: new Map([[AT, { n: 5 }]]),
    meantPosts: new Map([[AT, 'x']]),
    printed: ['one line'],
  };
}

describe('the exceptions', () => {
  it('have names of their own, reasons, and a call that provokes each', () => {
    const names = exceptions.map(({ name }) => name);
    assert.strictEqual(new Set(names).size, names.length);
    for (const { name, reason, provokes, field } of exceptions) {
      assert.ok(reason && field in fields, name);
      assert.ok(provokes in provocations, name);
    }
  });

  it('allow their own field and no other', () => {
    const model = modelWhere(() => true, { hasDay: false });
    for (const exception of exceptions) {
      const allowed = Object.keys(SAMPLES).filter((name) => exception.allows(sample(name), model));
      assert.deepStrictEqual(allowed, [exception.field], exception.name);
    }
  });

  it('allow nothing where no call of theirs was', () => {
    for (const exception of exceptions) {
      const model = modelWhere((provokes) => provokes !== exception.provokes, { hasDay: false });
      assert.ok(!exception.allows(sample(exception.field), model), exception.name);
    }
  });

  it('allow no other value than the expected one', () => {
    const model = modelWhere(() => true);
    for (const exception of exceptions) {
      const wrong = { ...sample(exception.field), addon: { ...POST, ts: 'wrong' } };
      assert.ok(!exception.allows(wrong, model), exception.name);
    }
  });

  it('leave unmeant what none of them allows', () => {
    const model = modelWhere(() => false);
    const difference = sample('daily counter');
    assert.deepStrictEqual(judge([difference], model), { used: [], unmeant: [difference] });
  });
});

describe('the comparison', () => {
  const areas = (reference, addon) => compare(reference, addon).map(({ area }) => area);

  it('names the area of a difference', () => {
    const daily = (creditsEarned) => ({ gsodailies: { [DAY]: { creditsEarned } } });
    const data = (value) => ({ gsoevents: { [AT]: { data: value } } });
    assert.deepStrictEqual(areas(daily(int(1)), daily(int(2))), ['counter']);
    assert.deepStrictEqual(areas(data(int(1)), data({ $numberDouble: '1.0' })), ['type']);
    assert.deepStrictEqual(areas(data({ a: 1, b: 2 }), data({ b: 2, a: 1 })), ['order']);
    assert.deepStrictEqual(areas({ indexes: { a: 'x' } }, { indexes: {} }), ['index']);
    assert.deepStrictEqual(areas({ webhook: { a: POST } }, { webhook: {} }), ['webhook']);
    assert.deepStrictEqual(areas(data({ a: 'x' }), data({ a: 'y' })), ['value']);
  });

  it('sees bytes that differ where nothing else does', () => {
    const event = (bytes) => ({ gsoevents: { [AT]: { data: 1, [BYTES]: bytes } } });
    assert.deepStrictEqual(compare(event('a'), event('a')), []);
    assert.deepStrictEqual(areas(event('a'), event('b')), ['value']);
  });
});

describe('the model', () => {
  const create = { op: 'create', on: 0, at: NOW };
  const track = (on, at, details) => ({ op: 'track', on, at: NOW + at, id: 'ann', ...details });

  it('adds up what two instances count, and says that both did', () => {
    const event = 'raid.complete';
    const calls = [create, { ...create, on: 1 }, track(0, 1, { event }), track(1, 2, { event })];
    const model = new Model({ calls });
    assert.deepStrictEqual(model.dailyDocument(DAY).raidBattles, int(2));
    assert.ok(model.wasTouched('two instances', DAY, 'raidBattles'));
    assert.ok(!model.wasTouched('two instances', DAY, 'dungeonsRun'));
  });

  it('counts a provoking amount and remembers where it was', () => {
    const provokes = 'numeric strings';
    const details = { event: 'credits.earn', data: { amount: '7' }, provokes };
    const model = new Model({ calls: [create, track(0, 1, details), track(0, 2, details)] });
    assert.deepStrictEqual(model.dailyDocument(DAY).creditsEarned, int(14));
    assert.ok(model.wasTouched(provokes, DAY, 'creditsEarned'));
    assert.ok(!model.wasTouched(provokes, DAY, 'creditsSpent'));
  });
});
