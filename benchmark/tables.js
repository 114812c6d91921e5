// A run as people read it: Markdown with where it was made, what the goals are, and all its tables.
'use strict';

const { TITLES, cell, markdown, onePlace, twoPlaces, whole } = require('./format');
const { REPORTS, reportsGoals, reportsTables } = require('./reports-tables');
const { spread } = require('./statistics');

const SIDES = Object.keys(TITLES);

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

/** Rows of the table of the spool, as above. */
const SPOOL_ROWS = [
  ['events stored per second', 'throughput', 'perSecond', whole],
  ['event-loop CPU per event, µs', 'throughput', 'jsCpuUs', twoPlaces],
  ['CPU of the process per event, µs', 'throughput', 'processCpuUs', twoPlaces],
  ['one awaited login, p50, ms', 'logins', 'aloneP50Ms', twoPlaces],
  ['one awaited login, p99, ms', 'logins', 'aloneP99Ms', twoPlaces],
];

const METRICS =
  'Each call comes after an event and an awaited login, and waits for what is not stored yet: the replaced class for the event, this package also for the totals.';
const COMPANY = 'tracks 20 events a second and logs a user in every second';
const COST = `Each process ${COMPANY}. What is seen between it and mongod:`;

/** Columns of a curve: what an event costs. */
const COSTS = ['events/s', 'event-loop CPU per event, µs', 'CPU of the process per event, µs'];

const FORWARDING =
  'To one receiver on this machine, from the first call to the last answer. This package stores every event in MongoDB as well, the clients of the services do not.';

/** Sides of forwarding. */
const FORWARDERS = {
  addonRaw: 'this package, one request per event',
  addonSegment: 'this package, format `segment`',
  segment: '`@segment/analytics-node`',
  addonPosthog: 'this package, format `posthog`',
  posthog: '`posthog-node`',
  addonMixpanel: 'this package, format `mixpanel`',
  mixpanel: '`mixpanel`, 50 events a request',
  addonAmplitude: 'this package, format `amplitude`',
  amplitude: '`@amplitude/analytics-node`',
  addonGameAnalytics: 'this package, format `gameanalytics`',
};

/** `pictures`, by `{ name, title }`, are shown where they belong. */
function lastRun(results, pictures = []) {
  const picture = (wanted) => {
    const found = pictures.find(({ name }) => name === wanted);
    return found && `![${found.title}](results/${found.name}.svg)`;
  };
  const parts = [
    '## Last run',
    conditions(results),
    table(results.measured),
    picture('throughput'),
    ...['### Goals', goals(results)],
    ...['### Settings of the other sides', ...settings(results)],
    ...['### Memory', memory(results.measured)],
    ...(results.spool ? ['### With a spool', spooled(results.spool)] : []),
    ...(results.curves ? curves(results.curves, picture) : []),
    ...(results.metrics ? snapshots(results.metrics) : []),
    ...(results.cost ? ['### One more process', COST, daily(results.cost)] : []),
    ...(results.forwarding
      ? ['### Forwarding', FORWARDING, forwardingTable(results.forwarding)]
      : []),
    ...(results.reports ? ['### Reports', REPORTS, ...reportsTables(results.reports)] : []),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}

function conditions({ about, rounds }) {
  const { date, cores, model, versions, commit } = about;
  const software = [
    `Node ${versions.node}`,
    versions.driver && `mongodb ${versions.driver} of npm`,
    versions.rustc,
    commit && `commit ${commit}`,
  ];
  return (
    `${date}; ${cores} cores (${model}), shared with mongod ${versions.mongod}; ` +
    `${software.filter(Boolean).join(', ')}. ` +
    `Rounds: ${rounds}; medians, smallest and largest in brackets.`
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

/** What the package is meant to reach, as ratios of this run. */
function goals({ measured, about, metrics, cost, reports }) {
  const of = (what, side, name) => spread(measured[what][side], name)?.median;
  const events = (side) => of('throughput', side, 'perSecond');
  const js = (side) => of('throughput', side, 'jsCpuUs');
  const own = js('addon') - js('noop');
  const all = [
    ['events/s beside pure Rust', events('addon') / events('rust'), '≥ 0.95'],
    ['the same, with a command', events('addon') / events('rustRaw'), '–'],
    ['events/s beside plain JavaScript', events('addon') / events('driver'), '≥ 1.4'],
    ['the same, with a command', events('addon') / events('driverRaw'), '–'],
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
    ['bytes per event queued in a burst', bytesQueued(measured), '≤ 300'],
    ...metricsGoals(metrics),
    ...costGoals(cost),
    ...reportsGoals(reports),
    ['`require()`, ms', of('require', 'addon'), '≤ 40'],
    ['size of the binary, MB', about.binaryBytes / 1e6, '≤ 12'],
  ];
  const rows = all.map(([what, value, goal]) => [
    what,
    Number.isFinite(value) ? String(Number(value.toPrecision(3))) : '–',
    goal,
  ]);
  return markdown([['ratio of medians', 'this run', 'goal'], ...rows]);
}

function metricsGoals(metrics) {
  if (!metrics) return [];
  const few = metrics.months[0].addon;
  const many = metrics.months.at(-1).addon;
  return [
    ['`getMetrics()` of 1 000 sessions above its writes, ms', aboveWait(few), '≤ 5'],
    ['of 1 000 000 sessions', aboveWait(many), '≤ 5'],
    ['with 16 writers of the day', aboveWait(metrics.writers), '≤ 5'],
    ['with 10 000 entries of writers', aboveWait(metrics.entries), '≤ 5'],
    ['all of it, 1 000 000 sessions beside 1 000', many.p50Ms / few.p50Ms, '≤ 1.5'],
  ];
}

function costGoals(cost) {
  if (!cost) return [];
  const { updates } = cost.at(-1);
  return [
    ['updates of the daily document per process and flush interval', updates, '≈ 1'],
    ['bytes by which it grows with each process', growth(cost.at(-1), cost[0]), '≤ 40'],
  ];
}

/** Of the daily document per process, from few processes to more. */
function growth(more, few) {
  return (more.document - few.document) / (more.processes - few.processes);
}

function bytesQueued({ burst: { addon } }) {
  const [{ aboveIdleBytes, queued }] = addon;
  return aboveIdleBytes / queued;
}

function aboveWait({ p50Ms, waitP50Ms }) {
  return p50Ms - waitP50Ms;
}

/** What was chosen, and the events per second of all that were tried. */
function settings({ fastest, tried }) {
  const chosen = Object.entries(fastest).map(
    ([side, { batch, inFlight }]) =>
      `batches of ${whole(batch)}, ${inFlight} in flight for ${TITLES[side]}`,
  );
  const tables = Object.entries(tried ?? {}).map(([side, all]) => trials(side, all, fastest[side]));
  return [`Chosen: ${chosen.join('; ')}.`, ...tables];
}

function trials(side, all, chosen) {
  const batches = [...new Set(all.map(({ batch }) => batch))];
  const counts = [...new Set(all.map(({ inFlight }) => inFlight))];
  const shown = (batch, inFlight) => {
    const found = all.find((one) => one.batch === batch && one.inFlight === inFlight);
    const isChosen = chosen.batch === batch && chosen.inFlight === inFlight;
    return isChosen ? `**${whole(found.perSecond)}**` : whole(found.perSecond);
  };
  return markdown([
    [`${TITLES[side]}, events/s`, ...counts.map((count) => `${count} in flight`)],
    ...batches.map((batch) => [
      `batches of ${whole(batch)}`,
      ...counts.map((count) => shown(batch, count)),
    ]),
  ]);
}

function memory({ burst }) {
  const rows = Object.entries(burst).map(([side, [result]]) => [
    TITLES[side],
    whole(result.events),
    onePlace(result.aboveIdleBytes / 2 ** 20),
    result.queued === undefined ? '–' : whole(result.queued),
    result.queued ? whole(result.aboveIdleBytes / result.queued) : '–',
  ]);
  const head = [
    'burst',
    'events',
    'MiB above idle',
    'queued when all were tracked',
    'bytes per queued event',
  ];
  return markdown([head, ...rows]);
}

/** An awaited login is synced to the disk before it is sent, so the time of a sync is shown beside it. */
function spooled(spool) {
  const rows = SPOOL_ROWS.map(([title, what, name, show]) => {
    const [without, including] = [spool.without[what], spool.with[what]].map((all) =>
      spread(all, name),
    );
    const share = including.median / without.median;
    return [title, cell(without, show), cell(including, show), twoPlaces(share)];
  });
  if (spool.syncP50Ms) {
    const sync = cell(spread(spool.syncP50Ms), twoPlaces);
    rows.push(['`fdatasync` of 4 KiB on that disk alone, p50, ms', '–', sync, '–']);
  }
  return markdown([['this package', 'without a spool', 'with one', 'ratio of medians'], ...rows]);
}

function curves({ payloads, processes, counters, readable, logins }, picture) {
  return [
    ...['### Payloads', sizes(payloads), picture('payloads')],
    ...['### Processes', together(processes), picture('processes')],
    ...(counters ? ["### Counters of the host's own", counted(counters)] : []),
    ...['### Waiting times', delays(readable), picture('readable')],
    ...[awaited(logins), picture('logins')],
  ];
}

function sizes(rows) {
  return markdown([
    ['bytes of `data`', '', ...COSTS],
    ...rows.flatMap((row) =>
      ['driverRaw', 'rustRaw', 'addon'].map((side) => [
        whole(row.bytes),
        TITLES[side],
        ...costs(row[side]),
      ]),
    ),
  ]);
}

/** CPU time of mongod is that between start and end of the first process. */
function together(rows) {
  const [events, ...cpu] = COSTS;
  return markdown([
    [
      'processes on one database',
      `${events} in all`,
      ...cpu.map((title) => `${title}, of the first`),
      'CPU of mongod per event, µs',
    ],
    ...rows.map((row) => [whole(row.count), ...costs(row), micros(row.mongodCpuUs)]),
  ]);
}

function counted(rows) {
  return markdown([
    ['counters that are not built in', ...COSTS],
    ...rows.map((row) => [whole(row.own), ...costs(row)]),
  ]);
}

function costs({ perSecond, jsCpuUs, processCpuUs }) {
  return [whole(perSecond), micros(jsCpuUs), micros(processCpuUs)];
}

/** The Rust client has no event loop. */
function micros(value) {
  return Number.isFinite(value) ? twoPlaces(value) : '–';
}

function delays(rows) {
  return markdown([
    ['events/s beside it', '`track()` to readable, p50, ms', 'p99, ms'],
    ...rows.map((row) => [whole(row.rate), ...waits(row)]),
  ]);
}

function awaited({ underLoad, catchUp }) {
  const during =
    `during a catch-up of ${whole(catchUp.queued)} records, ` +
    `which took ${twoPlaces(catchUp.catchUpMs / 1000)} s`;
  return markdown([
    ['an awaited login', 'p50, ms', 'p99, ms'],
    ['under 20 000 events/s', ...waits(underLoad)],
    [during, ...waits(catchUp)],
  ]);
}

/** All sessions were stored before the side that is measured was there. */
function snapshots({ months, writers, entries }) {
  const of = ({ sessions, users }) => `${whole(sessions)} sessions, ${whole(users)} users`;
  const rows = months.flatMap((month) => [
    ...(month.reference ? [[of(month), TITLES.reference, ...snapshot(month.reference)]] : []),
    [of(month), TITLES.addon, ...snapshot(month.addon)],
  ]);
  const rest = [
    ['16 writers of the day', TITLES.addon, ...snapshot(writers)],
    ['10 000 entries of writers', TITLES.addon, ...snapshot(entries)],
  ];
  const head = ['month', '', 'p50, ms', 'of it waiting for the writes, ms', 'first call, ms'];
  const company = writers.processes
    ? `Each of the other writers is a process that ${COMPANY}.`
    : 'All writers are instances of one process.';
  return ['### `getMetrics()`', `${METRICS} ${company}`, markdown([head, ...rows, ...rest])];
}

function forwardingTable({ sides, flushAt }) {
  // A saved run may be older than a side.
  const measured = Object.entries(FORWARDERS).filter(([side]) => sides[side]);
  const rows = measured.map(([side, title]) => [
    flushAt[side] ? `${title}, \`flushAt: ${flushAt[side]}\`` : title,
    cell(spread(sides[side], 'perSecond'), whole),
    cell(spread(sides[side], 'jsCpuUs'), twoPlaces),
    cell(spread(sides[side], 'processCpuUs'), twoPlaces),
  ]);
  const [, ...cpu] = COSTS;
  return markdown([['', 'events forwarded per second', ...cpu], ...rows]);
}

function snapshot({ error, p50Ms, waitP50Ms, firstMs }) {
  if (error) return [`fails: ${error}`, '–', '–'];
  return [p50Ms, waitP50Ms, firstMs].map(twoPlaces);
}

function daily(rows) {
  const head = [
    'processes',
    'updates of the daily document per process and flush interval',
    'bytes of the largest',
    'bytes of its answer',
    'bytes of the document',
    'of it per further process',
  ];
  const [alone] = rows;
  return markdown([
    head,
    ...rows.map((row) => [
      whole(row.processes),
      twoPlaces(row.updates),
      ...[row.bytes, row.answer, row.document].map(whole),
      row === alone ? '–' : onePlace(growth(row, alone)),
    ]),
  ]);
}

function waits({ p50Ms, p99Ms }) {
  return [twoPlaces(p50Ms), twoPlaces(p99Ms)];
}

module.exports = { forwardingTable, lastRun };
