// The fields in which the addon may differ from the reference: how to recognise each in the path of
// a difference, what a provoking call has to have touched for it, and what the addon has to hold.
'use strict';

const { COUNTERS, stored } = require('./model');

const POST = { method: 'POST', path: '/hook', contentType: 'application/json' };
const DAY = /^\d{4}-\d\d-\d\d$/;

/** `match(path, difference)` answers the target that must be touched, or undefined. */
const fields = {
  /** A counter of a daily document: in the database, of today, or among the last 30 days. */
  'daily counter': {
    match: (path) => counterAt(path, (name) => name !== 'dau'),
    expected: counterOf,
  },
  'daily dau': {
    match: (path) => counterAt(path, (name) => name === 'dau'),
    expected: counterOf,
  },
  'daily document': {
    match: ([collection, day, ...rest]) =>
      collection === 'gsodailies' && rest.length === 0 ? ['day', day] : undefined,
    expected: ([, day], model) => model.dailyDocument(day),
  },
  'dau of metrics': metric('dau'),
  'active sessions of metrics': metric('activeSessions'),
  'mean session of metrics': metric('avgSessionMin'),
  'session: logoutAt': session('logoutAt', ({ logoutAt }) => ({
    $date: { $numberLong: String(logoutAt) },
  })),
  'session: durationS': session('durationS', ({ durationS }) => stored(durationS)),
  'session document': missing('gsosessions'),
  'event document': missing('gsoevents'),
  'data of an event': {
    match: ([collection, at, field]) =>
      collection === 'gsoevents' && field === 'data' ? ['at', at] : undefined,
    expected: ([, at, , ...keys], model) => valueAt(model.meantData.get(at), keys),
  },
  'answer of track': {
    match: ([part, name, ...rest]) =>
      part === 'returned' && name.endsWith(' track') && rest.length === 0
        ? ['call', name]
        : undefined,
    expected: () => '<undefined>',
  },
  'post that the addon does not send': {
    match: (path, { reference, addon }) =>
      isPost(path) && addon === undefined ? ['at', reference.ts] : undefined,
    expected: () => undefined,
  },
  'post that the addon sends': {
    match: (path, { reference, addon }) =>
      isPost(path) && reference === undefined ? ['at', addon.ts] : undefined,
    expected: (path, model, { addon }) =>
      isPostOf(path, model, addon.ts) ? { ...POST, ts: addon.ts } : undefined,
  },
  'ts of a post': {
    match: (path, { addon }) =>
      path[0] === 'webhook' && path[2] === 'ts' ? ['at', addon] : undefined,
    expected: (path, model, { addon }) => (isPostOf(path, model, addon) ? addon : undefined),
  },
  'lines on stdout': {
    match: ([part]) => (part === 'printed' ? ['printed'] : undefined),
    expected: (_path, model) => model.printed,
  },
};

function counterAt(path, isMeant) {
  const [day, name] = path.slice(-2);
  return DAY.test(day) && COUNTERS.includes(name) && isMeant(name) ? [day, name] : undefined;
}

/** Of an answer: what was stored at that moment. */
function counterOf(path, model) {
  const [day, name] = path.slice(-2);
  if (path[0] === 'gsodailies') return stored(model.days.get(day).counters[name]);
  return model.answers.get(path[1]).days.get(day)[name];
}

function valueAt(tree, keys) {
  const value = keys.reduce((inner, key) => inner?.[key], tree);
  return value === undefined ? undefined : stored(value);
}

function metric(name) {
  return {
    match: ([part, call, how, field]) =>
      part === 'returned' && call.endsWith(' metrics') && how === 'resolved' && field === name
        ? ['call', call]
        : undefined,
    expected: ([, call], model) => model.answers.get(call)[name],
  };
}

function session(name, value) {
  return {
    match: ([collection, at, field]) =>
      collection === 'gsosessions' && field === name ? ['at', at] : undefined,
    expected: ([, at], model) => value(model.sessions.get(Date.parse(at))),
  };
}

/** A document of the reference that the addon does not write. */
function missing(wanted) {
  return {
    match: ([collection, at, ...rest]) =>
      collection === wanted && rest.length === 0 ? ['at', at] : undefined,
    expected: () => undefined,
  };
}

/** Whether the post is that of the call of this moment; equal posts are numbered. */
function isPostOf(path, model, at) {
  return path[1].replace(/ \(\d+\)$/, '') === model.meantPosts.get(at);
}

function isPost(path) {
  return path[0] === 'webhook' && path.length === 2;
}

module.exports = { fields };
