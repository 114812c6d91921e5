/**
 * `rollup`: reports that are due are made now.
 */
'use strict';

const { setTimeout: delay } = require('node:timers/promises');

const LOOK_EVERY_MS = 100;

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Makes the reports of days that are due, as a running game does once a minute',
  description: `
Without --day every day that is due is reported, oldest first, and then today. With --day this UTC
day is reported again, whether it is due or not, unless days before it have no report yet; what was
known of its events as a whole stays when these are gone. Several processes may do it at once: a
report is replaced only by a later one. Give the options of the game by --options if it has own
currencies, counters, purchases, fields of reasons and items, funnels or excluded users: a report is
made of them. Needs the rights of the game on the collections of reports and players.`,
  options: {
    day: { type: 'string', value: '<YYYY-MM-DD>', help: 'only this day, UTC' },
    json: { type: 'boolean', help: 'the report as getActivity() shows it, as JSON' },
  },
  examples: ['gso-analytics rollup', 'gso-analytics rollup --day 2026-11-28'],
  async run(context) {
    const { day, options } = context.values;
    if (options === undefined) {
      context.progress(
        'reports are made under default settings: if the game has others, as currencies or excludeUsers, give --options',
      );
    }
    const reader = context.reader({ makesReports: day === undefined });
    if (day === undefined) {
      await context.during(() => `reporting, ${progressOf(reader)}`, dueReported(reader));
    } else {
      await context.during(() => `reporting ${day}`, reader.makeReport(day));
    }
    const range = day === undefined ? { days: 1 } : { days: 1, to: day };
    const [row] = await context.during(() => 'reading', reader.getActivity(range));
    if (context.values.json) await context.out(JSON.stringify(row, null, 2));
    else await context.out(textOf(row));
  },
};

/** @typedef {import('../reader.js').Reader} Reader */

/** @param {Reader} reader */
function progressOf(reader) {
  const { state, daysDone, daysTotal } = reader.getHealth().reports;
  if (state !== 'building') return 'looking which days are due';
  // All days have a report, some are due again, and this process makes none of them.
  if (daysDone === daysTotal) return 'another process is reporting: waiting until it has done so';
  return `${daysDone} of ${daysTotal} days done, here or by another process`;
}

/**
 * Waits until every day that is due is reported, by this process or another one.
 *
 * @param {Reader} reader
 */
async function dueReported(reader) {
  // Rejects where the database cannot be reached.
  await reader.instances();
  for (;;) {
    const { reports, lastError } = reader.getHealth();
    if (reports.state === 'current') return;
    if (reports.state === 'failing')
      throw new Error(`reports cannot be made: ${lastError?.message}`);
    if (reports.state === 'off') {
      throw new Error(
        'reports are off, by the option reports or ANALYTICS_REPORTS, or because the user of the database lacks ' +
          'rights, which gso-analytics doctor names',
      );
    }
    await delay(LOOK_EVERY_MS);
  }
}

/** @param {import('../../../index.js').ActivityDay} row */
function textOf({ day, state, asOf, dau, newUsers, sessions }) {
  const shown = (/** @type {number | null} */ number) => number ?? 'not known';
  return (
    `${day} is ${state} as of ${asOf?.toISOString() ?? 'never'}: users ${shown(dau)}, ` +
    `new ${shown(newUsers)}, sessions ${shown(sessions)}`
  );
}
