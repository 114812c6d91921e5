// Runs a host program in a process of its own, as a game server would be: clean environment,
// everything it prints collected, a deadline, and killed by its id when that has passed.
'use strict';

const { spawn } = require('node:child_process');
const { childEnvironment } = require('./environment');

/**
 * Starts `<node> <nodeArgs> <script> <args>`: `{ child, pid, output, finished }`. `node` is this program,
 * or the words that run another.
 * `output` grows while it runs; `finished` resolves with
 * `{ code, signal, stdout, stderr, timedOut, elapsedMs }` and never rejects for a failed host.
 */
function startHost(
  script,
  { args = [], node = [process.execPath], nodeArgs = [], ...options } = {},
) {
  const { env, timeoutMs = 30_000, cwd, ipc } = options;
  const started = performance.now();
  const [program, ...words] = node;
  const child = spawn(program, [...words, ...nodeArgs, script, ...args], {
    cwd,
    env: childEnvironment(env),
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? ['ipc'] : [])],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  let timedOut = false;
  const deadline = setTimeout(() => {
    timedOut = true;
    child.kill('SIGKILL');
  }, timeoutMs);
  const finished = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(deadline);
      resolve({ code, signal, ...output, timedOut, elapsedMs: performance.now() - started });
    });
  });
  return { child, pid: child.pid, output, finished };
}

/** Runs the host to its end; throws with everything it printed unless it exits with 0 in time. */
async function runHost(script, options) {
  const result = await startHost(script, options).finished;
  if (result.code === 0) return result;
  const how = result.timedOut ? 'was killed after its deadline' : `ended with ${result.code}`;
  throw new Error(
    `${script} ${how}${result.signal ? ` (${result.signal})` : ''}\n` +
      `--- stdout\n${result.stdout}\n--- stderr\n${result.stderr}`,
  );
}

module.exports = { startHost, runHost };
