/**
 * Currency of a purchase.
 */
'use strict';

/** Of a purchase that names none. */
const DEFAULT = 'USD';
const CODE = /^[A-Za-z]{3}$/;

/**
 * A code of ISO 4217, in capitals; Stripe sends it in small letters. Empty for what is none.
 * @param {unknown} value
 */
function currencyOf(value) {
  if (value === undefined || value === null) return DEFAULT;
  return typeof value === 'string' && CODE.test(value) ? value.toUpperCase() : '';
}

module.exports = { currencyOf };
