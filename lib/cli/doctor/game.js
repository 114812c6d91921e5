/**
 * The processes of the game, by what they store every 20 s, and the reports that they make.
 */
'use strict';

const { version } = require('../../../package.json');
const { counted, note, ok, wrong } = require('./finding.js');
const { clockFinding } = require('./server.js');

const DAYS_NAMED = 5;

/** @typedef {import('./finding.js').Finding} Finding */

/**
 * @param {any} facts
 * @param {{ now: Date, instances: any[] }} presence
 * @returns {Finding[]}
 */
function gameFindings(facts, { instances }) {
  const here = instances.filter(({ isHere }) => isHere);
  const lost = instances.filter((one) => !one.isHere && !one.hasEnded && !one.isDead);
  return [
    processFinding(here),
    ...here.flatMap(instanceFindings),
    ...(lost.length === 0 ? [] : [lostFinding(lost)]),
    ...versionFindings(here),
    ...reportFindings(facts),
  ];
}

/** @param {any[]} here */
function processFinding(here) {
  if (here.length === 0) {
    return note(
      'processes',
      'no process of the game has been here for 45 s',
      'none runs, none reaches this database, or presence is off in all of them',
      'If one runs, look at its log and at getHealth()',
    );
  }
  const players = here.reduce((sum, one) => sum + Number(one.players), 0);
  return ok(
    'processes',
    `${counted(here.length, 'process', 'processes')} here, ${players} players online`,
  );
}

/**
 * @param {any} instance
 * @returns {Finding[]}
 */
function instanceFindings({ id, name, at, hostTime, health }) {
  const who = `process ${name ?? id}`;
  // A sample may hold anything.
  const clock =
    hostTime instanceof Date && at instanceof Date
      ? [clockFinding('clock', who, hostTime, at)]
      : [];
  return [
    ...clock.filter(({ state }) => state !== 'ok'),
    ...(health.totals === 'blocked' ? [blockedFinding(who)] : []),
    ...(Number(health.dropped) > 0 ? [droppedFinding(who, health.dropped)] : []),
    ...(health.destinations ?? []).flatMap((/** @type {any} */ one) =>
      destinationFindings(who, one),
    ),
  ];
}

/** @param {string} who */
function blockedFinding(who) {
  return wrong(
    'totals',
    `the totals of ${who} are blocked`,
    'events and sessions are stored; what they add to the totals waits in its memory, and is lost if it crashes',
    'The checks of indexes, days and rights here say why; see docs/troubleshooting.md',
  );
}

/** @type {(who: string, count: number) => Finding} */
function droppedFinding(who, count) {
  return wrong(
    'records',
    `${who} has dropped ${counted(Number(count), 'record')}`,
    'these accepted records are lost',
    'Its log, and getHealth().dropped there, give the reasons; see docs/monitoring.md',
  );
}

/** @type {(who: string, destination: any) => Finding[]} */
function destinationFindings(who, { name, circuit, queued, lastError }) {
  if (circuit === 'closed') return [];
  return [
    wrong(
      'destinations',
      `the destination ${name} of ${who} is ${circuit}, ${counted(Number(queued), 'event')} waiting`,
      'events are stored in MongoDB and do not reach the destination',
      lastError ? `Its last error: ${lastError}` : 'Its log says why',
    ),
  ];
}

/** @param {any[]} lost */
function lostFinding(lost) {
  const who = lost.map(({ name, id }) => name ?? id).join(', ');
  return note(
    'processes',
    `${counted(lost.length, 'process', 'processes')} went away without stop(): ${who}`,
    'sessions of their players may stay open, and records that waited in memory are lost, unless spoolDir keeps them',
  );
}

/**
 * @param {any[]} here
 * @returns {Finding[]}
 */
function versionFindings(here) {
  const versions = [...new Set(here.map(({ health }) => health.version))];
  const others = versions.filter((one) => one !== version);
  if (others.length === 0) return [];
  const found = `the game runs ${others.join(' and ')}, this is ${version}`;
  return [note('versions', found, 'what is stored may differ from what this command expects')];
}

/**
 * @param {any} facts
 * @returns {Finding[]}
 */
function reportFindings({ dueDays, missingDays }) {
  if (dueDays === undefined) return [note('reports', 'this user may not read the reports')];
  if (missingDays.length > 0) {
    const named = missingDays.slice(-DAYS_NAMED).join(', ');
    return [
      wrong(
        'reports',
        `${counted(missingDays.length, 'day')} without a report, the newest ${named}`,
        'methods that answer out of reports reject or show no numbers for them; events are deleted after 7 days',
        'A running game makes them; gso-analytics rollup does it now',
      ),
    ];
  }
  if (dueDays.length > 0) {
    const found = `${counted(dueDays.length, 'day')} to be reported again`;
    return [note('reports', found, 'late records are not in the reports of these days yet')];
  }
  return [ok('reports', 'every day that is due is reported')];
}

module.exports = { gameFindings };
