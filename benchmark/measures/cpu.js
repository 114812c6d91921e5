// CPU time of another process, on Linux only.
'use strict';

const fs = require('node:fs');

/** Clock ticks of Linux. */
const TICK_MS = 10;

/** Milliseconds since it began, of all its threads; NaN on other systems. */
function cpuMs(pid) {
  if (process.platform !== 'linux') return Number.NaN;
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

module.exports = { cpuMs };
