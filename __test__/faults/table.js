// The table of a run, as text for a terminal and for a file.
'use strict';

const os = require('node:os');

const round = (number) => (number === undefined ? '' : String(Math.round(number)));
const seconds = (ms) => (ms === undefined ? '' : (ms / 1000).toFixed(1));

const COLUMNS = [
  ['#', ({ number }) => String(number)],
  ['fault', ({ name }) => name],
  ['rounds', ({ rounds }) => round(rounds)],
  ['accepted', ({ accepted }) => round(accepted)],
  ['stored', ({ stored }) => round(stored)],
  ['lost', ({ lost }) => round(lost)],
  ['duplicated', ({ duplicated }) => round(duplicated)],
  ['counter error', ({ counterError }) => round(counterError)],
  ['recovery s', ({ recoveryMs }) => seconds(recoveryMs)],
  ['worst track() ms', ({ worstTrackMs }) => worstTrackMs?.toFixed(1) ?? ''],
  ['loop delay p99 ms (without)', ({ delays = [] }) => delaysText(delays)],
  ['duplicates', ({ duplicates }) => round(duplicates)],
  ['CAS conflicts', ({ casConflicts }) => round(casConflicts)],
  ['replays', ({ replays }) => round(replays)],
  ['refused', ({ refused }) => round(refused)],
  ['s', ({ tookMs }) => round(tookMs / 1000)],
  ['', (row) => [isGood(row) ? '' : 'FAILED', row.note].filter(Boolean).join(' ')],
];

function delaysText(delays) {
  const worst = delays.toSorted((a, b) => b.real - b.noop - (a.real - a.noop))[0];
  return worst ? `${worst.real.toFixed(1)} (${worst.noop?.toFixed(1)})` : '';
}

function isGood({ problems }) {
  return problems.length === 0;
}

/** In Markdown, padded so that it can be read as it is. */
function tableOf(rows) {
  const cells = [COLUMNS.map(([title]) => title), ...rows.map(cellsOf)];
  const widths = COLUMNS.map((_, i) => Math.max(3, ...cells.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [line(cells[0]), line(rule), ...cells.slice(1).map(line)].join('\n');
}

function cellsOf(row) {
  return COLUMNS.map(([, text]) => text(row) ?? '');
}

function machine() {
  const [cpu] = os.cpus();
  const memory = Math.round(os.totalmem() / 2 ** 30);
  const system = `${os.type()} ${os.release()}`;
  return `${os.cpus().length} × ${cpu.model}, ${memory} GiB, ${system}, Node ${process.version}`;
}

module.exports = { isGood, machine, tableOf };
