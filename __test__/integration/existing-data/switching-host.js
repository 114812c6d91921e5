// Run as a child process: the game server of the examples, as it is in the file that is named, with
// its clock set for it. Arguments: that file, the connection string, the time. What arrives is played
// in order: `{ at, op, … }` as old-data.js plans it, or `{ at, op: 'ask' }`, which answers what its
// `/metrics` and `getLast30Days()` say. SIGTERM ends it, as its own code does that.
'use strict';

const [file, mongodbUri, now] = process.argv.slice(2);
// Before anything else is loaded; see clock.js.
const clock = require('../../support/clock').installClock(now);
const game = require(file);

async function main() {
  const port = await game.start({ mongodbUri });
  process.on('message', async (plan) => {
    let answer = {};
    for (const { at, op, ...given } of plan) {
      clock.set(at);
      answer = await play[op](given, port);
    }
    process.send({ answer });
  });
  process.send({});
}

const account = (user) => ({ _id: user, name: `name of ${user}` });

const play = {
  login: ({ user }) => game.login(account(user)),
  logout: ({ user }) => game.logout(account(user)),
  track: ({ event, user, data }) => game.analytics.track(event, user, data),
  async ask(_, port) {
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

main();
