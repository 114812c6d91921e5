// What reports cost, as people read it.
'use strict';

const { cell, markdown, onePlace, twoPlaces, whole } = require('./format');
const { spread } = require('./statistics');

const REPORTS =
  'One process reports yesterday while another stores a durable batch of 200 events every 100 ms. Methods are asked about 30 days, then with ten times as many days stored.';

function reportsTables({ scale, day, getters, track }) {
  return [
    `${whole(day.events)} events and ${whole(day.sessions)} sessions of one day; ${whole(getters.sessions)} sessions of ${getters.days} days, ${whole(getters.users)} users a day; scale ${scale}.`,
    dayTable(day),
    gettersTable(getters),
    trackTable(track),
  ];
}

function dayTable({ mongodCpuMs, groupCpuMs, ms, reportBytes, clientBytes, batches }) {
  const batch = ({ p50Ms, p99Ms, batches: count }) =>
    `${onePlace(p50Ms)} and ${onePlace(p99Ms)} (${count} batches)`;
  return markdown([
    ['the report of a day', ''],
    ['CPU of mongod, ms', whole(mongodCpuMs)],
    ['CPU of one `$group` by event, reason and item, ms', whole(groupCpuMs)],
    ['the job, ms', whole(ms)],
    ['bytes of the report', whole(reportBytes)],
    ['memory of the process above idle, MiB', onePlace(clientBytes / 2 ** 20)],
    ['a durable batch without it, p50 and p99, ms', batch(batches.alone)],
    ['a durable batch beside it, p50 and p99, ms', batch(batches.beside)],
  ]);
}

function gettersTable({ short, long }) {
  const rows = Object.entries(short).map(([name, { p50Ms, p99Ms }]) => [
    `\`${name}()\``,
    twoPlaces(p50Ms),
    twoPlaces(p99Ms),
    twoPlaces(long[name].p50Ms),
    twoPlaces(long[name].p50Ms / p50Ms),
  ]);
  return markdown([
    ['', 'p50, ms', 'p99, ms', 'p50 with ten times the history, ms', 'ratio'],
    ...rows,
  ]);
}

function trackTable({ on, off }) {
  const row = (title, name, show) => {
    const [having, without] = [spread(on, name), spread(off, name)];
    const share = having.median / without.median;
    return [title, cell(without, show), cell(having, show), twoPlaces(share)];
  };
  return markdown([
    ['`track()`', 'reports off', 'reports on', 'ratio of medians'],
    row('events stored per second', 'perSecond', whole),
    row('event-loop CPU per event, µs', 'jsCpuUs', twoPlaces),
  ]);
}

/** Of a run of full size. */
function reportsGoals(reports) {
  if (!reports) return [];
  const { day, getters, track } = reports;
  const slowest = (all) => Math.max(...Object.values(all).map(({ p50Ms }) => p50Ms));
  const ratios = Object.entries(getters.short).map(
    ([name, { p50Ms }]) => getters.long[name].p50Ms / p50Ms,
  );
  const ratio = (name) => spread(track.on, name).median / spread(track.off, name).median;
  return [
    [
      'CPU of mongod for the report of a day beside one `$group`',
      day.mongodCpuMs / day.groupCpuMs,
      '≤ 2.5',
    ],
    ['KiB of the report of a day', day.reportBytes / 1024, '≤ 64'],
    ['memory of the process that makes it, MiB', day.clientBytes / 2 ** 20, '≤ 64'],
    ['the slowest method that answers out of reports, p50, ms', slowest(getters.short), '≤ 20'],
    ['ten times the history, the largest ratio', Math.max(...ratios), '≤ 1.3'],
    ['events/s with reports beside without', ratio('perSecond'), '≥ 0.98'],
    ['event-loop CPU with reports beside without', ratio('jsCpuUs'), '≤ 1.02'],
  ];
}

module.exports = { REPORTS, reportsGoals, reportsTables };
