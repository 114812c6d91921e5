/**
 * The report: the page as one file with its figures inside.
 */
'use strict';

const { filedPage } = require('./page.js');

/**
 * @param {import('./figures.js').Figures} figures
 * @param {{ version: string, days: number }} about
 * @returns {Promise<{ html: string, problems: string[] }>} `problems`: of the sections that could not be read
 */
async function reportFile(figures, about) {
  const sections = await figures.all();
  const problems = Object.entries(sections).flatMap(([name, { error }]) =>
    error === undefined ? [] : `${name} could not be read: ${error.message}`,
  );
  return { html: filedPage({ generatedAt: new Date(), ...about, sections }), problems };
}

module.exports = { reportFile };
