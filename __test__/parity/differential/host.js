// A child process that plays one scenario after another: `play(job)` answers what its calls
// returned. It is ended by `close()`, by its deadline, or when it does not answer in time.
'use strict';

const path = require('node:path');
const { startHost } = require('../../support/host');
const { within } = require('../../support/wait');

const PROGRAM = path.join(__dirname, 'host-program.js');
const JOB_TIMEOUT_MS = 90_000;
const LIFE_TIMEOUT_MS = 30 * 60_000;

class Host {
  constructor({ kind, file }) {
    this.kind = kind;
    // Dates are cast to text in the local time zone.
    const options = {
      args: [kind, file],
      env: { TZ: 'UTC' },
      timeoutMs: LIFE_TIMEOUT_MS,
      ipc: true,
    };
    this.process = startHost(PROGRAM, options);
    this.process.finished.catch(() => {});
    this.isReady = this.message();
    this.isReady.catch(() => {});
  }

  message() {
    const { child, output } = this.process;
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`the ${this.kind} ended\n${output.stderr}`));
      child.once('close', ended);
      child.once('message', (message) => {
        child.off('close', ended);
        resolve(message);
      });
    });
  }

  async play(job) {
    await within(this.isReady, { timeoutMs: JOB_TIMEOUT_MS, what: `the ${this.kind} to begin` });
    const { child, output } = this.process;
    if (!child.connected) throw new Error(`the ${this.kind} is gone\n${output.stderr}`);
    const answer = this.message();
    child.send(job);
    const what = `the ${this.kind} to play the scenario`;
    const { error, ...played } = await within(answer, { timeoutMs: JOB_TIMEOUT_MS, what });
    if (error) throw new Error(`the ${this.kind} failed: ${error}`);
    return played;
  }

  async close() {
    const { child, finished } = this.process;
    child.kill('SIGKILL');
    await finished;
  }
}

module.exports = { Host };
