// The orders of the game server of the examples, as it is in `settings.file`, with its clock set for it:
// `play` plays in order what old-data.js plans, `{ at, op, … }`, or `{ at, op: 'ask' }`, and answers what
// `/metrics` and `getLast30Days()` said last. SIGTERM ends it, as its own code does that.
'use strict';

const { installClock } = require('../../support/clock');

const account = (user) => ({ _id: user, name: `name of ${user}` });

module.exports = async ({ file, uri, now }) => {
  // Before anything else is loaded; see clock.js.
  const clock = installClock(now);
  const game = require(file);
  const port = await game.start({ mongodbUri: uri });

  const acts = {
    login: ({ user }) => game.login(account(user)),
    logout: ({ user }) => game.logout(account(user)),
    track: ({ event, user, data }) => game.analytics.track(event, user, data),
    async ask() {
      const response = await fetch(`http://127.0.0.1:${port}/metrics`);
      const { analytics } = game;
      return {
        metrics: await response.json(),
        days: await analytics.getLast30Days(),
        // The class has none.
        health: analytics.getHealth?.(),
      };
    },
  };

  return {
    async play(plan) {
      let answer;
      for (const { at, op, ...given } of plan) {
        clock.set(at);
        answer = await acts[op](given);
      }
      return answer;
    },
  };
};
