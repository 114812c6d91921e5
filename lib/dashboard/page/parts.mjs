// Parts of which every section is made.

import { meter } from './chart.mjs';
import { el, isFile } from './dom.mjs';
import { asOfOf, dayLong, dayShort, moment, otherUpTo, STATES, stateOf } from './format.mjs';

/** What to do about an error, by its code, before it is read again. */
const ADVICE = {
  ANALYTICS_REPORTS_OFF:
    'No report is made here. Let a process of the game report its days; or give this command the options of the game by --options, and a user with the rights that docs/data-model.md names.',
  ANALYTICS_HISTORY_BUILDING: 'The stored days are being reported for the first time.',
  ANALYTICS_TIMEOUT: 'The database did not answer in time: see that MongoDB can be reached.',
  ANALYTICS_DATABASE:
    'The database refuses to answer. “gso-analytics doctor” says which right is missing.',
};

/** What to do where a day is not known. */
export const REPORTED =
  'A day is known as soon as a process of the game has reported it, or this command with --options.';

/** What the heading of a section says, of these rows. */
export const headOf = (rows, { id, title, definition }) => ({
  ...{ id, title, definition },
  ...{ asOf: asOfOf(rows), state: stateOf(rows), otherUpTo: otherUpTo(rows) },
});

export const dayLabels = (rows) => rows.map(({ day }) => dayShort(day));
export const isOpen = (rows) => (i) => rows[i].state === 'open';
/** Columns of a table whose rows are days. */
export const DAY = ['Day', ({ day }) => dayLong(day)];
export const STATE = ['State', ({ state }) => STATES[state]];

/** A section with its heading, the line that says of what it is, and its parts. */
export function section({ id, title, definition, asOf, state, otherUpTo, isMixed }, ...parts) {
  const facts = [asOf && `As of ${moment(asOf)}`, state && STATES[state]]
    .filter(Boolean)
    .join(' · ');
  return [
    el(
      'div',
      { class: 'head' },
      el('h2', { id: `${id}-title` }, title),
      facts && el('p', { class: 'facts' }, facts),
    ),
    el('p', { class: 'definition' }, definition),
    (otherUpTo || isMixed) &&
      warning(
        otherUpTo ? `Days up to ${dayShort(otherUpTo)}` : 'Some of these days',
        ' were reported under other options of the game, as “excludeUsers” or “currencies”: they do not compare with the others.',
      ),
    ...parts,
  ];
}

export const panel = (...parts) => el('div', { class: 'panel' }, ...parts);
export const wide = (...parts) => el('div', { class: 'panel wide' }, ...parts);
export const panels = (...parts) => el('div', { class: 'panels' }, ...parts);

/** A number with its name, and what it is of. */
export function tile(name, value, note, href) {
  const body = [
    el('span', { class: 'tile-name' }, name),
    el('strong', {}, value),
    el('span', { class: 'note' }, note),
  ];
  return href
    ? el('a', { class: 'tile', href, 'data-key': name }, ...body)
    : el('div', { class: 'tile' }, ...body);
}

export const tiles = (...list) => el('div', { class: 'tiles' }, ...list);

export const empty = (what, todo) =>
  el('div', { class: 'empty' }, el('p', {}, what), todo && el('p', { class: 'note' }, todo));

export const warning = (...text) => el('p', { class: 'warning' }, ...text);

const AGAIN = isFile
  ? 'They are missing in this file: write the report again.'
  : 'This page tries again by itself.';

/** In place of the parts of a section that cannot be read. */
export function failure({ code, message }) {
  return el(
    'div',
    { class: 'empty' },
    el('p', {}, `${ADVICE[code] ?? 'These figures could not be read.'} ${AGAIN}`),
    el('p', { class: 'note' }, message),
  );
}

/** The name of a row, and a bar for its share of the largest. */
export const barred = (text, share, kind) =>
  el('span', { class: 'barred' }, el('span', { class: 'cut' }, text), meter(share, kind));

/** Rows with bars: the largest fills its cell. */
export const largest = (values) => Math.max(...values.map((value) => Math.abs(value ?? 0)), 1e-9);
