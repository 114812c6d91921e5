// Measures the delay of the event loop while a server plays, and while it plays with a track() that does
// nothing. The two alternate in short slices, since the load of the machine changes.
'use strict';

const SLICE_MS = 100;
/** Samples that a 99th percentile needs. */
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

  /** Whether this is a slice in which nothing is tracked. */
  get isIdle() {
    return this.#timer !== undefined && sliceAt(performance.now()) === 'noop';
  }

  #tick() {
    const now = performance.now();
    const slice = sliceAt(now);
    // A delay that spans two slices belongs to neither.
    if (slice === this.#slice) this.#delays[slice].push(now - this.#last);
    this.#slice = slice;
    this.#last = now;
  }

  /** `{ real, noop }`: 99th percentiles in ms between two ticks of a timer; none with too few samples. */
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
