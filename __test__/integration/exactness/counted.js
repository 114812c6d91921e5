// Which event adds what to which total, independent of the code under test.
'use strict';

/** Events by name: the total, and the field of the data that holds the amount, if not 1 is added. */
const COUNTED = {
  'craft.complete': ['craftsCompleted'],
  'credits.earn': ['creditsEarned', 'amount'],
  'credits.spend': ['creditsSpent', 'amount'],
  'dungeon.complete': ['dungeonsRun'],
  'gems.earn': ['gemsEarned', 'amount'],
  'gems.purchase': ['gemsPurchased', 'gems'],
  'gems.spend': ['gemsSpent', 'amount'],
  'market.sale': ['marketSales'],
  'pvp.battle': ['pvpBattles'],
  'pvp.ranked.battle': ['pvpBattles'],
  'raid.complete': ['raidBattles'],
  'stripe.payment': ['stripeRevenue', 'amountCents'],
  'user.register': ['newUsers'],
};

/** The totals of a day that events add to. */
const EVENT_TOTALS = [...new Set(Object.values(COUNTED).map(([total]) => total))];

/** What an event adds, `{ total, amount }`; nothing for an event that is not counted. */
function shareOf(event, data) {
  if (!Object.hasOwn(COUNTED, event)) return undefined;
  const [total, field] = COUNTED[event];
  return { total, amount: field ? Number(data[field] ?? 0) : 1 };
}

module.exports = { COUNTED, EVENT_TOTALS, shareOf };
