// Every intended difference: one field that may differ, under one condition (a call that provokes
// it has touched just that field), towards one value (what model.js works out for it).
'use strict';

const { fields } = require('./fields');

const RELATIVE_TOLERANCE = 1e-9;

const POSTED = 'post that the addon sends';
const NOT_POSTED = 'post that the addon does not send';

/** What provokes it, why it is meant, and one exception for each of the fields. */
const MEANT = [
  ['numeric strings', 'they are added as numbers; the reference appends them', ['daily counter']],
  ['text as an amount', 'counts 0; the reference loses the whole day', ['daily document']],
  ['objects as amounts', 'count 0; the reference loses the whole day', ['daily document']],
  [
    'infinite amounts of both signs',
    'count 0; their sum is NaN, with which the reference loses the whole day',
    ['daily document'],
  ],
  ['infinite amounts', 'count 0; the total of the reference stays infinite', ['daily counter']],
  ['true and lists as amounts', 'count 0; JavaScript adds or appends them', ['daily counter']],
  ['BigInt amounts', 'are added; the reference throws', ['answer of track', 'daily counter']],
  ['amounts beyond 2^53', 'count 0; the reference adds them', ['daily counter']],
  [
    'data of null',
    'is stored, counted and posted; the reference throws once it is stored',
    ['answer of track', 'daily counter', POSTED],
  ],
  [
    'names of Object.prototype',
    'are never counted; the reference makes a daily document for them',
    ['daily document'],
  ],
  [
    'unreadable event names',
    'are not stored, but posted, as other names without a text are; the reference throws',
    ['answer of track', POSTED],
  ],
  ['big events', 'over maxEventBytes (256 KiB) are refused', ['event document', NOT_POSTED]],
  ['BigInt over 64 bits', 'is refused; the reference stores another number', ['event document']],
  [
    'refused data',
    'has no effect at all; the reference loses the event, but counts and posts it',
    ['daily counter', NOT_POSTED],
  ],
  [
    'long ids and names',
    'over 256 bytes are refused',
    ['event document', NOT_POSTED, 'session document', 'daily counter', 'daily dau'],
  ],
  [
    'data changed after the call',
    'is stored as it was at the call; the reference reads it when it writes',
    ['data of an event'],
  ],
  ['special keys', 'of data are stored; the reference drops them', ['data of an event']],
  ['time of the post', 'is that of the call; the reference gives the sending', ['ts of a post']],
  [
    'days that left memory',
    'are added to; the reference forgets days before yesterday and overwrites their totals',
    ['daily counter'],
  ],
  [
    'the same id of another type',
    'logs out; the reference keeps sessions by the value passed',
    [
      ...['session: logoutAt', 'session: durationS', 'daily counter'],
      ...['active sessions of metrics', 'mean session of metrics'],
    ],
  ],
  [
    'one user in several types',
    'is one user of the day; the reference counts values',
    ['daily dau', 'dau of metrics', 'active sessions of metrics'],
  ],
  [
    'a logout before its login is done',
    'ends the session, as calls take effect in call order; the reference ignores it',
    [
      ...['session: logoutAt', 'session: durationS', 'daily counter'],
      ...['active sessions of metrics', 'mean session of metrics'],
    ],
  ],
  [
    'two instances',
    'add up; those of the reference overwrite each other',
    ['daily counter', 'daily dau', 'dau of metrics'],
  ],
  [
    'calls after stop',
    'are refused until the next start; the reference goes on',
    ['event document', 'daily counter', NOT_POSTED],
  ],
  ['start twice', 'is one start; the reference starts and prints twice', ['lines on stdout']],
];

const exceptions = MEANT.flatMap(([provokes, reason, names]) =>
  names.map((field) => ({ name: `${provokes}: ${field}`, provokes, reason, field, allows })),
);

// The one that has no exact value: the sum depends on the order of the additions.
exceptions.push({
  name: 'fractions in another order: daily counter',
  provokes: 'fractions in another order',
  reason: 'sums of fractions are equal within 1e-9 relative',
  field: 'daily counter',
  isEqual: equalUpToRounding,
  allows,
});

/** Whether this exception explains the difference. */
function allows(difference, model) {
  const { match, expected } = fields[this.field];
  const target = match(difference.path, difference);
  if (target === undefined || !model.wasTouched(this.provokes, ...target)) return false;
  const isEqual = this.isEqual ?? equal;
  return isEqual(difference.addon, expected(difference.path, model, difference));
}

function equal(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

function equalUpToRounding(one, other) {
  const [a, b] = [numberOf(one), numberOf(other)];
  return Math.abs(a - b) <= RELATIVE_TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

function numberOf(value) {
  return Number(value?.$numberInt ?? value?.$numberDouble ?? value);
}

/** `{ used: [exception…], unmeant: [difference…] }` */
function judge(differences, model) {
  const used = [];
  const unmeant = [];
  for (const difference of differences) {
    const exception = exceptions.find((one) => one.allows(difference, model));
    if (exception) used.push(exception);
    else unmeant.push(difference);
  }
  return { used, unmeant };
}

module.exports = { exceptions, judge };
