/**
 * Collections: indexes, how long documents are kept, days with several documents, and sizes.
 */
'use strict';

const { counted, note, ok, wrong } = require('./finding.js');

const DAY_S = 86_400;
const EVENTS_KEPT_S = 7 * DAY_S;
const UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'];
const DAYS_NAMED = 5;

/** @typedef {import('./finding.js').Finding} Finding */

/**
 * @param {any} facts
 * @param {{ days: any[], hasSamples: boolean }} known `days`: daily documents, newest first; `hasSamples`: whether
 *   any process has said that it is here
 * @returns {Finding[]}
 */
function collectionFindings({ database, collections, doubleDays }, { days, hasSamples }) {
  const there = collections.filter((/** @type {any} */ one) => one.exists !== false);
  if (there.length === 0) {
    return [
      wrong(
        'collections',
        `the database ${database} has no collection of a game`,
        'nothing has been stored here yet, or the game uses another database or other names',
        'Compare the connection string with that of the game; name other collections in a file: --options',
      ),
    ];
  }
  return [
    // Only samples need an index in that of reports.
    ...indexFindings(there.filter((/** @type {any} */ { key }) => key !== 'reports' || hasSamples)),
    ...expiryFindings(there),
    doubleFinding(collections, doubleDays),
    ...sizeFindings(there, days),
  ];
}

/**
 * @param {any[]} collections
 * @returns {Finding[]}
 */
function indexFindings(collections) {
  const unknown = collections.filter(({ indexes }) => indexes === null).map(({ name }) => name);
  const findings = collections.flatMap(({ key, name, indexes, expected }) =>
    expected
      .filter((/** @type {any} */ wanted) => indexes !== null && !indexes.some(serves(wanted)))
      .map((/** @type {any} */ wanted) => missingIndex(key, name, wanted)),
  );
  if (unknown.length > 0) {
    const what = `this user may not list the indexes of ${unknown.join(', ')}`;
    return [
      ...findings,
      note('indexes', what, undefined, 'Grant listIndexes to have them looked at'),
    ];
  }
  return findings.length > 0 ? findings : [ok('indexes', 'every index is there')];
}

/**
 * Whether an index does for the wanted one. When documents expire is another question.
 *
 * @param {any} wanted
 */
function serves(wanted) {
  return (/** @type {any} */ index) => {
    const isUnique = index.unique && !index.partial;
    return keysOf(index) === keysOf(wanted) && (isUnique || !wanted.unique) && !index.partial;
  };
}

/** @param {{ keys: Record<string, any> }} index the old shell wrote directions as other numbers */
function keysOf({ keys }) {
  return JSON.stringify(Object.entries(keys).map(([name, direction]) => [name, Number(direction)]));
}

/** @type {(key: string, name: string, wanted: any) => Finding} */
function missingIndex(key, name, wanted) {
  const fields = Object.keys(wanted.keys).join(', ');
  const options = [
    ...(wanted.unique ? ['unique: true'] : []),
    ...(wanted.expireAfterS === null ? [] : [`expireAfterSeconds: ${wanted.expireAfterS}`]),
  ];
  const more = options.length === 0 ? '' : `, { ${options.join(', ')} }`;
  const keys = Object.keys(wanted.keys)
    .map((field) => `${field}: 1`)
    .join(', ');
  const command = `db.${name}.createIndex({ ${keys} }${more})`;
  const kind = wanted.unique ? 'unique index' : 'index';
  return wrong(
    'indexes',
    `${name} has no ${kind} on ${fields}`,
    meaningOf(key, wanted),
    `A running game makes it, if its user has the right createIndex. By hand: ${command}`,
  );
}

/** @type {(key: string, wanted: any) => string} */
function meaningOf(key, wanted) {
  if (wanted.unique) return 'a day could get two documents: totals wait in the memory of the game';
  if (key === 'reports') return 'samples would never be deleted: presence is off';
  if (wanted.expireAfterS !== null)
    return 'documents are never deleted, and reads take longer and longer';
  return 'reads go through the whole collection; exportUser() and deleteUser() reject without that on userId';
}

/**
 * How long events are kept.
 *
 * @param {any[]} collections
 * @returns {Finding[]}
 */
function expiryFindings(collections) {
  const events = collections.find(({ key }) => key === 'events');
  const index = events?.indexes?.find((/** @type {any} */ one) => keysOf(one) === '[["ts",1]]');
  if (index === undefined) return [];
  const { expireAfterS } = index;
  if (expireAfterS === null) {
    return [
      wrong(
        'expiry',
        `the index of ${events.name} on ts deletes nothing`,
        'events are kept for ever, and the collection grows',
        `Drop that index: a running game makes it again, with 7 days`,
      ),
    ];
  }
  const days = Number((expireAfterS / DAY_S).toFixed(1));
  if (expireAfterS === EVENTS_KEPT_S) return [ok('expiry', 'events are kept for 7 days')];
  const means =
    expireAfterS < EVENTS_KEPT_S
      ? 'the last report of a day is made earlier; events that come later are missing in it'
      : 'events take more space; reports do not need them any more after 7 days';
  return [note('expiry', `events are kept for ${counted(days, 'day')}`, means)];
}

/** @type {(collections: any[], days: any[] | null) => Finding} */
function doubleFinding(collections, days) {
  const { name } = collections.find(({ key }) => key === 'daily');
  if (days === null) return note('days', `this user may not read ${name}`);
  if (days.length === 0) return ok('days', 'every day has one document');
  const named = days.slice(0, DAYS_NAMED).map(String).join(', ');
  const more = days.length > DAYS_NAMED ? ` and ${days.length - DAYS_NAMED} more` : '';
  return wrong(
    'days',
    `${name} has several documents for ${named}${more}`,
    'the unique index on day cannot be made, and totals of all days wait in the memory of the game',
    'For each day add the numbers of the others to one of them and delete the others; see docs/troubleshooting.md',
  );
}

/**
 * @param {any[]} collections
 * @param {any[]} days
 * @returns {Finding[]}
 */
function sizeFindings(collections, days) {
  const known = collections.filter(({ bytes }) => bytes !== null);
  if (known.length === 0) {
    return [
      note(
        'size',
        'this user may not see sizes',
        undefined,
        'Grant collStats to have them looked at',
      ),
    ];
  }
  const total = known.reduce((sum, { bytes, indexBytes }) => sum + bytes + indexBytes, 0);
  const parts = known
    .filter(({ bytes }) => bytes > 0)
    .map(
      ({ name, documents, bytes, indexBytes }) =>
        `${name} ${sizeOf(bytes + indexBytes)} (${documents})`,
    );
  const found = `${sizeOf(total)} on disk with indexes: ${parts.join(', ')}`;
  return [note('size', found, growthOf(known, days))];
}

/**
 * What a year adds, by the sessions of the last whole days. Events do not grow: they expire.
 *
 * @param {any[]} collections
 * @param {any[]} days
 */
function growthOf(collections, days) {
  const sessions = collections.find(({ key }) => key === 'sessions');
  const whole = days.slice(1, 8).map((day) => Number(day.sessionCount) || 0);
  if (!sessions || sessions.documents === 0 || whole.length === 0) return undefined;
  const perDay = whole.reduce((sum, count) => sum + count, 0) / whole.length;
  const perSession = (sessions.bytes + sessions.indexBytes) / sessions.documents;
  const year = sizeOf(perDay * perSession * 365);
  return `at ${Math.round(perDay)} sessions a day, sessions add about ${year} a year; events stay as many as they are`;
}

/** @param {number} bytes */
function sizeOf(bytes) {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toPrecision(3)} ${UNITS[unit]}`;
}

module.exports = { collectionFindings, sizeOf };
