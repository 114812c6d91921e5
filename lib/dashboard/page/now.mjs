// The first screen: who is online, whether today is normal, what changed.

import { figure, lineChart, strip } from './chart.mjs';
import { behind, el } from './dom.mjs';
import * as f from './format.mjs';
import { empty, failure, panel, section, tile, tiles } from './parts.mjs';

const STEPS = 288;
const HOURS = Array.from({ length: STEPS }, (_, i) => f.hour(i * 300));

export const HEAD = {
  id: 'now',
  title: 'Now',
  definition:
    'Players online: the sum of the newest samples of all processes, at most 45 s old. All times and days are UTC.',
};

export function now({ live, past, changes, tops }) {
  if (!live || live.error) {
    return section(HEAD, live ? failure(live.error) : empty('Reading …'));
  }
  return section(
    { ...HEAD, asOf: live.asOf },
    el(
      'div',
      { class: 'first' },
      online(live),
      panel(curve(live, past?.error ? null : past)),
      normal(live),
      changed(changes),
    ),
    tops && tiles(...tops),
  );
}

function online({ now: players, processes, byInstance, peak, peakAt }) {
  const named = byInstance.filter(({ instance }) => instance !== null);
  const of = el(
    'ul',
    { class: 'plain' },
    ...named
      .slice(0, 6)
      .map((one) =>
        el(
          'li',
          {},
          el('span', { class: 'cut' }, f.name(one.instance)),
          el('b', {}, f.count(one.now)),
        ),
      ),
  );
  return el(
    'div',
    { class: 'panel hero' },
    el('h3', {}, 'Players online'),
    el('p', { class: 'big', id: 'online' }, f.count(players)),
    players === null
      ? el(
          'p',
          { class: 'note' },
          'No process of the game says that it is running. Start one, with “presence” on.',
        )
      : el('p', { class: 'note' }, `in ${f.plural(processes, 'process', 'processes')}`),
    el(
      'p',
      { class: 'note' },
      peak === null ? 'No peak yet today' : `Peak today ${f.count(peak)}, at ${f.time(peakAt)}`,
    ),
    named.length > 1 && of,
  );
}

function curve(live, past) {
  const days = past?.weekdays ?? [];
  const weekAgo = days[0];
  const name = f.weekday(live.day);
  const series = [
    { name: 'today', kind: 'now', values: live.curve, isFilled: true },
    past && { name: 'yesterday', kind: 'before', values: past.yesterday.curve },
    weekAgo && { name: 'a week ago', kind: 'week', values: weekAgo.curve },
  ].filter((one) => one?.values.some((value) => value !== null));
  if (series.length === 0) {
    return [
      el('h3', {}, 'Today'),
      empty('No player was seen on these days.', 'The curve begins with the first login.'),
    ];
  }
  const at = (curves, i, pick) => {
    const known = curves.map((one) => one.curve[i]).filter((value) => value !== null);
    return known.length === 0 ? null : pick(...known);
  };
  const steps = Array.from({ length: STEPS }, (_, i) => i);
  const hasBand = days.length > 1;
  const band = hasBand && {
    low: steps.map((i) => at(days, i, Math.min)),
    high: steps.map((i) => at(days, i, Math.max)),
  };
  const describe = (i) =>
    `${f.hour(i * 300)} UTC · ${series.map((one) => `${one.name} ${f.count(one.values[i])}`).join(' · ')}` +
    (hasBand
      ? ` · last ${f.plural(days.length, name)} ${f.count(band.low[i])} to ${f.count(band.high[i])}`
      : '');
  const label = `Players online today in steps of 5 minutes; now ${f.count(live.now)}`;
  const hours = steps.filter((i) => i % 12 === 0);
  return [
    figure({
      title: 'Players online through the day, UTC',
      legend: [
        ...series,
        ...(hasBand
          ? [{ name: `range of the last ${f.plural(days.length, name)}`, kind: 'range' }]
          : []),
      ],
      hint: 'Largest number of players in each 5 minutes',
      draw: lineChart({
        lines: [...series].reverse(),
        band,
        labels: HOURS,
        format: f.compact,
        describe,
        label,
        height: 196,
        isDay: true,
      }),
    }),
    behind('now-curve', 'players online at each hour', hours, [
      ['Hour, UTC', (i) => f.hour(i * 300)],
      ...series.map((one) => [one.name, (i) => f.count(one.values[i])]),
    ]),
  ];
}

const VERDICTS = {
  normal: ['Yes, a normal day', 'level'],
  above: ['More players than usual', 'up'],
  below: ['Fewer players than usual', 'down'],
  unknown: ['Not known yet', 'level'],
};

function whyUnknown({ normal: { upTo, players, days }, source, day }) {
  const name = f.weekday(day);
  if (Date.parse(upTo) === Date.parse(day)) return 'The day has just begun.';
  if (source === 'sessions' || players === null)
    return 'No process of the game has said today how many players it has.';
  return days.length < 2
    ? `Fewer than two of the last four ${name}s are known.`
    : `Nobody was online on the last ${name}s.`;
}

function normal(live) {
  const { normal: found, day } = live;
  const name = f.weekday(day);
  const [verdict, kind] = VERDICTS[found.verdict];
  const title = el('h3', {}, 'Is today a normal day?');
  const upTo = `from 00:00 to ${f.time(found.upTo)}`;
  if (found.verdict === 'unknown') {
    return panel(
      title,
      el('p', { class: 'verdict' }, verdict),
      el(
        'p',
        { class: 'note' },
        `${whyUnknown(live)} Today is compared with the same weekday of the last four weeks, by the mean number of players online ${upTo}.`,
      ),
    );
  }
  const days = found.days.map((one) => one.players);
  const label = `Mean players online ${upTo}: today ${f.amount(found.players)}; normal is ${f.amount(found.low)} to ${f.amount(found.high)}`;
  return panel(
    title,
    el('p', { class: `verdict ${kind}`, id: 'verdict' }, verdict),
    el(
      'p',
      {},
      `${f.amount(found.players)} players online on average ${upTo}. The last ${f.plural(days.length, name)}: ${f.amount(found.mean)}. That is `,
      el('b', {}, f.change(found.change)),
      '.',
    ),
    figure({
      title: '',
      legend: [
        { name: 'today', kind: 'now' },
        { name: `last ${name}s`, kind: 'past' },
        { name: 'normal', kind: 'range' },
      ],
      draw: strip({
        days,
        low: found.low,
        high: found.high,
        today: found.players,
        format: f.compact,
        label,
      }),
      hint: 'Normal: mean of these days ± 3 standard deviations, at least ± 10 %',
    }),
    behind(
      'now-normal',
      'mean players online up to this hour',
      [
        [`${f.dayLong(day)}, today`, found.players],
        ...found.days.map((one) => [f.dayLong(one.day), one.players]),
        ['Mean of these days', found.mean],
        ['Normal from', found.low],
        ['Normal to', found.high],
      ],
      [
        ['Day', ([name]) => name],
        ['Players', ([, players]) => f.amount(players)],
      ],
    ),
  );
}

const WRITE = { count: f.count, share: f.share, seconds: f.seconds };

function changed(changes) {
  const title = el('h3', {}, 'What changed most');
  if (!changes) return panel(title, empty('Reading …'));
  if (changes.error) return panel(title, failure(changes.error));
  const { day, rows } = changes;
  const name = f.weekday(day);
  const note = el(
    'p',
    { class: 'note' },
    `Yesterday, ${f.dayLong(day)}, beside the mean of the last four ${name}s`,
  );
  if (rows.length === 0) {
    return panel(
      title,
      note,
      empty(
        'Nothing to compare yet.',
        'This needs two weeks of stored days with 10 or more of something.',
      ),
    );
  }
  const write = (row, value) =>
    row.unit === 'money' ? f.money(Math.round(value), row.currency) : WRITE[row.unit](value);
  const item = (row) =>
    el(
      'li',
      {},
      el(
        'a',
        { href: `#${row.section}`, class: 'cut', 'data-key': `${row.section} ${row.name}` },
        Array.isArray(row.name) ? row.name.join(' ') : row.name,
      ),
      el('span', { class: 'values' }, `${write(row, row.mean)} → ${write(row, row.value)}`),
      el(
        'b',
        { class: row.change < 0 ? 'down' : 'up' },
        `${row.change < 0 ? '▼' : '▲'} ${f.change(row.change)}`,
      ),
    );
  return panel(title, note, el('ol', { class: 'changes' }, ...rows.map(item)));
}

const isOpen = ({ state }) => state === 'open';
const NOT_YET = 'not reported yet; that takes until 00:15 UTC';

/**
 * The figures of yesterday and of last week that everybody asks for. In the first minutes of a day the report of
 * yesterday ends where somebody asked for it last, and is not shown as that of a day. Purchases are always there.
 */
export function topTiles({ players, retention, sessions, revenue }) {
  const last = (rows) => (Array.isArray(rows) ? rows.at(-2) : undefined);
  const [active, lengths] = [last(players), last(sessions)];
  const money = Array.isArray(revenue) ? last(revenue[0]) : undefined;
  return [
    active &&
      tile(
        'Players yesterday',
        f.count(isOpen(active) ? null : active.dau),
        isOpen(active)
          ? NOT_YET
          : `${f.count(active.newUsers)} new, ${f.count(active.returningUsers)} returning`,
        '#players',
      ),
    Array.isArray(retention) && dayOne(retention),
    lengths &&
      tile(
        'Median session yesterday',
        f.seconds(isOpen(lengths) ? null : lengths.p50S),
        isOpen(lengths) ? NOT_YET : `1 in 10 is longer than ${f.seconds(lengths.p90S)}`,
        '#sessions',
      ),
    money &&
      tile(
        'Revenue yesterday',
        f.money(money.cents, money.currency),
        `${f.plural(money.payers, 'payer')}, ${f.share(isOpen(money) ? null : money.payingShare)} of the players`,
        '#revenue',
      ),
  ].filter(Boolean);
}

/** Mean of the newest seven cohorts of which it is known. */
export function meanRetention(cohorts, n) {
  const known = cohorts.filter(({ size, retained }) => size > 0 && retained[n] !== null).slice(-7);
  const size = known.reduce((sum, one) => sum + one.size, 0);
  const returned = known.reduce((sum, one) => sum + one.retained[n], 0);
  return {
    share: size === 0 ? null : returned / size,
    size,
    returned,
    from: known[0]?.day,
    to: known.at(-1)?.day,
  };
}

function dayOne(cohorts) {
  const { share, size, from, to } = meanRetention(cohorts, 1);
  const of =
    share === null
      ? 'no cohort is known yet'
      : `of ${f.plural(size, 'new player')}, ${f.dayShort(from)} to ${f.dayShort(to)}`;
  return tile('Day-1 retention, last week', f.share(share), of, '#retention');
}
