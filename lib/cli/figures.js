/**
 * The figures of the dashboard and of the report, out of the database that a command was given.
 */
'use strict';

const { Figures } = require('../dashboard/figures.js');
const { version } = require('../../package.json');

/**
 * Option of both commands.
 *
 * @type {import('./commands/index.js').Option}
 */
const NO_ROLLUP = {
  type: 'boolean',
  help: 'makes no report, and shows only days that the game has reported, as without --options; for a user who may only read',
};

/**
 * @param {import('./context.js').Context} context
 * @param {number} days that are shown
 */
function openFigures(context, days) {
  const analytics = context.reader({ makesReports: makesReports(context) });
  const own = Object.entries(context.fileOptions().funnels ?? {});
  const survey = () => surveyOf(analytics);
  const funnels = (/** @type {number} */ shown) => funnelsOf(analytics, own, shown);
  return { figures: new Figures({ analytics, survey, funnels, days }), about: { version, days } };
}

/**
 * A report is made of options of the game. Without them one of the game would be replaced by another.
 *
 * @param {import('./context.js').Context} context
 */
function makesReports(context) {
  const { options, 'no-rollup': isOff } = context.values;
  if (isOff) return false;
  if (options !== undefined) return true;
  context.progress(
    'no report is made without --options: days that no process of the game has reported are not known; ' +
      'give the options of the game in that file, {} if all are default',
  );
  return false;
}

/**
 * How every process is, as the page shows it.
 *
 * @param {import('./reader.js').Reader} reader
 */
async function surveyOf(reader) {
  const { now, instances } = await reader.instances();
  return {
    asOf: now,
    instances: instances.map(({ players, at, health, ...is }) => ({
      ...{ state: stateOf(is), seenAt: at, players },
      health: health ?? {},
    })),
  };
}

/**
 * The funnels of the file of options, or without any those that the game declares.
 *
 * @param {import('./reader.js').Reader} reader
 * @param {[string, any][]} own
 * @param {number} days
 */
async function funnelsOf(reader, own, days) {
  const given = own.flatMap(([name, funnel]) => (funnel ? [{ name, ...funnel }] : []));
  const declared = given.length > 0 ? given : await reader.declaredFunnels();
  return Promise.all(
    declared.map(async (funnel) => ({
      name: funnel.name,
      ...(await reader.getDeclaredFunnel(funnel, { days })),
    })),
  );
}

/** @param {any} instance */
function stateOf({ hasEnded, isDead, isHere }) {
  if (hasEnded) return 'ended';
  if (isDead) return 'dead';
  return isHere ? 'here' : 'silent';
}

module.exports = { NO_ROLLUP, openFigures };
