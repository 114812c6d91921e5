// Who was there, who comes back, how long they stay.

import { barChart, figure, lineChart } from './chart.mjs';
import { behind, el } from './dom.mjs';
import * as f from './format.mjs';
import { meanRetention } from './now.mjs';
import {
  DAY,
  dayLabels,
  empty,
  headOf,
  isOpen,
  panel,
  panels,
  REPORTED,
  STATE,
  section,
  wide,
} from './parts.mjs';
import { timeTicks } from './scale.mjs';

const column = (rows, field) => rows.map((row) => row[field]);
/** A day that is not over would look like a fall. */
const whole = (rows, field) => rows.map((row) => (row.state === 'open' ? null : row[field]));
const isEmpty = (rows, field) => rows.every((row) => !row[field]);
const NO_LOGINS = [
  'No login is known in this range.',
  `Call onLogin() and onLogout() in the game. ${REPORTED}`,
];

const sharesOf = (values) => values.map((value) => (value === null ? null : value * 100));

export function players(rows) {
  const head = headOf(rows, {
    id: 'players',
    title: 'Players',
    definition:
      'Distinct users with a login on the UTC day; new is the first login ever. Week and month are the 7 and 30 days that end with the day.',
  });
  if (isEmpty(rows, 'dau')) return section(head, empty(...NO_LOGINS));
  const labels = dayLabels(rows);
  const daily = (i) =>
    `${f.dayLong(rows[i].day)} · ${f.count(rows[i].dau)} players: ${f.count(rows[i].newUsers)} new, ${f.count(rows[i].returningUsers)} returning`;
  const stickiness = sharesOf(whole(rows, 'stickiness'));
  return section(
    head,
    panels(
      wide(
        figure({
          title: 'Players per day',
          legend: [
            { name: 'new', kind: 'new' },
            { name: 'returning', kind: 'returning' },
          ],
          hint: 'Today, the last bar, is not over',
          draw: barChart({
            stacks: [
              { kind: 'returning', values: column(rows, 'returningUsers') },
              { kind: 'new', values: column(rows, 'newUsers') },
            ],
            ...{ labels, format: f.compact, faded: isOpen(rows), describe: daily, height: 220 },
            label: `Players per day, ${f.dayLong(rows[0].day)} to ${f.dayLong(rows.at(-1).day)}`,
          }),
        }),
      ),
      panel(
        figure({
          title: 'Players per week and month',
          legend: [
            { name: '30 days', kind: 'before' },
            { name: '7 days', kind: 'now' },
          ],
          draw: lineChart({
            lines: [
              { kind: 'before strong', values: whole(rows, 'mau30') },
              { kind: 'now', values: whole(rows, 'wau') },
            ],
            ...{ labels, format: f.compact, label: 'Players of the last 7 and 30 days, by day' },
            describe: (i) =>
              `${f.dayLong(rows[i].day)} · 7 days ${f.count(rows[i].wau)} · 30 days ${f.count(rows[i].mau30)}`,
          }),
        }),
      ),
      panel(
        figure({
          title: 'Stickiness: players of the day by those of 30 days',
          draw: lineChart({
            lines: [{ kind: 'now', values: stickiness }],
            ...{ labels, format: (value) => `${f.amount(value)} %`, label: 'Stickiness by day' },
            describe: (i) => `${f.dayLong(rows[i].day)} · ${f.share(rows[i].stickiness)}`,
          }),
        }),
      ),
    ),
    behind('players', 'players by day', [...rows].reverse(), [
      DAY,
      ['Players', (row) => f.count(row.dau)],
      ['New', (row) => f.count(row.newUsers)],
      ['Returning', (row) => f.count(row.returningUsers)],
      ['Registered', (row) => f.count(row.registered)],
      ['7 days', (row) => f.count(row.wau)],
      ['30 days', (row) => f.count(row.mau30)],
      ['Stickiness', (row) => f.share(row.stickiness)],
      ['Logins', (row) => f.count(row.sessions)],
      ['Logins per player', (row) => f.amount(row.sessionsPerUser)],
      STATE,
    ]),
  );
}

/** Of the table on the page; the one behind it has all. */
const COHORTS = 16;

export function retention(cohorts) {
  const head = headOf(cohorts, {
    id: 'retention',
    title: 'Retention',
    definition:
      'Of the users whose first login ever was on a UTC day, the share who logged in exactly N days later. Grey: that day is not over.',
  });
  if (isEmpty(cohorts, 'size'))
    return section(head, empty('No new player is known in this range.', NO_LOGINS[1]));
  const days = Object.keys(cohorts[0].retained).map(Number);
  const known = days.filter((n) => cohorts.some(({ retained }) => retained[n] !== null));
  const means = known.map((n) => ({ n, ...meanRetention(cohorts, n) }));
  const shown = [...cohorts]
    .reverse()
    .filter(({ size, state }) => size > 0 || state === 'open')
    .slice(0, COHORTS);
  const inTable = known.filter((n) => shown.some(({ retained }) => retained[n] !== null));
  const describe = (i) =>
    `Day ${means[i].n} · ${f.share(means[i].share)}: ${f.count(means[i].returned)} of ${f.plural(means[i].size, 'new player')}, ${f.dayShort(means[i].from)} to ${f.dayShort(means[i].to)}`;
  return section(
    head,
    panels(
      panel(
        known.length === 0
          ? empty(
              'No cohort has a first day after it yet.',
              'Day-1 retention is known when the day after a first login is over.',
            )
          : figure({
              title: 'Who comes back: newest seven known cohorts',
              hint: means.filter(({ n }) => n === 1).map((_, i) => describe(i))[0] ?? '',
              draw: barChart({
                stacks: [
                  { kind: 'returning', values: means.map(({ share }) => (share ?? 0) * 100) },
                ],
                labels: means.map(({ n }) => `Day ${n}`),
                ...{
                  format: (value) => `${f.amount(value)} %`,
                  describe,
                  height: 400,
                  labelWidth: 44,
                },
                label: `Mean retention: ${means.map(({ n, share }) => `day ${n} ${f.share(share)}`).join(', ')}`,
              }),
            }),
      ),
      panel(el('h3', {}, 'By first day'), heat(shown, inTable.length > 0 ? inTable : [1])),
    ),
    behind('retention', 'returned players by first day', [...cohorts].reverse(), [
      ['First day', ({ day }) => f.dayLong(day)],
      ['New players', ({ size }) => f.count(size)],
      ...days.map((n) => [`Day ${n}`, ({ retained }) => f.count(retained[n])]),
    ]),
  );
}

function heat(cohorts, days) {
  const cell = ({ size, retained }, n) => {
    const value = retained[n];
    if (value === null || !size) return el('td', { class: 'unknown' }, '·');
    const td = el('td', {}, f.share(value / size));
    td.style.setProperty('--share', `${Math.round(Math.min(1, value / size) * 70)}%`);
    return td;
  };
  return el(
    'div',
    {
      ...{ class: 'scroll', tabindex: '0', role: 'region' },
      ...{ 'aria-label': 'Retention by first day', 'data-key': 'retention' },
    },
    el(
      'table',
      { class: 'heat' },
      el(
        'thead',
        {},
        el(
          'tr',
          {},
          ...['First day', 'New', ...days.map((n) => `Day ${n}`)].map((text) =>
            el('th', { scope: 'col' }, text),
          ),
        ),
      ),
      el(
        'tbody',
        {},
        ...cohorts.map((row) =>
          el(
            'tr',
            {},
            el('th', { scope: 'row' }, f.dayLong(row.day)),
            el('td', { class: 'size' }, f.count(row.size)),
            ...days.map((n) => cell(row, n)),
          ),
        ),
      ),
    ),
  );
}

/** Ends of the bars, in seconds. */
const LENGTHS = [60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, Number.POSITIVE_INFINITY];
const LENGTH_NAMES = [
  '<1 min',
  '1–2',
  '2–5',
  '5–10',
  '10–20',
  '20–30',
  '30–60',
  '1–2 h',
  '2–4 h',
  '>4 h',
];

export function sessions(rows) {
  const head = headOf(rows, {
    id: 'sessions',
    title: 'Sessions',
    definition: 'From login to logout, of sessions that ended, on the UTC day of their login.',
  });
  if (isEmpty(rows, 'ended')) return section(head, empty(...NO_LOGINS));
  const labels = dayLabels(rows);
  const counts = LENGTHS.map(() => 0);
  for (const { buckets } of rows) {
    // A bucket ends at 1.1 times the one before; its middle says where it belongs.
    for (const { upToS, count } of buckets ?? [])
      counts[LENGTHS.findIndex((end) => upToS / 1.05 <= end)] += count;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const longest = Math.max(...rows.map(({ p90S }) => p90S ?? 0));
  return section(
    head,
    panels(
      panel(
        figure({
          title: 'Length of a session',
          legend: [
            { name: '9 in 10 are shorter', kind: 'before' },
            { name: 'half are shorter', kind: 'now' },
          ],
          draw: lineChart({
            lines: [
              { kind: 'before strong', values: whole(rows, 'p90S') },
              { kind: 'now', values: whole(rows, 'p50S') },
            ],
            ...{
              labels,
              format: f.minutes,
              scale: timeTicks(longest),
              label: 'Median and 90th percentile of the length, by day',
            },
            describe: (i) =>
              `${f.dayLong(rows[i].day)} · median ${f.seconds(rows[i].p50S)} · 90 % ${f.seconds(rows[i].p90S)} · ${f.plural(rows[i].ended ?? 0, 'session')}`,
          }),
        }),
      ),
      panel(
        figure({
          title: 'Sessions by length, minutes',
          hint: `${f.plural(total, 'session')} in ${f.plural(rows.length, 'day')}; limits of bars within 10 %`,
          draw: barChart({
            stacks: [{ kind: 'returning', values: counts }],
            ...{
              labels: LENGTH_NAMES,
              format: f.compact,
              labelWidth: 46,
              label: 'Sessions by length',
            },
            describe: (i) =>
              `${LENGTH_NAMES[i]}${/h|min/.test(LENGTH_NAMES[i]) ? '' : ' min'} · ${f.plural(counts[i], 'session')}, ${f.share(counts[i] / total)}`,
          }),
        }),
      ),
    ),
    behind('sessions', 'sessions by day of login', [...rows].reverse(), [
      DAY,
      ['Ended', (row) => f.count(row.ended)],
      ['Without logout', (row) => f.count(row.open)],
      ['Mean', (row) => f.seconds(row.meanS)],
      ['Median', (row) => f.seconds(row.p50S)],
      ['90 %', (row) => f.seconds(row.p90S)],
      ['99 %', (row) => f.seconds(row.p99S)],
      STATE,
    ]),
  );
}
