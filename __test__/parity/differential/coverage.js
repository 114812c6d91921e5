// Counts what was really played and stored by the reference, not what the generator had in mind.
'use strict';

const { BSON: bson } = require('../../support/driver');
const { exceptions } = require('./exceptions');
const { isoOf } = require('./model');
const { COUNTED, ID_TYPES, LOST_ROWS, NO_IDS, ROWS } = require('./payloads');
const { NO_CAST, castOf } = require('./values');

const BSON_TYPES = {
  double: 1,
  string: 2,
  document: 3,
  array: 4,
  binary: 5,
  objectId: 7,
  boolean: 8,
  date: 9,
  null: 10,
  regex: 11,
  int32: 16,
  int64: 18,
  decimal128: 19,
};
const LINES = {
  'events stored': [...Object.keys(COUNTED), 'uncounted'],
  'BSON types in data': Object.keys(BSON_TYPES),
  'rows of data': [...Object.keys(ROWS), ...Object.keys(LOST_ROWS)],
  'ids of events': [...Object.keys(ID_TYPES), ...Object.keys(NO_IDS)],
  'ids of logins': [...Object.keys(ID_TYPES), ...Object.keys(NO_IDS)],
  calls: [
    ...['start', 'stop', 'login', 'login, not awaited', 'logout', 'logout, not awaited'],
    ...['track', 'metrics', 'days'],
  ],
  scenarios: ['day change', 'month change', 'two instances', 'webhook on', 'webhook off'],
  exceptions: exceptions.map(({ name }) => name),
};

class Coverage {
  constructor() {
    this.counts = {};
    for (const [area, names] of Object.entries(LINES)) {
      this.counts[area] = Object.fromEntries(names.map((name) => [name, 0]));
    }
    this.posts = 0;
    this.calls = 0;
  }

  add(area, name, count = 1) {
    this.counts[area][name] += count;
  }

  /** `seen` and `types` are of the reference. */
  scenario(scenario, { seen, types }, used) {
    for (const [name, code] of Object.entries(BSON_TYPES)) {
      if (types.has(code)) this.add('BSON types in data', name);
    }
    for (const { event } of Object.values(seen.gsoevents)) {
      this.add('events stored', Object.hasOwn(COUNTED, event ?? '') ? event : 'uncounted');
    }
    for (const call of scenario.calls) this.call(call, seen);
    this.shape(scenario, seen);
    for (const { name } of used) this.add('exceptions', name);
  }

  call(call, seen) {
    const { op, at, row, id } = call;
    if (op === 'join' || op === 'create') return;
    this.calls += 1;
    this.add('calls', call.wait === false ? `${op}, not awaited` : op);
    const event = seen.gsoevents[isoOf(at)];
    if (row && Boolean(event) === Object.hasOwn(ROWS, row)) this.add('rows of data', row);
    if (op === 'track') this.id('ids of events', id, event, row);
    if (op === 'login') this.id('ids of logins', id, seen.gsosessions[isoOf(at)]);
  }

  /** Counts where the database holds the text that the id has to become; or nothing, if none. */
  id(area, id, document, row) {
    const text = castOf(id, bson);
    const isDropped = text === NO_CAST || (area === 'ids of logins' && !text);
    const isAsMeant = isDropped ? !document : Boolean(document) && document.userId === text;
    if (isAsMeant && !Object.hasOwn(LOST_ROWS, row ?? '')) this.add(area, typeOfId(id));
  }

  shape({ calls, webhook }, seen) {
    const days = Object.values(seen.gsodailies);
    const months = new Set(days.map(({ month }) => month));
    const instances = new Set(calls.filter(({ op }) => op === 'track').map(({ on }) => on));
    const posts = Object.keys(seen.webhook).length;
    if (days.length > 1) this.add('scenarios', 'day change');
    if (months.size > 1) this.add('scenarios', 'month change');
    if (instances.size > 1) this.add('scenarios', 'two instances');
    if (webhook && posts > 0) this.add('scenarios', 'webhook on');
    if (!webhook && posts === 0) this.add('scenarios', 'webhook off');
    this.posts += posts;
  }

  /** What never occurred, as `area: name`. */
  missing() {
    return Object.entries(this.counts).flatMap(([area, counts]) =>
      Object.keys(counts)
        .filter((name) => counts[name] === 0)
        .map((name) => `${area}: ${name}`),
    );
  }

  print() {
    for (const [area, counts] of Object.entries(this.counts)) {
      console.log(`\n${area}`);
      for (const [name, count] of Object.entries(counts)) {
        console.log(`${String(count).padStart(7)}  ${name}`);
      }
    }
    console.log(`\n${this.calls} calls, ${this.posts} posts`);
  }
}

function typeOfId(id) {
  const special = { decimal: 'Decimal128', nan: 'NaN', withText: 'object with toString' };
  const names = Object.keys({ ...ID_TYPES, ...NO_IDS });
  if (id === null) return 'null';
  if (Array.isArray(id)) return 'array';
  if (typeof id === 'string') return typeOfText(id);
  if (typeof id === 'number') return Number.isInteger(id) ? 'number' : 'fraction';
  if (typeof id !== 'object') return typeof id;
  if (id.$ === undefined) return '_id' in id ? 'object with a text _id' : 'plain object';
  return special[id.$] ?? names.find((name) => name.toLowerCase() === id.$.toLowerCase());
}

function typeOfText(id) {
  if (id === '') return 'empty text';
  return /^[\x20-\x7e]+$/.test(id) ? 'string' : 'unusual text';
}

module.exports = { Coverage, typeOfId };
