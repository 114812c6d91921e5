// Delivery: how events get to each destination, over the processes that run and by process.

import { behind, el, table } from './dom.mjs';
import * as f from './format.mjs';

/** Circuits, the worst first. */
const CIRCUITS = ['disabled', 'open', 'half-open', 'closed'];
const FIGURES = [
  ...['Circuit', 'Events per s', 'Lag', 'Waiting', 'Oldest waits', 'Sent', 'Sent again', 'Refused'],
  ...['Not sent', 'Last refusal', 'Last error'],
];

/** `list`: what each process says of each of its destinations, with `from`, its name, and whether it `isHere`. */
export function delivery(list) {
  const names = [...new Set(list.map(({ name }) => name))];
  return [
    table(
      'Delivery by destination',
      ['Destination', ...FIGURES],
      names.map((name) => [
        el('span', { class: 'cut' }, f.name(f.line(name))),
        ...cells(over(list.filter((to) => to.name === name))),
      ]),
    ),
    behind(
      'delivery',
      'delivery by process',
      ['Destination', 'Process', ...FIGURES],
      list.map((to) => [
        el('span', { class: 'cut' }, f.name(f.line(to.name))),
        el('span', { class: 'cut' }, to.from),
        ...cells(over([to])),
      ]),
    ),
  ];
}

/** The figures of one destination over processes. What one of them does not say is not known of all. */
function over(all) {
  const here = all.filter(({ isHere }) => isHere);
  const text = (field) => all.map((to) => to[field]).find((one) => one) ?? null;
  return {
    circuit: CIRCUITS.find((one) => all.some(({ circuit }) => circuit === one)) ?? null,
    // Of one that is silent, it is old.
    sentPerS: here.length === 0 ? null : sum(here, 'sentPerS'),
    lagMs: largest(all, 'lagMs'),
    queued: sum(all, 'queued'),
    oldestWaitingMs: largest(all, 'oldestWaitingMs'),
    sent: sum(all, 'sent'),
    retried: sum(all, 'retried'),
    refused: sum(all, 'refused'),
    notSent: sum(all, 'notSent'),
    lastRefusal: text('lastRefusal'),
    lastError: text('lastError'),
  };
}

const isKnown = (value) => typeof value === 'number';

function sum(all, field) {
  const values = all.map((to) => to[field]);
  return values.every(isKnown) ? values.reduce((total, value) => total + value, 0) : null;
}

function largest(all, field) {
  const values = all.map((to) => to[field]).filter(isKnown);
  return values.length === 0 ? null : Math.max(...values);
}

function cells(to) {
  const ms = (value) => (value === null ? f.UNKNOWN : f.seconds(value / 1000));
  const text = (value) =>
    el('span', { class: 'cut long' }, value === null ? 'none' : f.line(value));
  return [
    el(
      'span',
      { class: `state ${to.circuit === 'closed' ? 'here' : 'silent'}` },
      to.circuit ?? f.UNKNOWN,
    ),
    ...[f.amount(to.sentPerS), ms(to.lagMs), f.count(to.queued)],
    to.queued > 0 ? ms(to.oldestWaitingMs) : f.UNKNOWN,
    ...[f.count(to.sent), f.count(to.retried), f.count(to.refused), f.count(to.notSent)],
    ...[text(to.lastRefusal), text(to.lastError)],
  ];
}
