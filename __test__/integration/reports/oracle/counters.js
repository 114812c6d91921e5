// What events add to the totals of a day, and which of them move a currency, by the option `counters`.
'use strict';

/** What the daily documents count, by total: its events, and the field of their amount if it is no count. */
const COUNTED = [
  ['craftsCompleted', ['craft.complete']],
  ['creditsEarned', ['credits.earn'], 'amount'],
  ['creditsSpent', ['credits.spend'], 'amount'],
  ['dungeonsRun', ['dungeon.complete']],
  ['gemsEarned', ['gems.earn'], 'amount'],
  ['gemsPurchased', ['gems.purchase'], 'gems'],
  ['gemsSpent', ['gems.spend'], 'amount'],
  ['marketSales', ['market.sale']],
  ['newUsers', ['user.register']],
  ['pvpBattles', ['pvp.battle', 'pvp.ranked.battle']],
  ['raidBattles', ['raid.complete']],
  ['stripeRevenue', ['stripe.payment'], 'amountCents'],
];

/** The directions of a currency, and its own events. */
const DIRECTIONS = { source: 'earn', sink: 'spend' };
const PURCHASE = { event: 'gems.purchase', field: 'gems', reason: 'purchase' };

/** What each event adds, by its name: `{ total, amount }`, the field of its amount if it is no count. */
function countedEvents(counters = {}) {
  const counted = COUNTED.flatMap(([total, events, amount]) =>
    events.map((event) => [event, { total, amount }]),
  );
  const given = Object.entries(counters).map(([event, one]) => [
    event,
    typeof one === 'string' ? { total: one } : one,
  ]);
  return new Map([...new Map([...counted, ...given])].filter(([, one]) => one !== null));
}

/** What moves a currency in a direction: `[{ event, field, reason }]`, without a field if each moves 1. */
function movers(currency, flow, counted, currencies) {
  const own = ownMovers(currency, flow, counted);
  const totals = new Set(totalsOf(currency, flow, counted, currencies));
  const all = currencies.flatMap((one) =>
    Object.keys(DIRECTIONS).flatMap((way) => ownMovers(one, way, counted)),
  );
  const others = [...counted].filter(
    ([event, { total }]) => totals.has(total) && all.every((one) => one.event !== event),
  );
  return [...own, ...others.map(([event, { amount }]) => ({ event, field: amount }))];
}

function ownMovers(currency, flow, counted) {
  const own = [{ event: `${currency}.${DIRECTIONS[flow]}`, field: 'amount' }];
  if (currency === 'gems' && flow === 'source') own.push(PURCHASE);
  return own.map((one) => ({ ...one, field: counted.get(one.event)?.amount ?? one.field }));
}

/** The totals to which nothing but the amounts of this direction is added by events of currencies. */
function totalsOf(currency, flow, counted, currencies) {
  const own = ownMovers(currency, flow, counted).map(({ event }) => event);
  const isOther = (event) =>
    !own.includes(event) &&
    currencies.some((one) =>
      Object.keys(DIRECTIONS).some((way) =>
        ownMovers(one, way, counted).some((mover) => mover.event === event),
      ),
    );
  const totals = own.flatMap((event) => counted.get(event)?.total ?? []);
  const isPure = (wanted) =>
    [...counted].every(
      ([event, { total, amount }]) =>
        total !== wanted || (!isOther(event) && !(own.includes(event) && amount === undefined)),
    );
  return [...new Set(totals)].filter(isPure).sort();
}

module.exports = { countedEvents, movers, totalsOf };
