/**
 * Promises that wait for an answer of the native side, by request id.
 *
 * The process stays alive as long as one is pending. A promise is settled once; an answer to an unknown
 * id is ignored.
 */
'use strict';

/** Ids are 32-bit unsigned; 0 means "no answer wanted". */
const LAST_ID = 0xffffffff;

/**
 * @typedef {{ ref(): void, unref(): void }} Referable what keeps the process alive
 * @typedef {{ code: string, text: string }} Failure
 */

class PendingPromises {
  constructor() {
    /** @type {Map<number, { resolve(result: any): void, reject(error: unknown): void, mayFail: boolean }>} */
    this.byId = new Map();
    this.lastId = 0;
    this.references = 0;
    /** @type {Referable | undefined} */
    this.native = undefined;
    /**
     * The client that has records and does not know a connection yet. Held so that it is not collected
     * before it has found one.
     *
     * @type {object | undefined}
     */
    this.seeker = undefined;
  }

  /**
   * @param {Referable} native
   * @param {{ mayFail: boolean }} options `mayFail` is false for a promise that never rejects
   * @returns {{ id: number, promise: Promise<any> }}
   */
  create(native, { mayFail }) {
    do {
      this.lastId = this.lastId === LAST_ID ? 1 : this.lastId + 1;
    } while (this.byId.has(this.lastId));
    const id = this.lastId;
    const promise = new Promise((resolve, reject) =>
      this.byId.set(id, { resolve, reject, mayFail }),
    );
    this.ref(native);
    return { id, promise };
  }

  /**
   * @param {number} id
   * @param {unknown} [error]
   * @param {unknown} [result]
   */
  settle(id, error, result) {
    const waiting = this.byId.get(id);
    if (waiting === undefined) return;
    this.byId.delete(id);
    this.unref();
    if (error === undefined) waiting.resolve(result);
    else waiting.reject(error);
  }

  /**
   * Settles every promise: the native side will answer none of them.
   *
   * @param {Failure} failure
   */
  settleAll(failure) {
    for (const [id, { mayFail }] of this.byId) {
      this.settle(id, mayFail ? requestError(failure) : undefined);
    }
  }

  /** @param {Referable} native */
  ref(native) {
    if (this.references++ > 0) return;
    this.native = native;
    native.ref();
  }

  unref() {
    if (--this.references > 0) return;
    this.native?.unref();
    this.native = undefined;
  }
}

/** @param {Failure} failure */
function requestError({ code, text }) {
  return Object.assign(new Error(text), { code });
}

module.exports = { PendingPromises, requestError };
