// A game server that plays one scenario after another: `play(job)` answers what its calls returned. It is
// ended by `kill()`, by its deadline, or when it does not answer in time.
'use strict';

const { GameServer } = require('../../support/game-server');
const { within } = require('../../support/wait');

const ORDERS = require.resolve('./orders');
const JOB_TIMEOUT_MS = 90_000;
const LIFE_TIMEOUT_MS = 30 * 60_000;

class Host extends GameServer {
  constructor({ kind, file }) {
    const limits = { answerMs: JOB_TIMEOUT_MS, timeoutMs: LIFE_TIMEOUT_MS };
    // Dates are cast to text in the local time zone.
    super(ORDERS, { name: `the ${kind}`, kind, file }, { env: { TZ: 'UTC' }, ...limits });
  }

  async play(job) {
    await within(this.ready, { timeoutMs: JOB_TIMEOUT_MS, what: `${this.name} to begin` });
    return this.tell('play', job);
  }
}

module.exports = { Host };
