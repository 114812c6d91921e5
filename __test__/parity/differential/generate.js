// The seeded generator of scenarios. Most calls are such that both sides must agree in everything;
// some scenarios hold one kind of call whose outcome is meant to differ (provocations.js).
'use strict';

const { Builder } = require('./builder');
const { AMOUNTS, COUNTED, ID_TYPES, LOST_ROWS, NO_IDS } = require('./payloads');
const { ODD_EVENTS, ROWS, UNCOUNTED, randomPayload } = require('./payloads');
const { provocations } = require('./provocations');

const LEAST_CALLS = 30;
/** Every other scenario provokes nothing. */
const PLAIN_SHARE = 2;
const STARTS = [
  ...['2036-03-14T10:00:00.000Z', '2036-02-28T21:00:00.000Z', '2035-12-31T23:50:00.000Z'],
  ...['2036-01-31T08:00:00.000Z', '2036-11-23T02:35:48.540Z', '2037-02-28T23:59:59.000Z'],
];
const MOVES = ['none', 'day', 'day', 'days', 'month'];
const COUNTED_NAMES = Object.keys(COUNTED);
const ROW_NAMES = Object.keys(ROWS);
const LOST_NAMES = Object.keys(LOST_ROWS);
const HUGE = 'more than 16 MiB';
/** Among so many scenarios one sends more than 16 MiB: it costs as much as all the others. */
const HUGE_EVERY = 40;

/** The scenario `index` of the run with this seed: `{ index, seed, provokes, webhook, calls }`. */
function generateScenario(runSeed, index) {
  const seed = (Math.imul(runSeed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b)) >>> 0;
  const names = Object.keys(provocations);
  const isPlain = index % PLAIN_SHARE === 0;
  const provokes = isPlain ? null : names[((index - 1) / PLAIN_SHARE) % names.length];
  const builder = new Builder(seed, STARTS[seed % STARTS.length]);
  const round = Math.floor(index / PLAIN_SHARE / names.length);
  const webhook =
    provocations[provokes]?.webhook ?? (isPlain ? builder.chance(0.4) : round % 2 === 0);
  const plan = { index, webhook, provokes, rows: rowsFor(index), huge: index % HUGE_EVERY === 0 };
  write(builder, plan);
  return { index, seed, provokes, webhook, calls: builder.calls };
}

/** Rows go round, so that a short run meets them all. */
function rowsFor(index) {
  const rows = [...ROW_NAMES, ...LOST_NAMES.filter((name) => name !== HUGE)];
  return Array.from({ length: 6 }, (_, nth) => rows[(index * 6 + nth) % rows.length]);
}

function write(builder, plan) {
  builder.addUsers(3 + builder.below(4));
  builder.create();
  if (builder.chance(0.5)) builder.call('start', { on: 0 });
  segment(builder, plan, 10 + builder.below(8));
  move(builder);
  segment(builder, plan, 8 + builder.below(6));
  if (builder.chance(0.3)) restart(builder);
  const provocation = provocations[plan.provokes];
  const rest = () => segment(builder, plan, 5, { asks: provocation?.asks ?? !provocation });
  if (provocation) provocation.write(builder, { rest });
  else move(builder);
  do rest();
  while (countCalls(builder.calls) < LEAST_CALLS);
  builder.join();
}

/** Calls of methods: making an instance is none, nor is waiting. */
function countCalls(calls) {
  return calls.filter(({ op }) => op !== 'join' && op !== 'create').length;
}

function move(builder) {
  const kind = builder.pick(MOVES);
  if (kind === 'day') builder.nextDay();
  if (kind === 'days') builder.nextDay({ days: 2 + builder.below(4) });
  if (kind === 'month') builder.nextMonth();
}

function restart(builder) {
  const on = builder.anyInstance();
  builder.ask('stop', { on });
  builder.call('start', { on });
}

function segment(builder, plan, count, { asks = true } = {}) {
  for (let nth = 0; nth < count; nth += 1) {
    if (builder.chance(0.5)) builder.pass(builder.below(20 * 60_000));
    const kind = builder.random();
    if (kind < 0.25) trackCounted(builder);
    else if (kind < 0.4) trackRow(builder, plan);
    else if (kind < 0.5) trackRandom(builder);
    else if (kind < 0.55) trackOdd(builder);
    else if (kind < 0.72)
      builder.login(builder.below(builder.users.length), { name: aName(builder) });
    else if (kind < 0.86) someLogout(builder);
    else if (kind < 0.9) noLogin(builder);
    else if (asks) builder.ask(kind < 0.96 ? 'metrics' : 'days');
  }
}

function open({ closed }) {
  return COUNTED_NAMES.filter((name) => !closed.has(name));
}

function trackCounted(builder) {
  const event = builder.pick(open(builder));
  const field = COUNTED[event];
  const data = field
    ? { source: 'quest', [field]: builder.pick(AMOUNTS) }
    : { level: builder.below(9), source: 'quest' };
  builder.track(event, builder.chance(0.1) ? { $: 'undefined' } : data);
}

/** A payload that is lost is refused by the addon altogether: only where nobody would notice. */
function trackRow(builder, plan) {
  const row = plan.huge ? HUGE : builder.pick(plan.rows);
  plan.huge = false;
  const isLost = row in LOST_ROWS;
  if (isLost && plan.webhook && row !== 'cycle') return;
  const event = isLost || builder.chance(0.6) ? builder.pick(UNCOUNTED) : 'dungeon.complete';
  builder.track(event, isLost ? LOST_ROWS[row] : ROWS[row], { row });
}

function trackRandom(builder) {
  const event = builder.pick([...UNCOUNTED, ...open(builder)]);
  builder.track(event, randomPayload(builder));
}

function trackOdd(builder) {
  if (builder.chance(0.5)) {
    const castable = ID_TYPES[builder.pick(Object.keys(ID_TYPES))](7);
    builder.track(builder.pick([...ODD_EVENTS, castable]), { odd: 'event' });
    return;
  }
  const type = builder.pick(Object.keys(NO_IDS));
  builder.track(builder.pick(open(builder)), { odd: 'id' }, { id: NO_IDS[type] });
}

function aName(builder) {
  const type = builder.pick(Object.keys(ID_TYPES));
  return builder.chance(0.7) ? 'Ann' : builder.pick([null, { $: 'undefined' }, ID_TYPES[type](7)]);
}

function someLogout(builder) {
  const on = builder.anyInstance();
  const active = [...builder.active[on].keys()];
  const isKnown = active.length > 0 && builder.chance(0.8);
  const user = isKnown ? builder.pick(active) : undefined;
  if (isKnown) builder.logout(user, { on });
  else
    builder.call('logout', {
      on,
      id: builder.pick(['nobody', ...Object.values(NO_IDS)]),
      wait: true,
    });
}

/** Dropped: the id is none, or the name cannot be stored. */
function noLogin(builder) {
  const ids = Object.values(NO_IDS);
  const isName = builder.chance(0.3);
  const details = isName
    ? { id: 'somebody', name: { a: 1 } }
    : { id: builder.pick(ids), name: 'x' };
  builder.call('login', { ...details, wait: true });
}

module.exports = { generateScenario, countCalls, LEAST_CALLS };
