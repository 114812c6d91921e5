/**
 * Currency of a purchase.
 */
'use strict';

/** Of a purchase that names none. */
const DEFAULT = 'USD';
const CODE = /^[A-Z]{3}$/;

/**
 * A code of ISO 4217; empty for what is none.
 * @param {unknown} value
 */
function currencyOf(value) {
  if (value === undefined || value === null) return DEFAULT;
  return typeof value === 'string' && CODE.test(value) ? value : '';
}

module.exports = { currencyOf };
