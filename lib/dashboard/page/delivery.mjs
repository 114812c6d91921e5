// Delivery: how events get to each destination, over the processes that run and by process.

import { behind, el, table } from './dom.mjs';
import * as f from './format.mjs';

/** Circuits, the worst first. */
const CIRCUITS = ['disabled', 'open', 'half-open', 'closed'];
/** `list`: what each process says of each of its destinations, with `from`, its name, and whether it `isHere`. */
export function delivery(list) {
  const names = [...new Set(list.map(({ name }) => name))];
  const all = names.map((name) => ({ name, ...over(list.filter((to) => to.name === name)) }));
  const each = list.map((to) => ({ name: to.name, from: to.from, ...over([to]) }));
  return [
    table('Delivery by destination', all, [DESTINATION, ...FIGURES]),
    behind('delivery', 'delivery by process', each, [DESTINATION, PROCESS, ...FIGURES]),
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

const cut = (text) => el('span', { class: 'cut' }, text);
const ms = (value) => (value === null ? f.UNKNOWN : f.seconds(value / 1000));
const text = (value) => el('span', { class: 'cut long' }, value === null ? 'none' : f.line(value));
const circuit = (value) =>
  el('span', { class: `state ${value === 'closed' ? 'here' : 'silent'}` }, value ?? f.UNKNOWN);

const DESTINATION = ['Destination', ({ name }) => cut(f.name(f.line(name)))];
const PROCESS = ['Process', ({ from }) => cut(from)];
const FIGURES = [
  ['Circuit', (to) => circuit(to.circuit)],
  ['Events per s', (to) => f.amount(to.sentPerS)],
  ['Lag', (to) => ms(to.lagMs)],
  ['Waiting', (to) => f.count(to.queued)],
  ['Oldest waits', (to) => (to.queued > 0 ? ms(to.oldestWaitingMs) : f.UNKNOWN)],
  ['Sent', (to) => f.count(to.sent)],
  ['Sent again', (to) => f.count(to.retried)],
  ['Refused', (to) => f.count(to.refused)],
  ['Not sent', (to) => f.count(to.notSent)],
  ['Last refusal', (to) => text(to.lastRefusal)],
  ['Last error', (to) => text(to.lastError)],
];
