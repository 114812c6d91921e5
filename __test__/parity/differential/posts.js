// What the webhook gets of a call, up to its time: from the class ids and names as they were passed, from
// the addon as the text that is stored, but for numbers and truth values.
'use strict';

const { BSON: bson } = require('../../support/driver');
const { NO_CAST, castOf, makeValue } = require('./values');

function saidByClass({ event, id, data }) {
  return said(...[event, id, data].map((one) => makeValue(one, bson)));
}

function saidByAddon({ event, id, data }) {
  return said(posted(event), posted(id), makeValue(data, bson));
}

/** `undefined` for what is not posted. */
function said(event, userId, data = {}) {
  try {
    return JSON.stringify({ event, userId, data }).slice(0, -1);
  } catch {
    return undefined;
  }
}

function posted(spec) {
  const value = makeValue(spec, bson);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = castOf(spec, bson);
  return text === NO_CAST ? value : text;
}

/** The name of what is posted at this time. */
function atMoment(said, time) {
  return `${said} ${new Date(time ?? 0).toISOString()}`;
}

/** Posts of the class by what the addon says instead: of a moment, since ids that differ may look the same. */
function translations({ calls }) {
  const tracked = calls.filter(({ op }) => op === 'track');
  return new Map(
    tracked.flatMap((call) => [
      [saidByClass(call), saidByAddon(call)],
      [atMoment(saidByClass(call), call.at), saidByAddon(call)],
    ]),
  );
}

/** Posts that only the addon sends: of an id that JSON has no form of, as a BigInt. */
function additions({ calls }) {
  const tracked = calls.filter((call) => call.op === 'track' && saidByClass(call) === undefined);
  return new Map(tracked.map((call) => [saidByAddon(call), undefined]));
}

module.exports = { additions, atMoment, saidByAddon, translations };
