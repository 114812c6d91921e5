/**
 * What `doctor` finds: what it is, what it means and what to do.
 */
'use strict';

/**
 * @typedef {object} Finding
 * @property {string} check
 * @property {'ok' | 'note' | 'wrong'} state `note`: worth knowing; `wrong`: something is to be done
 * @property {string} found
 * @property {string} [means] for the data
 * @property {string} [todo]
 */

/** @type {(check: string, found: string) => Finding} */
const ok = (check, found) => ({ check, state: 'ok', found });

/** @type {(check: string, found: string, means?: string, todo?: string) => Finding} */
const note = (check, found, means, todo) => ({ check, state: 'note', found, means, todo });

/** @type {(check: string, found: string, means: string, todo: string) => Finding} */
const wrong = (check, found, means, todo) => ({ check, state: 'wrong', found, means, todo });

/** @type {(count: number, one: string, more?: string) => string} */
const counted = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;

module.exports = { counted, note, ok, wrong };
