/**
 * Rejection of a record that cannot be stored: thrown while it is encoded, counted by its reason.
 */
'use strict';

class Rejection extends Error {
  /**
   * @param {import('../../native.js').RejectReason} reason
   * @param {unknown} [cause]
   */
  constructor(reason, cause) {
    super(reason);
    this.name = 'Rejection';
    this.reason = reason;
    if (cause !== undefined) this.cause = cause;
  }
}
// A rejection is an everyday answer, and a stack trace costs more than the record.
Object.defineProperty(Rejection.prototype, 'stack', { value: '', writable: true });

module.exports = { Rejection };
