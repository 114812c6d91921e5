// What may stand in place of an exact value in an expected answer.
'use strict';

/** Stands for a moment at which the instance answered. */
const WHEN_ANSWERED = Symbol('when answered');

/** A number that is known within 5 % or 1 ms. */
class Near {
  constructor(value) {
    this.value = value;
  }

  fits(found) {
    return typeof found === 'number' && Math.abs(found - this.value) <= this.value * 0.05 + 0.001;
  }
}

function nearly(value) {
  return value === null ? null : new Near(value);
}

module.exports = { Near, WHEN_ANSWERED, nearly };
