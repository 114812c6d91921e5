// Where the currencies come from and go, and who pays.

import { barChart, figure, lineChart } from './chart.mjs';
import { behind, el, table } from './dom.mjs';
import * as f from './format.mjs';
import {
  barred,
  DAY,
  dayLabels,
  empty,
  headOf,
  isOpen,
  largest,
  panel,
  panels,
  REPORTED,
  STATE,
  section,
  tile,
  tiles,
  warning,
  wide,
} from './parts.mjs';

/** Of a command without --options. */
const NOT_TOLD =
  'No report of these days says which currencies the game has: give --options, or wait for one.';

export function economy(currencies) {
  const head = {
    ...headOf(currencies, {
      id: 'economy',
      title: 'Economy',
      definition:
        'What came in and what went out of each currency of the game, by reason and item. Net is in minus out; it is not what players hold.',
    }),
    otherUpTo: f.otherUpTo(currencies.flatMap(({ days }) => days)),
  };
  if (currencies.every(({ daysKnown }) => daysKnown === 0)) {
    const todo = currencies.length === 0 ? NOT_TOLD : REPORTED;
    return section(head, empty('What moved in this range is not known.', todo));
  }
  const used = currencies.filter(({ sourced, sunk }) => sourced > 0 || sunk > 0);
  if (used.length === 0) {
    return section(
      head,
      empty(
        'No currency moved in this range.',
        'Track “credits.earn” and “credits.spend” with data.amount, or set the option “currencies” to yours.',
      ),
    );
  }
  const idle = currencies
    .filter((one) => !used.includes(one))
    .map(({ currency }) => f.name(currency));
  return section(
    head,
    ...used.flatMap(currency),
    idle.length > 0 && el('p', { class: 'note' }, `Not used in this range: ${idle.join(', ')}.`),
  );
}

function currency(row) {
  const { currency: name, sourced, sunk, net, days, daysKnown, coverage } = row;
  const called = f.name(name);
  const describe = (i) =>
    `${f.dayLong(days[i].day)} · in ${f.amount(days[i].sourced)} · out ${f.amount(days[i].sunk)} · net ${f.amount(days[i].net)}`;
  const known = `in ${f.plural(daysKnown, 'known day')}`;
  return [
    el('h3', { class: 'currency' }, called),
    tiles(
      tile('Came in', f.amount(sourced), known),
      tile(
        'Went out',
        f.amount(sunk),
        sourced > 0 ? `${f.share(sunk / sourced)} of what came in` : known,
      ),
      tile(
        'Net',
        `${net > 0 ? '+' : ''}${f.amount(net)}`,
        net >= 0 ? 'players hold more' : 'players hold less',
      ),
    ),
    ...coverageOf(coverage),
    panels(
      wide(
        figure({
          title: `Per day: ${called}`,
          legend: [
            { name: 'in', kind: 'in' },
            { name: 'out', kind: 'out' },
            { name: 'net', kind: 'net' },
          ],
          hint:
            daysKnown < days.length
              ? `${f.plural(days.length - daysKnown, 'day')} of the range not known: their events were gone before the first report`
              : '',
          draw: barChart({
            stacks: [
              { kind: 'in', values: days.map(({ sourced }) => sourced) },
              { kind: 'out', values: days.map(({ sunk }) => (sunk === null ? null : -sunk)) },
            ],
            line: { kind: 'net', values: days.map(({ net }) => net) },
            ...{
              labels: dayLabels(days),
              format: f.compact,
              describe,
              faded: isOpen(days),
              height: 220,
            },
            label: `${called} that came in and went out, by day`,
          }),
        }),
      ),
    ),
    grid(
      panel(flows(called, 'Where it comes from', 'Reason', row.sources, sourced, 'in')),
      panel(flows(called, 'Where it goes', 'Reason', row.sinks, sunk, 'out')),
      isNamed(row.sourceItems) &&
        panel(flows(called, 'Items that bring it in', 'Item', row.sourceItems, sourced, 'in')),
      isNamed(row.sinkItems) &&
        panel(flows(called, 'Items it is spent on', 'Item', row.sinkItems, sunk, 'out')),
    ),
    behind(`economy-${name}`, `${called} by day`, [...days].reverse(), [
      DAY,
      ['In', ({ sourced }) => f.amount(sourced)],
      ['Out', ({ sunk }) => f.amount(sunk)],
      ['Net', ({ net }) => f.amount(net)],
      STATE,
    ]),
  ];
}

/** Lists beside each other: two or four of them in two columns, three in three. */
function grid(...lists) {
  const shown = lists.filter(Boolean);
  return el('div', { class: shown.length === 3 ? 'panels trio' : 'panels' }, ...shown);
}

const isNamed = (rows) => rows.some(({ name }) => name !== null);

/** Says where totals and events differ by more than a thousandth. */
function coverageOf(coverage) {
  const differs = ({ counted, seen }) =>
    counted !== null &&
    seen !== null &&
    Math.abs(counted - seen) > 0.001 * Math.max(Math.abs(counted), 1);
  return coverage
    .filter(differs)
    .map(({ total, counted, seen }) =>
      warning(
        `These figures have seen ${f.amount(seen)} of the ${f.amount(counted)} that the total “${total}” says. `,
        seen < counted
          ? 'The rest came when its day was final, or its events were deleted.'
          : 'The total lags, or documents were written by others.',
      ),
    );
}

function flows(currency, title, what, rows, total, kind) {
  if (rows.length === 0) return [el('h3', {}, title), empty('Nothing in this range.')];
  const most = largest(rows.map(({ amount }) => amount));
  const nameOf = (row) => f.nameOf(row).replace(/^\(no name\)$/, 'not named');
  return [
    el('h3', {}, title),
    table(`${currency}: ${title.toLowerCase()}`, rows, [
      [what, (row) => barred(nameOf(row), row.amount / most, kind)],
      ['Amount', ({ amount }) => f.amount(amount)],
      ['Share', ({ amount }) => (total > 0 ? f.share(amount / total) : f.UNKNOWN)],
      ['Events', ({ count }) => f.count(count)],
    ]),
  ];
}

export function revenue(byCurrency) {
  const all = byCurrency.flat();
  const head = headOf(all, {
    id: 'revenue',
    title: 'Revenue',
    definition:
      'Purchases by UTC day, each currency on its own; refunds are negative. ARPDAU is revenue by players of the day, ARPPU by payers; without ads.',
  });
  const shown = byCurrency.filter((rows) => rows.some(({ cents, payments }) => cents || payments));
  const others = othersThan(shown, byCurrency[0]);
  if (shown.length === 0 && others.length === 0) {
    return section(
      head,
      empty(
        'No purchase is stored in this range.',
        'Track “stripe.payment” with amountCents and currency, or name your events in the option “purchases”.',
      ),
    );
  }
  return section(head, ...shown.flatMap(paid), ...otherCurrencies(others));
}

/** Currencies that are not shown, those with the most purchases first: the rows of one currency tell of all others. */
function othersThan(shown, rows) {
  const sums = new Map();
  for (const { currency, cents, payments } of rows.flatMap((row) => row.otherCurrencies)) {
    const sum = sums.get(currency) ?? { currency, cents: 0, payments: 0 };
    sums.set(currency, {
      currency,
      cents: sum.cents + cents,
      payments: sum.payments + payments,
    });
  }
  for (const [{ currency }] of shown) sums.delete(currency);
  return [...sums.values()].sort((one, other) => other.payments - one.payments);
}

/** What is not added to anything: further currencies, and purchases whose currency is not known. */
function otherCurrencies(others) {
  if (others.length === 0) return [];
  const unknown = others.find(({ currency }) => currency === null);
  return [
    el('h3', { class: 'currency' }, 'Other currencies'),
    unknown &&
      warning(
        `${f.plural(unknown.payments, 'purchase')} of these days ${unknown.payments === 1 ? 'has' : 'have'} no currency: the event named none that has three letters, as “EUR”. `,
        'They are in no other figure of this section. Pass the code of ISO 4217; what is stored stays as it is.',
      ),
    wide(
      table('Revenue in other currencies, whole range', others, [
        ['Currency', ({ currency }) => currency ?? '(no currency)'],
        ['Revenue', ({ cents, currency }) => f.money(cents, currency)],
        ['Purchases', ({ payments }) => f.count(payments)],
      ]),
    ),
  ];
}

/** A sum over known rows; not known without any. */
const sumOf = (rows, field) =>
  rows.length === 0 ? null : rows.reduce((total, row) => total + row[field], 0);

function paid(rows) {
  const { currency } = rows[0];
  const money = (value) => f.money(value, currency);
  const short = (value) => f.money(value, currency, { isShort: true });
  // Days before the first stored purchase have an amount, from the totals, and no purchases that are known.
  const counted = rows.filter(({ payments }) => payments !== null);
  const priced = rows.filter(({ cents }) => cents !== null);
  const purchases = sumOf(counted, 'payments');
  const average = purchases > 0 ? sumOf(counted, 'cents') / purchases : null;
  const isPartly = counted.length > 0 && counted.length < rows.length;
  const countedDays = isPartly ? `, in ${f.plural(counted.length, 'known day')}` : '';
  const labels = dayLabels(rows);
  const day = (i) => f.dayLong(rows[i].day);
  const payers = rows.map((row) => row.payers);
  const old = rows.map(({ payers, newPayers }) =>
    payers === null || newPayers === null ? null : payers - newPayers,
  );
  const knowsPayers = payers.some((value) => value !== null);
  return [
    el('h3', { class: 'currency' }, currency),
    tiles(
      tile(
        'Revenue',
        money(sumOf(priced, 'cents')),
        `in ${f.plural(priced.length, priced.length < rows.length ? 'known day' : 'day')}`,
      ),
      tile('Purchases', f.count(purchases), `${money(average)} on average${countedDays}`),
      tile(
        'New payers',
        f.count(sumOf(counted, 'newPayers')),
        `who had never paid before${countedDays}`,
      ),
    ),
    panels(
      wide(
        figure({
          title: `Revenue per day, ${currency}`,
          draw: barChart({
            stacks: [{ kind: 'returning', values: rows.map(({ cents }) => cents) }],
            ...{
              labels,
              format: short,
              faded: isOpen(rows),
              height: 200,
              label: `Revenue in ${currency} by day`,
            },
            describe: (i) =>
              `${day(i)} · ${money(rows[i].cents)} · ${f.plural(rows[i].payments, 'purchase')}`,
          }),
        }),
      ),
      knowsPayers &&
        panel(
          figure({
            title: 'Payers per day',
            legend: [
              { name: 'new', kind: 'new' },
              { name: 'have paid before', kind: 'returning' },
            ],
            draw: barChart({
              stacks: [
                { kind: 'returning', values: old },
                { kind: 'new', values: rows.map(({ newPayers }) => newPayers) },
              ],
              ...{ labels, format: f.compact, faded: isOpen(rows), label: 'Payers by day' },
              describe: (i) =>
                `${day(i)} · ${f.plural(payers[i], 'payer')}, ${f.count(rows[i].newPayers)} new · ${f.share(rows[i].payingShare)} of the players`,
            }),
          }),
        ),
      panel(
        figure({
          title: 'Revenue per player of the day (ARPDAU)',
          draw: lineChart({
            lines: [{ kind: 'now', values: rows.map(({ arpdauCents }) => arpdauCents) }],
            ...{ labels, format: short, label: 'Revenue per player by day' },
            describe: (i) =>
              `${day(i)} · ${money(rows[i].arpdauCents)} per player · ${money(rows[i].arppuCents)} per payer`,
          }),
        }),
      ),
    ),
    behind(`revenue-${currency}`, `revenue by day, ${currency}`, [...rows].reverse(), [
      DAY,
      ['Revenue', (row) => money(row.cents)],
      ['Purchases', (row) => f.count(row.payments)],
      ['Payers', (row) => f.count(row.payers)],
      ['New payers', (row) => f.count(row.newPayers)],
      ['Paying share', (row) => f.share(row.payingShare)],
      ['ARPDAU', (row) => money(row.arpdauCents)],
      ['ARPPU', (row) => money(row.arppuCents)],
      STATE,
    ]),
  ];
}
