/**
 * The server: its version, its kind, and its clock beside that of this host.
 */
'use strict';

const { note, ok, wrong } = require('./finding.js');

/** Clocks that differ by less are no problem. */
const CLOCK_S = 5;
const OLDEST = [4, 2];

/** @typedef {import('./finding.js').Finding} Finding */

/**
 * @param {any} facts
 * @returns {Finding[]}
 */
function serverFindings({ server, serverTime, hostTime }) {
  return [versionFinding(server), clockFinding('clock', 'this host', hostTime, serverTime)];
}

/** @param {{ version: string | null, setName: string | null, isRouter: boolean }} server */
function versionFinding({ version, setName, isRouter }) {
  if (version === null) return note('server', 'the server does not tell its version');
  const [major, minor] = version.split('.').map(Number);
  const kind = isRouter
    ? 'router of a sharded cluster'
    : setName
      ? `replica set ${setName}`
      : 'alone';
  const found = `MongoDB ${version}, ${kind}`;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    return wrong(
      'server',
      found,
      'this version lacks what totals need',
      'Use MongoDB 4.2 or later',
    );
  }
  if (isRouter) {
    return note(
      'server',
      found,
      'this has not been run on a sharded cluster',
      'See docs/data-model.md',
    );
  }
  if (!setName) {
    return note('server', found, 'what the disk of this server loses is lost', 'Use a replica set');
  }
  return ok('server', found);
}

/**
 * @param {string} check
 * @param {string} whose
 * @param {Date} hostTime
 * @param {Date} serverTime
 */
function clockFinding(check, whose, hostTime, serverTime) {
  const ahead = (hostTime.getTime() - serverTime.getTime()) / 1000;
  const difference = Math.abs(ahead);
  if (difference <= CLOCK_S)
    return ok(check, `${whose} and the server differ by less than ${CLOCK_S} s`);
  const way = ahead > 0 ? 'ahead of' : 'behind';
  return wrong(
    check,
    `the clock of ${whose} is ${difference.toFixed(0)} s ${way} the server's`,
    'the game dates records by its own clock, reports are made by that of the server: records near midnight ' +
      'are on another day than the reports expect',
    'Synchronise both by NTP',
  );
}

module.exports = { clockFinding, serverFindings };
