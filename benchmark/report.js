// The results as people read them: one Markdown text with the machine and the date, printed, and saved
// beside the numbers it was made of.
'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { ROOT } = require('../scripts/steps');
const { TITLES, onePlace, twoPlaces, whole } = require('./format');
const { spread } = require('./statistics');

const FOLDER = path.join(__dirname, 'results');
const SIDES = ['noop', 'reference', 'driver', 'rust', 'addon'];

/** Rows of the table: what, of which measurement, how it is shown. */
const ROWS = [
  ['events stored per second', 'throughput', 'perSecond', whole],
  ['event-loop CPU per event, µs', 'throughput', 'jsCpuUs', twoPlaces],
  ['CPU of the process per event, µs', 'throughput', 'processCpuUs', twoPlaces],
  ['event-loop delay, p99, ms', 'delay', 'p99Ms', twoPlaces],
  ['logins per second, 10 000 at once', 'logins', 'perSecond', whole],
  ['one awaited login, p50, ms', 'logins', 'aloneP50Ms', twoPlaces],
  ['`require()`, ms', 'require', undefined, onePlace],
];

function report(results, { save, server, node }) {
  const machine = describeMachine({ server, node });
  const text = [
    `# Results\n\n${machine}\n`,
    table(results.measured),
    goals(results.measured),
    memory(results.measured),
    results.curves ? curves(results.curves) : '',
  ].join('\n');
  console.log(`\n${text}`);
  if (!save) return;
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, 'results.json'), `${JSON.stringify(results, null, 2)}\n`);
  fs.writeFileSync(path.join(FOLDER, 'README.md'), text);
}

function describeMachine({ server, node }) {
  const [{ model }] = os.cpus();
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const date = new Date().toISOString().slice(0, 10);
  return (
    `${date}; ${os.cpus().length} cores (${model}), shared with mongod ${server.version}; ` +
    `Node ${version}. Medians of all rounds, smallest and largest in brackets.`
  );
}

function table(measured) {
  const head = ['', ...SIDES.map((side) => TITLES[side])];
  const rows = ROWS.map(([title, what, name, show]) => [
    title,
    ...SIDES.map((side) => cell(spread(measured[what][side], name), show)),
  ]);
  return markdown([head, ...rows]);
}

function cell(found, show) {
  if (found === undefined || Number.isNaN(found.median) || found.median === undefined) return '–';
  return `${show(found.median)} (${show(found.min)}–${show(found.max)})`;
}

/** What the package is meant to reach, as ratios of this run. */
function goals(measured) {
  const of = (what, side, name) => spread(measured[what][side], name)?.median;
  const events = (side) => of('throughput', side, 'perSecond');
  const js = (side) => of('throughput', side, 'jsCpuUs');
  const own = js('addon') - js('noop');
  const all = [
    ['events/s beside pure Rust', events('addon') / events('rust'), '≥ 0.95'],
    ['events/s beside plain JavaScript', events('addon') / events('driver'), '≥ 1.4'],
    ['events/s beside the replaced class', events('addon') / events('reference'), '≥ 40'],
    ['event-loop CPU above doing nothing, µs', own, '≤ 0.7'],
    ['the same, part of plain JavaScript', own / (js('driver') - js('noop')), '≤ 0.125'],
    ['the same, part of the replaced class', own / (js('reference') - js('noop')), '≤ 0.0033'],
    ['process CPU per event, µs', of('throughput', 'addon', 'processCpuUs'), '≤ 4'],
    [
      'the same, part of plain JavaScript',
      of('throughput', 'addon', 'processCpuUs') / of('throughput', 'driver', 'processCpuUs'),
      '≤ 0.4',
    ],
    [
      'delay p99 above doing nothing, ms',
      of('delay', 'addon', 'p99Ms') - of('delay', 'noop', 'p99Ms'),
      '≤ 2',
    ],
    [
      'logins/s beside the replaced class',
      of('logins', 'addon', 'perSecond') / of('logins', 'reference', 'perSecond'),
      '≥ 20',
    ],
    [
      'lone login p50, part of the replaced class',
      of('logins', 'addon', 'aloneP50Ms') / of('logins', 'reference', 'aloneP50Ms'),
      '≤ 1',
    ],
    ['`require()`, ms', of('require', 'addon'), '≤ 40'],
    ['size of the binary, MB', binaryBytes() / 1e6, '≤ 12'],
  ];
  const rows = all.map(([what, value, goal]) => [
    what,
    Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–',
    goal,
  ]);
  return markdown([['ratio of medians', 'this run', 'goal'], ...rows]);
}

function binaryBytes() {
  const [binary] = fs.readdirSync(ROOT).filter((name) => name.endsWith('.node'));
  return fs.statSync(path.join(ROOT, binary)).size;
}

function memory({ burst }) {
  const rows = Object.entries(burst).map(([side, [result]]) => [
    TITLES[side],
    onePlace(result.aboveIdleBytes / 2 ** 20),
    result.queued === undefined ? '–' : whole(result.queued),
    result.queued ? whole(result.aboveIdleBytes / result.queued) : '–',
  ]);
  const head = ['burst', 'MiB above idle', 'most events queued', 'bytes per queued event'];
  return markdown([head, ...rows]);
}

function curves({ payloads, processes, readable, logins }) {
  const perSecond = (result) => whole(result.perSecond);
  const sides = ['driver', 'rust', 'addon'];
  return [
    markdown([
      ['bytes of `data`', ...sides.map((side) => `${TITLES[side]}, events/s`)],
      ...payloads.map((row) => [whole(row.bytes), ...sides.map((side) => perSecond(row[side]))]),
    ]),
    markdown([
      ['processes on one database', 'events/s in all'],
      ...processes.map((row) => [whole(row.count), perSecond(row)]),
    ]),
    markdown([
      ['events/s beside it', '`track()` to readable, p50, ms', 'p99, ms'],
      ...readable.map((row) => [whole(row.rate), twoPlaces(row.p50Ms), twoPlaces(row.p99Ms)]),
    ]),
    markdown([
      ['an awaited login', 'p50, ms', 'p99, ms'],
      ['under 20 000 events/s', ...waits(logins.underLoad)],
      [`during a catch-up of ${whole(logins.catchUp.queued)} records`, ...waits(logins.catchUp)],
    ]),
  ].join('\n');
}

function waits({ p50Ms, p99Ms }) {
  return [twoPlaces(p50Ms), twoPlaces(p99Ms)];
}

function markdown([head, ...rows]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`;
}

module.exports = { report };
