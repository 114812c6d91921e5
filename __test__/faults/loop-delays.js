// How late the event loop is while a server plays, and while it does the same with a track() that does
// nothing: both in turn, in short slices, since a busy machine is not equally busy for long.
'use strict';

const SLICE_MS = 100;
/** A 99th percentile of fewer says nothing. */
const LEAST = 1_500;

class LoopDelays {
  #delays = { real: [], noop: [] };
  #timer;
  #last = 0;
  #slice;

  begin() {
    this.#last = performance.now();
    this.#timer = setInterval(() => this.#tick(), 1);
  }

  end() {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Whether nothing is to be tracked now. */
  get isIdle() {
    return this.#timer !== undefined && sliceAt(performance.now()) === 'noop';
  }

  #tick() {
    const now = performance.now();
    const slice = sliceAt(now);
    // What reaches over the border of two slices belongs to neither.
    if (slice === this.#slice) this.#delays[slice].push(now - this.#last);
    this.#slice = slice;
    this.#last = now;
  }

  /** `{ real, noop }` in ms between two ticks of a timer; nothing of what was not watched for long. */
  get p99() {
    const { real, noop } = this.#delays;
    if (Math.min(real.length, noop.length) < LEAST) return {};
    return { real: percentile99(real), noop: percentile99(noop) };
  }
}

function sliceAt(ms) {
  return Math.floor(ms / SLICE_MS) % 2 === 0 ? 'real' : 'noop';
}

function percentile99(numbers) {
  return Float64Array.from(numbers).sort()[Math.floor(numbers.length * 0.99)];
}

module.exports = { LoopDelays };
