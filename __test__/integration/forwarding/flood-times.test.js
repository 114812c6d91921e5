// Two receivers that flood delay onLogin() and stop() no more than two processes that use as much CPU.
'use strict';

const assert = require('node:assert');
const { describe, it } = require('node:test');
const { runProgram, startProgram } = require('../../support/setup');
const { useMongod, waitFor } = require('./setup');

const mongo = useMongod();

const LOGINS = 300;
/** How often each kind of run is made: more often while the medians are not as they should be. */
const RUNS = 3;
const MOST_RUNS = 7;
const MOST_RATIO = 1.5;
const LIFETIME_MS = 120_000;

/** Runs in a process of its own: a receiver that uses all CPU it gets, and floods or refuses requests. */
function receive({ isFlooding }, report) {
  const block = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(2_500);
  const refusal = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n';
  const server = require('node:net').createServer((socket) => {
    const pour = () => {
      while (!socket.destroyed && socket.write(block));
    };
    socket.on('error', () => {});
    socket.on('data', isFlooding ? pour : () => socket.write(refusal));
    if (isFlooding) socket.on('drain', pour);
  });
  server.listen(0, '127.0.0.1', () => report(server.address().port));
  const burn = () => {
    const end = performance.now() + 5;
    while (performance.now() < end);
    setImmediate(burn);
  };
  burn();
}

/** Runs in a process of its own: a server that forwards events while players log in. */
async function serve({ uri, ports, logins }, report) {
  const AnalyticsSystem = require('.');
  const analytics = new AnalyticsSystem({
    ...{ uri, logger: false, shutdownTimeoutMs: 500 },
    destinations: ports.map((port) => ({
      ...{ name: `to-${port}`, url: `http://127.0.0.1:${port}/` },
      ...{ minRetryDelayMs: 10, maxRetryDelayMs: 1_000 },
    })),
  });
  analytics.start();
  const hasFailed = ({ lastError }) => lastError !== undefined;
  analytics.track('quest.done', 'first', {});
  while (!analytics.getHealth().destinations.every(hasFailed)) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const durations = [];
  for (let n = 0; n < logins; n++) {
    analytics.track('quest.done', `u${n}`, { n });
    const begun = performance.now();
    await analytics.onLogin(`u${n}`, 'name');
    durations.push(performance.now() - begun);
  }
  const sent = analytics.getHealth().destinations.map((to) => to.sent);
  const begun = performance.now();
  await analytics.stop();
  const stopMs = performance.now() - begun;
  durations.sort((a, b) => a - b);
  const p99 = durations[Math.floor(durations.length * 0.99)];
  report({ p99, stopMs, sent });
}

async function measure(isFlooding) {
  const start = () => startProgram(receive, { given: { isFlooding }, timeoutMs: LIFETIME_MS });
  const receivers = [start(), start()];
  try {
    const ports = () =>
      receivers.map(({ output }) => Number(/@@result (\d+)\n/.exec(output.stdout)?.[1]));
    await waitFor(() => ports().every(Boolean), { what: 'receivers to listen' });
    const given = { uri: mongo.database().uri, ports: ports(), logins: LOGINS };
    const { result } = await runProgram(serve, { given, timeoutMs: LIFETIME_MS });
    assert.deepStrictEqual(result.sent, [0, 0]);
    return result;
  } finally {
    for (const { child } of receivers) child.kill('SIGKILL');
    await Promise.all(receivers.map(({ finished }) => finished));
  }
}

function median(runs, what) {
  const values = runs.map((run) => run[what]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)];
}

describe('beside two receivers that flood', () => {
  it(`onLogin() and stop() take at most ${MOST_RATIO} times as long as beside two busy processes`, async (t) => {
    const floods = [];
    const burns = [];
    const ratio = (what) => median(floods, what) / median(burns, what);
    const isWithin = () => ratio('p99') <= MOST_RATIO && ratio('stopMs') <= MOST_RATIO;
    while (floods.length < RUNS || (floods.length < MOST_RUNS && !isWithin())) {
      burns.push(await measure(false));
      floods.push(await measure(true));
    }
    const seen = ['p99', 'stopMs'].map((what) => {
      const rounded = (runs) => runs.map((run) => Math.round(run[what]));
      return `${what}: ${rounded(floods)} ms, beside busy processes ${rounded(burns)} ms`;
    });
    for (const line of seen) t.diagnostic(line);
    assert.ok(isWithin(), seen.join('\n'));
  });
});
