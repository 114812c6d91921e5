// What players do, where they are lost, and how the processes of the game are.

import { spark } from './chart.mjs';
import { delivery } from './delivery.mjs';
import { behind, el, table } from './dom.mjs';
import * as f from './format.mjs';
import {
  barred,
  DAY,
  empty,
  headOf,
  largest,
  panel,
  panels,
  REPORTED,
  STATE,
  section,
  warning,
  wide,
} from './parts.mjs';

export function funnels(list) {
  const days = list.flatMap(({ days }) => days);
  const head = {
    ...headOf(days, {
      id: 'funnels',
      title: 'Funnels',
      definition:
        'Users who came this far through a sequence of events, the first of them on the UTC day, the last within the window. Over several days numbers are sums.',
    }),
    asOf: list[0]?.asOf,
  };
  if (list.length === 0) {
    return section(
      head,
      empty(
        'No funnel is declared.',
        "Give the game’s AnalyticsSystem the option “funnels”, as { start: { steps: ['user.register', 'dungeon.complete'], windowS: 86400 } }. Its days are kept from then on, and shown here.",
      ),
    );
  }
  return section(head, list.length === 1 ? funnel(list[0]) : panels(...list.map(funnel)));
}

/** Of a command without --options, beside a game that leaves users out. */
const KEPT_ONLY =
  'Today, and days that the game has not kept yet, are not known: give --options, which say whom the game leaves out.';

function funnel({ name, steps, windowS, days, isKeptOnly }) {
  const known = days.filter(({ users }) => users !== null);
  const isFirst = (step) => step === steps[0];
  return panel(
    el('h3', {}, f.name(name)),
    el(
      'p',
      { class: 'note' },
      `Within ${f.seconds(windowS)} of the first step; ${f.plural(known.length, 'known day')}`,
    ),
    isKeptOnly && el('p', { class: 'note' }, KEPT_ONLY),
    table(`Funnel ${f.name(name)}`, steps, [
      [
        'Step',
        (step) =>
          barred(
            `${steps.indexOf(step) + 1}. ${f.name(step.event)}`,
            step.ofFirst ?? 0,
            'returning',
          ),
      ],
      ['Users', (step) => f.count(step.users)],
      ['Of first', (step) => f.share(step.ofFirst)],
      ['Of previous', (step) => (isFirst(step) ? f.UNKNOWN : f.share(step.ofPrevious))],
      ['Median time', (step) => (isFirst(step) ? f.UNKNOWN : f.seconds(step.medianS))],
    ]),
    behind(`funnel-${name}`, `${f.name(name)} by day of the first step`, [...days].reverse(), [
      DAY,
      ...steps.map(({ event }, i) => [f.name(event), ({ users }) => f.count(users?.[i])]),
      STATE,
    ]),
  );
}

export function events({ days, rows }) {
  const head = {
    id: 'events',
    title: 'Events',
    definition: `What players did most, ${f.dayShort(days[0])} to ${f.dayShort(days.at(-1))}, today included. The line shows these days, its dot today so far.`,
    asOf: f.asOfOf(rows),
    state: f.stateOf(rows),
    isMixed: rows[0]?.otherOptions,
  };
  if (rows.length === 0)
    return section(
      head,
      empty('No event is known of the last seven days.', `Call track() in the game. ${REPORTED}`),
    );
  const most = largest(rows.map(({ count }) => count));
  const isOther = ({ others }) => others > 0;
  return section(
    head,
    wide(
      table('Most frequent events of seven days', rows, [
        ['Event', (row) => barred(f.nameOf(row, 'event'), row.count / most, 'returning')],
        ['Count', (row) => f.count(row.count)],
        ['Share', (row) => f.share(row.share)],
        ['Seven days', (row) => (isOther(row) ? '' : spark(row.byDay))],
      ]),
    ),
    behind(
      'events',
      'events by day',
      rows.filter((row) => !isOther(row)),
      [
        ['Event', (row) => f.name(row.event)],
        ...days.map((day, i) => [f.dayShort(day), (row) => f.count(row.byDay[i])]),
      ],
    ),
  );
}

const HERE = { here: 'running', ended: 'stopped', dead: 'died', silent: 'silent' };
/** Also of those that ended, as long as they are stored. */
const MOST_GONE = 10;

export function health({ asOf, instances }) {
  const head = {
    id: 'health',
    title: 'Health',
    definition:
      'What each process says of itself every 20 s: records that wait, are written or lost, and its destinations.',
    asOf,
  };
  if (instances.length === 0) {
    return section(
      head,
      empty(
        'No process of the game has said that it is running.',
        'Start one, with the option “presence” on and the right to write “gsoreports”.',
      ),
    );
  }
  const order = ['silent', 'here', 'dead', 'ended'];
  const sorted = [...instances].sort(
    (a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.seenAt < b.seenAt ? 1 : -1),
  );
  const running = sorted.filter(({ state }) => state === 'here' || state === 'silent');
  const gone = sorted.filter((one) => !running.includes(one));
  const problems = [
    ...running.flatMap((one) => problemsOf(one, asOf)),
    ...gone.filter(({ health }) => health.dropped > 0).map((one) => lostOf(one, asOf)),
  ];
  const destinations = running.flatMap((one) =>
    (one.health.destinations ?? []).map((to) => ({
      ...{ ...to, from: called(one), isHere: one.state === 'here' },
    })),
  );
  return section(
    head,
    running.length === 0 && el('p', { class: 'good' }, 'No process is running now.'),
    problems.length > 0 &&
      el('div', { class: 'problems' }, ...problems.map((text) => warning(text))),
    running.length > 0 &&
      problems.length === 0 &&
      el(
        'p',
        { class: 'good' },
        `All well: ${f.plural(running.length, 'process runs', 'processes run')}, nothing is lost, blocked or waiting long.`,
      ),
    wide(
      el('h3', {}, 'Processes'),
      instancesTable(
        'Processes of the game',
        [...running, ...gone.slice(0, running.length === 0 ? MOST_GONE : 0)],
        asOf,
      ),
    ),
    destinations.length > 0
      ? wide(el('h3', {}, 'Delivery to destinations'), ...delivery(destinations))
      : el(
          'p',
          { class: 'note' },
          'No destination is configured: events are stored, and not forwarded.',
        ),
    gone.length > 0 &&
      running.length > 0 &&
      el(
        'details',
        { 'data-key': 'gone' },
        el(
          'summary',
          { 'data-key': 'gone summary' },
          `Table: ${f.plural(gone.length, 'process', 'processes')} that stopped in the last days`,
        ),
        instancesTable('Processes that stopped', gone.slice(0, MOST_GONE), asOf),
      ),
  );
}

const called = ({ health }) =>
  health.instance === undefined || health.instance === null
    ? '(no instanceName)'
    : f.name(health.instance);
const ago = (time, now) =>
  `${f.seconds(Math.max(0, (Date.parse(now) - Date.parse(time)) / 1000))} ago`;

/** What a process has lost that is not here any more. */
const lostOf = (instance, asOf) =>
  `${called(instance)}, which ${HERE[instance.state]} ${ago(instance.seenAt, asOf)}, had lost ${f.plural(instance.health.dropped, 'record')}. Its log says why.`;

function problemsOf(instance, asOf) {
  const { state, seenAt, health } = instance;
  const who = called(instance);
  return [
    state === 'silent' &&
      `${who} was last seen ${ago(seenAt, asOf)}: it is frozen, dead, or cut off from the database.`,
    health.totals === 'blocked' &&
      `${who}: totals are blocked, no daily total is written. Its log says how to repair that.`,
    health.dropped > 0 &&
      `${who} has lost ${f.plural(health.dropped, 'record')}. Its log says why.`,
    (health.spool === 'full' || health.spool === 'off') &&
      `${who}: the disk of its spool is ${health.spool === 'full' ? 'full, or refuses writes' : 'not in use'}; records wait in memory only.`,
    ...(health.destinations ?? []).map(
      (to) =>
        to.circuit !== 'closed' &&
        `${who}: the destination ${f.name(f.line(to.name))} ${to.circuit === 'disabled' ? 'has said that it is gone for ever' : 'fails'}${to.lastError ? `: ${f.line(to.lastError)}` : ''}.`,
    ),
  ].filter(Boolean);
}

function instancesTable(caption, instances, asOf) {
  return table(caption, instances, [
    ['Process', (one) => el('span', { class: 'cut' }, called(one))],
    ['State', ({ state }) => el('span', { class: `state ${state}` }, HERE[state])],
    ['Seen', ({ seenAt }) => ago(seenAt, asOf)],
    ['Players', ({ state, players }) => (state === 'here' ? f.count(players) : f.UNKNOWN)],
    ['Waiting', ({ health }) => f.count(health.queued)],
    ['Written', ({ health }) => f.count(health.written)],
    ['Lost', ({ health }) => f.count(health.dropped)],
    ['Totals', ({ health }) => health.totals ?? f.UNKNOWN],
    ['Spool', ({ health }) => health.spool ?? 'none'],
    ['Version', ({ health }) => health.version ?? f.UNKNOWN],
  ]);
}
