// What getRevenue() should answer, out of the raw purchases and daily documents.
'use strict';

const { isDay } = require('./calendar');

/** `rows` are those of the answer, without what it says of purchases. */
function revenue({ purchases, daily }, rows, today, currency) {
  const first = purchases
    .map(({ day }) => day)
    .filter(isDay)
    .sort()[0];
  return rows.map(({ day, state, asOf, dau }) => {
    const isKnown = first !== undefined && first <= day && day <= today;
    const own = purchases.filter((one) => one.day === day && one.currency === currency);
    const total = daily.get(day)?.stripeRevenue;
    const isCounted = !(first <= day) && currency === 'USD' && typeof total === 'number';
    const cents = isKnown ? sumOf(own) : isCounted ? total : null;
    const payers = isKnown ? payersOf(own).size : null;
    return {
      ...{ day, state, asOf, currency, cents },
      payments: isKnown ? own.filter(isPayment).length : null,
      ...{ payers, newPayers: isKnown ? newPayers(purchases, day) : null },
      payingShare: share(payers, dau),
      arpdauCents: share(cents, dau),
      arppuCents: share(cents, payers),
      otherCurrencies: others(purchases, day, currency),
    };
  });
}

const isNumber = ({ cents }) => typeof cents === 'number';
const isPayment = (purchase) => isNumber(purchase) && purchase.cents > 0;
const sumOf = (purchases) => purchases.filter(isNumber).reduce((sum, { cents }) => sum + cents, 0);
const share = (part, of) => (part !== null && of ? part / of : null);

function payersOf(purchases) {
  const ids = purchases.filter(isPayment).map(({ userId }) => userId);
  return new Set(ids.filter((userId) => typeof userId === 'string'));
}

function newPayers(purchases, day) {
  const before = payersOf(purchases.filter((one) => isDay(one.day) && one.day < day));
  const now = payersOf(purchases.filter((one) => one.day === day));
  return [...now].filter((userId) => !before.has(userId)).length;
}

/** In the order of their codes, those without one first. */
function others(purchases, day, currency) {
  const ours = purchases.filter((one) => one.day === day && one.currency !== currency);
  const codes = [...new Set(ours.map((one) => one.currency))].sort(
    (one, other) => (one !== null) - (other !== null) || (one < other ? -1 : 1),
  );
  return codes.map((code) => {
    const all = ours.filter((one) => one.currency === code);
    return { currency: code, cents: sumOf(all), payments: all.filter(isPayment).length };
  });
}

module.exports = { revenue };
