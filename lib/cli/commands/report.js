/**
 * `report`: the page of the dashboard as one file.
 */
'use strict';

const fs = require('node:fs/promises');
const { UsageError } = require('../arguments.js');
const { NO_ROLLUP, openFigures } = require('../figures.js');

const DAYS = 30;
const MOST_DAYS = 366;

/** @type {import('./index.js').Command} */
module.exports = {
  summary: 'Writes the figures of the game to one HTML file',
  description: `
The file is the page of the dashboard with its figures inside. It opens from disk, asks nothing of
the network, and can be mailed. It holds no ids of users and no secrets. With --options, reports
that are due are made, too, as the game makes them; without, days are shown that the game has
reported.`,
  options: {
    out: { type: 'string', value: '<file>', help: 'the file, which is replaced if it exists' },
    days: {
      type: 'string',
      value: '<days>',
      help: `days to show, 1 to ${MOST_DAYS}, ${DAYS} by default`,
    },
    'no-rollup': NO_ROLLUP,
  },
  examples: [
    'gso-analytics report --out report.html',
    'gso-analytics report --out report.html --days 90',
  ],
  async run(context) {
    // What the file needs is loaded by this command only.
    const { reportFile } = require('../../dashboard/report.js');
    const { out } = context.values;
    if (!out) throw new UsageError('which file? --out report.html');
    const { figures, about } = openFigures(context, daysOf(context.values.days));
    const { html, problems } = await context.during(
      () => 'reading the figures',
      reportFile(figures, about),
    );
    await fs.writeFile(out, html);
    await context.out(out);
    for (const problem of problems) context.progress(problem);
    return problems.length === 0 ? 0 : 1;
  },
};

/** @param {string | undefined} text */
function daysOf(text) {
  const days = Number(text ?? DAYS);
  if (text !== '' && Number.isInteger(days) && days >= 1 && days <= MOST_DAYS) return days;
  throw new UsageError(`--days must be a whole number from 1 to ${MOST_DAYS}`);
}
