/** No argument makes a call take longer than the bounds of an event allow. */
'use strict';

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { createStage, TIME } = require('./stage-support.js');

/** Far above what any call takes, far below what an unbounded one takes. */
const LIMIT_MS = 1_000;

/** An object graph of `levels` objects that unfolds to 2^levels. */
function graph(levels, make = (part) => ({ a: part, b: part })) {
  let part = make('x');
  for (let level = 1; level < levels; level++) part = make(part);
  return part;
}

class Small {
  constructor(part) {
    this.hidden = [part, part];
  }

  toBSON() {
    return 'small';
  }
}

class Listed extends Array {
  toJSON() {
    return graph(40);
  }
}

const silently = (values) => ({ toBSON: () => 1, ...values });

const VALUES = {
  'a graph of objects': graph(40),
  'a graph of arrays': graph(40, (part) => [part, part]),
  'a graph of arrays of one element': graph(40, (part) => [[part], [part]]),
  'nested arrays of one element': graph(1e5, (part) => [part]),
  'a graph whose BSON is small': graph(40, (part) => new Small(part)),
  'an array that JSON sees as a graph': Object.assign(['a'], { toJSON: () => graph(40) }),
  'an array class that JSON sees as a graph': Listed.of('a'),
  'an object that JSON sees as a graph': { a: 1, toJSON: () => graph(40) },
  'an object that JSON sees, unlisted, as a graph': Object.defineProperty({ a: 1 }, 'toJSON', {
    value: () => graph(40),
  }),
  'one long text in many places': silently({ list: new Array(1e4).fill('x'.repeat(2e5)) }),
  'a sparse array whose BSON is small': silently({ list: new Array(2 ** 32 - 1) }),
  'an array of 2^32 - 1': new Array(2 ** 32 - 1),
  'numbers of 800 MB': new Float64Array(1e8),
  'bytes of 500 MB': Buffer.alloc(5e8),
  'hidden numbers of 800 MB': silently({ numbers: new Float64Array(1e8) }),
  // To cut a text that JavaScript has in pieces, it is copied once.
  'a text of 20 MB': 'x'.repeat(2e7),
  'a text of 20 MB in pieces': `${'x'.repeat(1e7)}${'y'.repeat(1e7)}`,
  'a BigInt of 100 000 000 bits': 2n ** 100_000_000n,
  'a deep chain': graph(1e5, (part) => ({ a: part })),
};

for (const [what, value] of Object.entries(VALUES)) {
  test(`${what} is dealt with at once, wherever it stands`, () => {
    const { stage } = createStage({ forwarding: true, handOver: () => {} });
    const calls = {
      event: () => stage.event(TIME, value, 'u', {}),
      user: () => stage.event(TIME, 'e', value, {}),
      data: () => stage.event(TIME, 'e', 'u', value),
      'a part of data': () => stage.event(TIME, 'e', 'u', { part: value }),
      amount: () => stage.event(TIME, 'credits.earn', 'u', { amount: value }),
      'everything at once': () => stage.event(TIME, value, value, value),
      'user of a login': () => stage.login(TIME, 0, value, 'n'),
      username: () => stage.login(TIME, 0, 'u', value),
      'user of a logout': () => stage.logout(TIME, 0, value),
    };
    for (const [place, call] of Object.entries(calls)) {
      const started = performance.now();
      call();
      stage.flush();
      const tookMs = performance.now() - started;
      assert.ok(tookMs < LIMIT_MS, `as ${place}: ${tookMs} ms`);
    }
  });
}
