/**
 * Replay: reads stored events in the order of their times, and hands them to the queue of a destination, which does
 * with them what it does with any event. No more is handed over than the queue has room for and the rate allows.
 */
'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { eventsOf } = require('./events.js');

/** Events that are asked for are of one hour: so a rare one is looked for in steps, each of them short. */
const STEP_MS = 3_600_000;
/** Bounds of what waits in the queue: enough for the largest batch of any format. */
const MOST_QUEUED = 20_000;
const MOST_QUEUED_BYTES = 32 * 2 ** 20;
/** A request is as large as what is handed over at once. */
const LOOK_EVERY_MS = 20;
const SAVE_EVERY_MS = 1_000;

/**
 * @typedef {import('./plan.js').Plan} Plan
 * @typedef {import('./state.js').Position} Position
 * @typedef {import('../reader.js').Reader} Reader
 */

class Replay {
  /**
   * @param {Reader} reader that forwards to the destination of the plan
   * @param {Plan} plan
   * @param {import('./state.js').State} state
   */
  constructor(reader, plan, state) {
    this.reader = reader;
    this.plan = plan;
    this.state = state;
    /** The number of the newest event that was handed over, and how many of them are not wanted there. */
    this.last = 0;
    this.notWanted = 0;
    /** @type {{ last: number, position: Position }[]} the ends of pages that were handed over */
    this.marks = [];
    this.savedAt = Date.now();
    this.allowance = new Allowance(plan.perSecond);
  }

  /** Sends everything. What was sent is in the state, also when it fails. */
  async run() {
    try {
      for await (const page of pagesOf(this.reader, this.plan, this.state.position)) {
        await this.handOver(page);
      }
      while (!this.isDone()) await delay(LOOK_EVERY_MS);
    } catch (error) {
      this.reader.discardForwarded();
      this.state.save(this.state.position);
      throw error;
    }
    this.state.remove();
  }

  /** @param {{ events: any[], sessions: any[], isLast: boolean, next: Position }} page */
  async handOver(page) {
    let events = eventsOf(page, this.last + 1);
    while (events.length > 0) {
      const count = await this.room(events.length);
      this.forward(events.slice(0, count));
      events = events.slice(count);
    }
    this.marks.push({ last: this.last, position: page.next });
    this.advance();
  }

  /** @param {import('../../../native.js').StoredEvent[]} events */
  forward(events) {
    this.last += events.length;
    const wanted = this.reader.forward(events);
    this.notWanted += wanted.filter((isWanted) => !isWanted).length;
  }

  /**
   * Resolves when events may be handed over, with how many, at most so many.
   *
   * @param {number} most
   */
  async room(most) {
    for (;;) {
      this.advance();
      const { queued, queuedBytes } = this.reader.destination();
      const hasRoom = queued < MOST_QUEUED && queuedBytes < MOST_QUEUED_BYTES;
      const count = hasRoom ? this.allowance.take(most) : 0;
      if (count > 0) return count;
      await delay(LOOK_EVERY_MS);
    }
  }

  isDone() {
    this.advance();
    return this.marks.length === 0;
  }

  /**
   * Looks up to which event the destination is done, and keeps that.
   *
   * @throws {Error} when it takes nothing until something is changed
   */
  advance() {
    const { upTo, isMisconfigured } = this.reader.forwarded(this.last);
    const { circuit, lastError } = this.reader.destination();
    // One that is gone has nothing left in its queue: that is not done.
    if (isMisconfigured || circuit === 'disabled') {
      throw new Error(
        `${this.plan.destination}: ${lastError?.message}. It takes nothing as it is set: no event is lost; correct ` +
          'its settings and give the same command again, which goes on where it ended',
      );
    }
    while (this.marks.length > 0 && this.marks[0].last <= upTo) {
      this.state.position = /** @type {any} */ (this.marks.shift()).position;
    }
    if (Date.now() < this.savedAt + SAVE_EVERY_MS) return;
    this.state.save(this.state.position);
    this.savedAt = Date.now();
  }

  progress() {
    const { sent, retried, refused, lastError } = this.reader.destination();
    const at = new Date(this.state.position.fromMs).toISOString();
    const problem = lastError ? `, last error: ${lastError.message}` : '';
    return `replaying at ${at}: ${sent} sent, ${retried} sent again, ${refused} refused${problem}`;
  }
}

/** What a rate allows, saved up for a second at most. */
class Allowance {
  /** @param {number} perSecond */
  constructor(perSecond) {
    this.perSecond = perSecond;
    this.left = 1;
    this.at = performance.now();
  }

  /** @param {number} most */
  take(most) {
    if (this.perSecond === Infinity) return most;
    const now = performance.now();
    const earned = ((now - this.at) / 1_000) * this.perSecond;
    this.left = Math.min(this.left + earned, this.perSecond);
    this.at = now;
    const count = Math.min(most, Math.floor(this.left));
    this.left -= count;
    return count;
  }
}

/**
 * Pages of the events of a plan, each with the position after it.
 *
 * @param {Reader} reader
 * @param {Plan} plan
 * @param {Position} start
 */
async function* pagesOf(reader, { toMs, names }, start) {
  let position = start;
  while (position.fromMs < toMs) {
    const endMs = Math.min(toMs, position.fromMs + STEP_MS);
    const page = await reader.storedEvents({ ...position, toMs: endMs, names });
    position = page.isLast ? { fromMs: endMs, passed: [] } : after(page.events, position);
    yield { ...page, next: position };
  }
}

/** @type {(events: any[], before: Position) => Position} */
function after(events, { fromMs, passed }) {
  const lastMs = events[events.length - 1].ts.getTime();
  const last = events.filter(({ ts }) => ts.getTime() === lastMs);
  const ids = last.map(({ _id }) => _id.toHexString());
  return { fromMs: lastMs, passed: lastMs === fromMs ? [...passed, ...ids] : ids };
}

module.exports = { Replay, pagesOf };
